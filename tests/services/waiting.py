"""Waiting for a condition with a deadline: what tests do instead of sleeping."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.05


def wait_for(
    condition: Callable[[], T], deadline: float, what: str, *, tolerate: tuple[type[Exception], ...] = ()
) -> T:
    """The first true value of `condition`, asked again and again for `deadline` seconds.

    An exception among `tolerate` counts as "not yet"; every other one ends the waiting. When the time is over,
    `TimeoutError` says what was waited for and what was seen last.

    >>> wait_for(lambda: 7, 1, "seven")
    7
    """
    end = time.monotonic() + deadline
    while True:
        try:
            seen: object = (value := condition())
            if value:
                return value
        except tolerate as error:
            seen = error
        if time.monotonic() >= end:
            raise TimeoutError(f"waited {deadline:g} s for {what}; last seen: {seen!r}")
        time.sleep(POLL_SECONDS)


async def until(condition: Callable[[], object], deadline: float, what: str) -> None:
    """The same inside a running loop, which goes on meanwhile; the condition may be a coroutine function."""
    end = time.monotonic() + deadline
    while True:
        seen = condition()
        if inspect.isawaitable(seen):
            seen = await seen
        if seen:
            return
        if time.monotonic() >= end:
            raise TimeoutError(f"waited {deadline:g} s for {what}; last seen: {seen!r}")
        await asyncio.sleep(POLL_SECONDS)
