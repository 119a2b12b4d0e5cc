"""Mutations of what is told of drift: episodes, and what moved."""

from __future__ import annotations

from tests.mutations.mutation import one

EPISODES, EXPLANATIONS, GROUPS = (f"monitor/drift/{name}.py" for name in ("episodes", "explanations", "groups"))
OF_EPISODES = ("tests/drift/test_episodes.py", "tests/drift/test_episodes_twin.py")

TELLING = [
    one(
        "undecided-recovers",
        "windows with too few events end an episode",
        EPISODES,
        'or verdict == "undecided" or known',
        "or known",
        *OF_EPISODES,
    ),
    one(
        "recovery-forgotten",
        "drift that a revision brings forgets the windows after it",
        EPISODES,
        "calm=calm if end > episode.end else episode.calm",
        "calm=0",
        *OF_EPISODES,
    ),
    one(
        "counted-twice",
        "a window that is published again counts again towards the recovery",
        EPISODES,
        'known = said != "undecided"',
        "known = False",
        *OF_EPISODES,
    ),
    one(
        "paged-when-over",
        "drift pages although it was over when it became known",
        EPISODES,
        "over = calm >= recovery or (",
        "over = (",
        *OF_EPISODES,
    ),
    one(
        "worst-is-last",
        "the worst window of an episode is its last one",
        EPISODES,
        "*([worst] if worst else [])",
        "",
        *OF_EPISODES,
    ),
    one(
        "noise-explained",
        "what moved by chance is told as a movement",
        EXPLANATIONS,
        "2 * min(more, fewer) * tests < LEVEL",
        "2 * min(more, fewer) < LEVEL",
        "tests/drift/test_explanations.py",
    ),
    one(
        "levels-correlate",
        "columns that drift slowly, each by itself, are one group",
        GROUPS,
        "np.asarray((means[1:] - means[:-1]) * weights)",
        "np.asarray((means[1:] - np.mean(means)) * weights)",
        "tests/drift/test_groups.py",
    ),
]
