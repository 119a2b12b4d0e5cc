"""Mutations on the way from a log to envelopes, and of the statistics."""

from __future__ import annotations

from tests.mutations.mutation import Edit, Mutation, one

TRANSPORT, RANGES = "monitor/transport_consumer.py", "monitor/transport_ranges.py"
SUMMARISING = "monitor/summarising.py"

READING = [
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
    Mutation(
        "no-assignments",
        "a block outlives the assignment under which it was begun, and what is missing in it is taken for a gap",
        (
            Edit(
                RANGES,
                """\
        if batch.start != expected.position or not (expected.announced or batch.start == batch.stop):
            return Check(Verdict.JUMP, expected.position, batch.start)
""",
                "",
            ),
            Edit(SUMMARISING, "        self._readings.pop((topic, partition), None)\n", ""),
            Edit(
                SUMMARISING,
                "return reading is not None and reading.number == batch.reading",
                "return reading is not None",
            ),
            Edit(
                "monitor/pipeline/assemble.py",
                "    first = 0\n    while True:\n",
                "    first = bisect_left(offsets, source.end)\n    while stop > source.end:\n",
            ),
        ),
        ("tests/test_transport.py",),
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
        "segments-mixed-up",
        "an event is told apart by the segments of another event of its batch",
        "monitor/logs/events.py",
        'self._held("segments", events)',
        'self._held("segments", events[::-1])',
        "tests/logs/test_json_equals_naive.py",
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
        "monitor/drift/windows.py",
        "places - (places - self.offset) % self.pane",
        "places - (places - self.offset - 1) % self.pane - 1",
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

SCORES = [
    one(
        "psi-smoothing",
        "PSI takes half an event from every cell instead of adding it",
        "monitor/drift/samples.py",
        "(self.counts + smoothing, total)",
        "(self.counts - smoothing, total)",
        "tests/drift/test_methods.py",
        "tests/drift/test_methods_known.py",
    ),
    one(
        "chi2-degrees",
        "chi-square is given a degree of freedom too many",
        "monitor/drift/methods/chi2.py",
        "chdtrc(np.maximum(cells - 1, 1), statistic)",
        "chdtrc(np.maximum(cells, 1), statistic)",
        "tests/drift/test_methods.py",
        "tests/drift/test_methods_known.py",
    ),
    one(
        "mid-ranks",
        "tied events all take the highest rank among them",
        "monitor/drift/samples.py",
        "self.below - self.shares * 0.5",
        "self.below - self.shares * 0.0",
        "tests/drift/test_methods.py",
        "tests/drift/test_methods_known.py",
    ),
    one(
        "ties",
        "the standard error of Mann and Whitney's knows no ties",
        "monitor/drift/methods/mann_whitney.py",
        "untied = 1 - dot(h * h, h)",
        "untied = 1 - 0 * dot(h * h, h)",
        "tests/drift/test_methods.py",
        "tests/drift/test_methods_known.py",
    ),
    one(
        "one-sided-limit",
        "the limit of z is that of a test that looks in one direction",
        "monitor/drift/methods/z_test.py",
        "ndtri(alpha / 2)",
        "ndtri(alpha)",
        "tests/drift/test_methods_known.py",
    ),
]
