"""Whether a worker with little memory catches up with ten million messages, and how fast: `make lag`.

The log is there before the worker starts. The kernel refuses it more than LIMIT of data, so that a queue that grows
ends the run; the ledger is the producer's: every window must hold exactly the events that were confirmed for it.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Iterator

from rich.console import Console

from benchmarks.harness import memory_of_process
from benchmarks.services import deployed, started_broker
from monitor.drift.profiles import Profile
from tests.examples import profile
from tests.services.backlog import BATCH, produce_backlog
from tests.services.small import event, past
from tests.services.waiting import wait_for

MESSAGES = 10_000_000
WINDOWS = 100
STEP = 60_000  # milliseconds
LIMIT = 300_000_000  # bytes
PATIENCE = 1_800.0  # seconds


def main() -> None:
    """Produce, catch up, compare; raises AssertionError where an event is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    say = Console(highlight=False).print
    reference: Profile = profile()
    rounds = max(parser.parse_args().messages // (4 * BATCH * WINDOWS), 1)
    with started_broker() as broker, deployed(broker, [reference], window={"size": f"{STEP}ms"}) as deployment:
        start = past(2 * WINDOWS * STEP // 1_000) // STEP * STEP
        began = time.monotonic()
        sent = produce_backlog(broker, deployment.source, _log(start, rounds))
        produce_backlog(broker, deployment.source, [[event(start + (WINDOWS + 1) * STEP)]])
        say(f"{sent:,} messages produced in {time.monotonic() - began:.0f} s")
        worker = deployment.start_worker()
        resource.prlimit(worker.process.pid, resource.RLIMIT_DATA, (LIMIT, LIMIT))
        began = time.monotonic()
        published = deployment.topic("windows")

        def closed() -> bool:
            return sum(broker.end_offsets(published).values()) >= WINDOWS

        worker.process.wait_until(closed, PATIENCE, f"{WINDOWS} closed windows")
        took = time.monotonic() - began
        wait_for(lambda: worker.metric("driftline_block_holes_total") == 0, 10, "no hole")
        found = [json.loads(line)["events"] for line in deployment.windows().values()]
        assert found == [4 * BATCH * rounds] * WINDOWS, f"expected {sent:,} events in {WINDOWS} windows, got {found}"
        peak = memory_of_process(worker.process.pid, "VmHWM")
    say(f"caught up in {took:.0f} s: {sent / took:,.0f} messages/s, peak of memory {peak:.0f} MB, no event missing")


def _log(start: int, rounds: int) -> Iterator[list[bytes]]:
    """Batches in order of event time, each spread over its window."""
    for window in range(WINDOWS):
        batch = [event(start + window * STEP + i * STEP // BATCH, i=i) for i in range(BATCH)]
        for _ in range(rounds):
            yield batch


if __name__ == "__main__":
    main()
