"""A worker that ends by itself, as if killed, the nth time it reaches a point of either loop.

    python -m tests.faults.failpoints POINT NTH worker --config FILE

The points are put around the worker's own functions from outside, so that nothing of it is in the product.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from monitor import merging
from monitor.delivery import FaustSender
from monitor.merging import Merging
from monitor.pipeline.checkpoints import MARKER
from monitor.pipeline.merge import Merge
from monitor.pipeline.results import Result
from monitor.pipeline.summarise import SourcePartition
from monitor.summarising import Summarising
from monitor.transport import BatchConsumer

KILLED = 137  # what a shell says of a process that was killed
Guard = Callable[..., bool]


class _Countdown:
    def __init__(self, nth: int) -> None:
        self._left = nth

    def reach(self) -> None:
        """End the process the nth time, without a chance to clean up."""
        self._left -= 1
        if self._left == 0:
            os._exit(KILLED)


def _never(*_: Any) -> bool:
    return False


def _around(owner: Any, name: str, left: _Countdown, *, before: Guard = _never, after: Guard = _never) -> None:
    """Reach the point before or after the function where the guard says yes to its arguments (and its result)."""
    original = getattr(owner, name)

    def entering(*args: Any) -> None:
        if before(*args):
            left.reach()

    def leaving(made: Any, *args: Any) -> None:
        if after(made, *args):
            left.reach()

    @wraps(original)
    def plain(*args: Any, **options: Any) -> Any:
        entering(*args)
        made = original(*args, **options)
        leaving(made, *args)
        return made

    @wraps(original)
    async def waiting(*args: Any, **options: Any) -> Any:
        entering(*args)
        made = await original(*args, **options)
        leaving(made, *args)
        return made

    setattr(owner, name, waiting if iscoroutinefunction(original) else plain)


def _on_marker(left: _Countdown, *, sent: bool) -> None:
    """Reach the point before or after a checkpoint's marker is delivered; its items are confirmed by then."""
    original: Any = vars(merging)["deliver"]

    async def deliver(sender: Any, records: Any) -> int:
        listed = list(records)  # they come as an iterator
        marks = any(f"|{MARKER}".encode() in record.key for record in listed)
        if marks and not sent:
            left.reach()
        made: int = await original(sender, listed)
        if marks and sent:
            left.reach()
        return made

    vars(merging)["deliver"] = deliver


def _always(*_: Any) -> bool:
    return True


def _moved(made: Any, *_: Any) -> bool:
    return made is not None


def _window(_: Any, __: Any, ___: int, outputs: Any) -> bool:
    return any(isinstance(output, Result) for output in outputs)


POINTS: dict[str, Callable[[_Countdown], None]] = {
    "summarise-fetched": lambda left: _around(Summarising, "take", left, before=lambda _, batch: bool(batch.records)),
    "summarise-counted": lambda left: _around(SourcePartition, "add", left, after=_always),
    "summarise-sent": lambda left: _around(FaustSender, "send", left, after=lambda _, __, record: bool(record.headers)),
    "summarise-told": lambda left: _around(Summarising, "_emit", left, after=_always),
    "summarise-closed": lambda left: _around(Summarising, "_close", left, after=_always),
    "commit-before": lambda left: _around(BatchConsumer, "commit", left, before=lambda c, *_: bool(c._confirmed)),
    "commit-after": lambda left: _around(BatchConsumer, "commit", left, after=lambda _, c, *__: bool(c._confirmed)),
    "merge-applied": lambda left: _around(Merge, "apply", left, after=lambda made, *_: bool(made)),
    "merge-published": lambda left: _around(Merging, "_publish", left, after=_window),
    "merge-items": lambda left: _on_marker(left, sent=False),
    "merge-marker": lambda left: _on_marker(left, sent=True),
    "merge-checkpointed": lambda left: _around(Merging, "_checkpoint", left, after=_moved),
}


if __name__ == "__main__":
    from monitor.cli import main

    point, nth, *rest = sys.argv[1:]
    sys.argv = ["driftline", *rest]
    POINTS[point](_Countdown(int(nth)))
    main()
