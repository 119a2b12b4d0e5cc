"""Mutations of what becomes of envelopes: merge, its windows, its checkpoints."""

from __future__ import annotations

from tests.mutations.mutation import Edit, Mutation, one

SOURCES, MERGE, STATE = "monitor/pipeline/sources.py", "monitor/pipeline/merge.py", "monitor/pipeline/state.py"
CHECKPOINTS, WINDOWS, MERGING = "monitor/pipeline/checkpoints.py", "monitor/drift/windows.py", "monitor/merging.py"

EVENT_TIME = [
    Mutation(
        "no-dedupe",
        "what was sent twice is counted twice",
        (
            Edit(SOURCES, 'return "hole" if envelope.block > source.closed else "repeat"', 'return "new"'),
            Edit(SOURCES, "and envelope.end <= known and not envelope.closed", "and envelope.end < 0"),
        ),
        ("tests/pipeline/test_sources.py",),
    ),
    one(
        "smaller-end-wins",
        "an old snapshot of a block replaces a newer one",
        SOURCES,
        "envelope.end <= known and not",
        "envelope.end >= known and not",
        "tests/pipeline/test_sources.py",
    ),
    one(
        "hole-passed-over",
        "a block that never came is passed over in silence",
        SOURCES,
        'return "hole" if envelope.block > source.closed else "repeat"',
        'return "new" if envelope.block > source.closed else "repeat"',
        "tests/pipeline/test_sources.py",
    ),
    one(
        "snapshot-hole",
        "a snapshot is believed although the one before it was lost",
        SOURCES,
        'return "hole" if envelope.since > known else "new"',
        'return "new"',
        "tests/pipeline/test_sources.py",
    ),
    one(
        "idle-behind-a-hole",
        "a partition of which a block is missing does not hold the windows",
        STATE,
        "None if self.hole else self.idle",
        "self.idle",
        "tests/pipeline/test_sources.py",
    ),
    one(
        "zombie-epoch",
        "a worker that was replaced brings its old configuration back",
        SOURCES,
        "return generation >= source.generation or envelope.epoch not in source.past",
        "return True",
        "tests/pipeline/test_sources.py",
    ),
    one(
        "zombie-idleness",
        "a worker that was replaced says that a partition is idle, and is believed",
        SOURCES,
        "    if generation < source.generation:\n        return False\n",
        "",
        "tests/pipeline/test_sources.py",
    ),
    one(
        "windows-do-not-wait",
        "windows close while a new epoch has not counted again what they held",
        MERGE,
        "return any(source.recounting for source in self.state.sources.values())",
        "return False",
        "tests/pipeline/test_sources.py",
    ),
    one(
        "retired-is-late",
        "events that a final window holds are counted as late as well",
        MERGE,
        "source.spent[key] = summaries.events(target.profile, unpack(source.open.pop(key)))",
        "source.open.pop(key)",
        "tests/pipeline/test_sources.py",
    ),
    one(
        "late-again-and-again",
        "each snapshot counts the late events of its block once more",
        MERGE,
        "yield Late(part.key.model, part.key.version, events - before)",
        "yield Late(part.key.model, part.key.version, events)",
        "tests/pipeline/test_merge.py",
    ),
    one(
        "watermark-by-maximum",
        "windows close when the fastest partition has passed them",
        WINDOWS,
        "return min(known) - disorder",
        "return max(known) - disorder",
        "tests/pipeline/test_merge.py",
    ),
    one(
        "lateness-off-by-one",
        "a window is revised a millisecond longer than its lateness",
        WINDOWS,
        "return start + self.size + self.lateness",
        "return start + self.size + self.lateness + 1",
        "tests/drift/test_windows.py",
    ),
    one(
        "closed-too-late",
        "an event on the end of a window does not close it",
        STATE,
        "self.watermark >= time",
        "self.watermark > time",
        "tests/pipeline/test_merge.py",
    ),
]

RESTARTING = [
    one(
        "marker-first",
        "a checkpoint counts as whole before its panes are written",
        MERGING,
        "for step in (plan.items, [plan.marker], plan.useless):",
        "for step in ([plan.marker], plan.items, plan.useless):",
        "tests/test_restart.py",
    ),
    one(
        "one-slot",
        "half of the next checkpoint overwrites the last whole one",
        CHECKPOINTS,
        "slot = 1 - known.slot if known else 0",
        "slot = 0",
        "tests/pipeline/test_checkpoints.py",
    ),
    one(
        "no-digest",
        "an old item passes for one that was lost",
        CHECKPOINTS,
        "if len(state) != count or _summary({key: newest[key][0] for key in state}) != summary:",
        "if len(state) != count:",
        "tests/test_state_damage.py",
    ),
    one(
        "no-checksum",
        "a flipped bit of a checkpoint becomes a count",
        CHECKPOINTS,
        'if zlib.crc32(value[4:]) != int.from_bytes(value[:4], "big"):',
        "if not value:",
        "tests/pipeline/test_checkpoints.py",
    ),
    one(
        "any-format",
        "a checkpoint of a newer version is read as if it were ours",
        CHECKPOINTS,
        "if version not in READ:",
        "if not version:",
        "tests/test_state_damage.py",
    ),
    one(
        "checkpoint-ahead",
        "a restart leaves an envelope out",
        MERGING,
        "plan = merging.checkpoints.plan(dump(merging.merge.state), offset=offset)",
        "plan = merging.checkpoints.plan(dump(merging.merge.state), offset=offset + 1)",
        "tests/test_restart.py",
    ),
    one(
        "call-before-ledger",
        "a webhook is called before its trigger is written down",
        MERGING,
        "records += self._dispatcher.take(partition, output)\n",
        "records += self._dispatcher.take(partition, output)\n                self._dispatcher.start(partition)\n",
        "tests/test_restart.py",
    ),
    one(
        "other-assignment",
        "a partition that was lost and came back is merged on from where it was",
        MERGING,
        "return merging is not None and merging.generation == batch.generation",
        "return merging is not None",
        "tests/test_restart.py",
    ),
]
