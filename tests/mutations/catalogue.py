"""The mutations: what is broken, how, and which tests must notice."""

from __future__ import annotations

from typing import NamedTuple


class Edit(NamedTuple):
    """A replacement in one file, whose `old` text must be there exactly once."""

    file: str
    old: str
    new: str


class Mutation(NamedTuple):
    """`harm` is what goes wrong in the broken build; `tests` are files, or single tests, of which one must fail."""

    name: str
    harm: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]


TRANSPORT, RANGES = "monitor/transport_consumer.py", "monitor/transport_ranges.py"
SUMMARISING, MERGING = "monitor/summarising.py", "monitor/merging.py"
SOURCES, MERGE, STATE = "monitor/pipeline/sources.py", "monitor/pipeline/merge.py", "monitor/pipeline/state.py"
CHECKPOINTS, WINDOWS = "monitor/pipeline/checkpoints.py", "monitor/drift/windows.py"


def one(name: str, harm: str, file: str, old: str, new: str, *tests: str) -> Mutation:
    """A mutation of a single edit."""
    return Mutation(name, harm, (Edit(file, old, new),), tests)


_READING = [
    one(
        "no-range-check",
        "after a lost batch a worker counts on, as if the loss were a gap in the offsets",
        RANGES,
        """\
        if batch.start != expected.position or not (expected.announced or batch.start == batch.stop):
            return Check(Verdict.JUMP, expected.position, batch.start)
""",
        "",
        "tests/test_transport.py",
    ),
    one(
        "stale-batches",
        "what was fetched before a seek is counted after it",
        RANGES,
        "if expected is None or expected.reading != batch.reading:",
        "if expected is None:",
        "tests/test_transport.py",
    ),
    one(
        "commit-before-report",
        "an offset moves before the broker has what it stands for",
        "monitor/delivery.py",
        "        await asyncio.gather(*waiting)\n",
        "        pass\n",
        "tests/test_summarising.py",
    ),
    Mutation(
        "revoke-without-clearing",
        "after a rebalance a worker commits for a partition that is another's",
        (
            Edit(TRANSPORT, "            self._confirmed.pop(Partition(*tp), None)\n", ""),
            Edit(TRANSPORT, "            self._ranges.end(Partition(*tp))\n", ""),
        ),
        ("tests/test_transport.py",),
    ),
    one(
        "block-kept-on-revoke",
        "a worker that gets a partition back adds to a block that began in another assignment",
        SUMMARISING,
        "        self._readings.pop((topic, partition), None)\n",
        "",
        "tests/test_summarising.py",
    ),
    one(
        "idle-while-lagging",
        "a partition whose records wait is taken for idle, and its events come late",
        SUMMARISING,
        "at_end = self.log_end is not None and self.source.end >= self.log_end",
        "at_end = self.log_end is not None",
        "tests/test_summarising.py",
    ),
    one(
        "wall-clock",
        "whether an event comes from the future depends on when it is read, not on its record",
        "monitor/logs/batch.py",
        "np.fromiter(timestamps, dtype=np.int64)",
        'np.full(len(timestamps), __import__("time").time_ns() // 1_000_000)',
        "tests/logs/test_json_bad_input.py",
    ),
    one(
        "rejected-as-events",
        "what nobody could read is counted as an event",
        "monitor/pipeline/summarise.py",
        "self._events += counted.events",
        "self._events += counted.events + len(counted.rejected)",
        "tests/pipeline/test_summarise.py",
    ),
    one(
        "pane-boundary",
        "an event on the boundary of two panes is in the earlier one",
        "monitor/logs/columns.py",
        "(part.times - windows.offset) % windows.pane\n        first",
        "(part.times - windows.offset - 1) % windows.pane - 1\n        first",
        "tests/pipeline/test_merge.py",
    ),
    one(
        "dense-packing",
        "counts that are mostly zero are sent cell by cell",
        "monitor/pipeline/envelopes.py",
        "if len(places) * (4 + width) < len(counts) * width:",
        "if len(places) * (4 + width) > len(counts) * width:",
        "tests/pipeline/test_envelopes.py",
    ),
]

_MERGING = [
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

_RESTARTING = [
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

_SCORES = [
    one(
        "psi-smoothing",
        "PSI takes half an event from every cell instead of adding it",
        "monitor/drift/methods/psi.py",
        "p = (reference + smoothing)",
        "p = (reference - smoothing)",
        "tests/drift/test_methods.py",
        "tests/drift/test_methods_known.py",
    ),
    one(
        "chi2-degrees",
        "chi-square is given a degree of freedom too many",
        "monitor/drift/methods/chi2.py",
        "float(chdtrc(cells - 1, statistic))",
        "float(chdtrc(cells, statistic))",
        "tests/drift/test_methods.py",
        "tests/drift/test_methods_known.py",
    ),
]

MUTATIONS = {mutation.name: mutation for mutation in _READING + _MERGING + _RESTARTING + _SCORES}
