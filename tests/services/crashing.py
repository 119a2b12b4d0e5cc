"""A worker with one fault put into it from outside, run as `python -m tests.services.crashing FAULT --config FILE`."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

from monitor import settings
from monitor.summarising import Summarising
from monitor.transport import Batch
from monitor.worker import Worker

POISON = b"poison"


def raise_in_the_agent() -> None:
    """The agent raises at a batch with the poison in it, as a defect of ours would make it."""
    take = Summarising.take

    def faulty(self: Summarising, batch: Batch) -> AsyncIterator[int]:
        if any(POISON in (record.value or b"") for record in batch.records):
            raise RuntimeError("a defect in the agent")
        return take(self, batch)

    Summarising.take = faulty  # type: ignore[method-assign]  # that is the fault


def hang_in_the_loop() -> None:
    """Something blocks the event loop for good, three seconds after it has begun."""
    asyncio.get_running_loop().call_later(3, time.sleep, 600)


async def main(fault: str, config: Path) -> int:
    """Run the worker with its fault."""
    {"raise": raise_in_the_agent, "hang": hang_in_the_loop}[fault]()
    return await Worker(settings.load(config)).run()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], Path(sys.argv[-1]))))
