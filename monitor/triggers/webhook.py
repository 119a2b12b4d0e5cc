"""Calls a retraining pipeline over HTTP: one idempotent, signed POST, repeated until it is taken or given up.

The URL comes from the configuration alone and redirects are not followed, so no event decides who is called. Nor does
a name server: every address is judged when it is connected to, after it was resolved. The answer's body is never read,
and no message holds the URL's path, its query or the secret.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import hmac
import logging
import socket
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Literal, Protocol
from urllib.parse import urlsplit

import aiohttp

from monitor import __version__
from monitor.addresses import refusal
from monitor.config import Webhook

logger = logging.getLogger(__name__)

ATTEMPTS = 6  # with the waits below: half a minute of trying
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds; each wait is twice the last, and Retry-After may ask for the longest
CONNECT = 5.0  # seconds that a connection may take, within the time for the whole call
LARGEST = 8 * 1024 * 1024  # bytes of a payload; also what driftline.triggers takes


class Clock(Protocol):
    """The wall clock, in seconds since 1970, and how to wait by it; moved by hand in tests."""

    def now(self) -> float: ...
    def sleep(self, seconds: float) -> Awaitable[None]: ...


class WallClock:
    """The clock of this machine."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Let others work for so long."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call; `status` is the last answer's, None where there was none."""

    outcome: Literal["sent", "failed", "dry_run"]
    attempts: int
    status: int | None = None
    message: str = ""


class RefusedAddress(OSError):
    """A name led to an address that must not be called."""


async def carry_out(webhook: Webhook, body: bytes, trigger_id: str) -> Literal["sent", "failed", "dry_run"]:
    """Call by the clock of this machine, and log what went wrong; returns the outcome."""
    made = await call(webhook, body, trigger_id=trigger_id, clock=WallClock())
    if made.message:
        logger.warning("%s", made.message)
    return made.outcome


async def call(webhook: Webhook, event_payload: bytes, *, trigger_id: str, clock: Clock) -> Outcome:
    """POST the payload until it is taken (2xx), refused (any other 4xx or 3xx), or `ATTEMPTS` have failed."""
    place = _shown(webhook.url)
    if webhook.dry_run:
        return Outcome("dry_run", 0, None, f"webhook {place}: dry run, not called")
    if len(event_payload) > LARGEST:
        return Outcome(
            "failed", 0, None, f"webhook {place}: payload of {len(event_payload):,} bytes, most is {LARGEST:,}"
        )
    async with _session(webhook) as session:
        return await _insist(webhook, event_payload, trigger_id, session, clock)


async def _insist(
    webhook: Webhook, body: bytes, trigger_id: str, session: aiohttp.ClientSession, clock: Clock
) -> Outcome:
    place, wait = _shown(webhook.url), FIRST_WAIT
    for attempt in range(1, ATTEMPTS + 1):
        status, trouble, asked = await _post(webhook, body, trigger_id, session, clock)
        if status is not None and 200 <= status < 300:
            return Outcome("sent", attempt, status)
        final = status is not None and status != 429 and status < 500
        if final or attempt == ATTEMPTS:
            return Outcome(
                "failed", attempt, status, f"webhook {place}: {trouble}, after {attempt} of {ATTEMPTS} attempts"
            )
        await clock.sleep(min(max(wait, asked), LONGEST_WAIT))
        wait *= 2
    raise AssertionError("the last attempt returns")


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature of a body sent at a timestamp: `v1=` and HMAC-SHA256 over `timestamp.body` in hexadecimal."""
    return "v1=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _session(webhook: Webhook) -> aiohttp.ClientSession:
    """A session for one call: no cookies, no proxy from the environment, and only addresses that may be called."""

    def connect(found: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = found
        if refused := refusal(str(address[0]), internal=webhook.allow_internal):
            hint = "" if webhook.allow_internal else "; allow_internal: true allows those of your own network"
            raise RefusedAddress(errno.EACCES, refused + hint)
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(socket_factory=connect, use_dns_cache=False, force_close=True)
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False
    )


async def _post(
    webhook: Webhook, body: bytes, trigger_id: str, session: aiohttp.ClientSession, clock: Clock
) -> tuple[int | None, str, float]:
    """One attempt: the answer's status, what is wrong with it, and for how many seconds it asks us to wait."""
    timestamp = str(int(clock.now()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"driftline/{__version__}",
        "Idempotency-Key": trigger_id,
        "Driftline-Timestamp": timestamp,
    }
    if webhook.secret is not None:
        headers["Driftline-Signature"] = sign(webhook.secret, timestamp, body)
    total = webhook.timeout / 1000
    limit = aiohttp.ClientTimeout(total=total, connect=min(total, CONNECT))
    try:
        async with session.post(
            webhook.url, data=body, headers=headers, allow_redirects=False, timeout=limit
        ) as response:
            hint = " (redirects are not followed)" if 300 <= response.status < 400 else ""
            retry_after = response.headers.get("Retry-After", "")
            return response.status, f"answered {response.status}{hint}", _seconds(retry_after, clock.now())
    except TimeoutError:
        return None, f"no answer within {webhook.timeout} ms", 0.0
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return None, f"no answer ({_reason(error)})", 0.0


def _reason(error: Exception) -> str:
    """What happened, without the error's own text: that may quote the URL."""
    system = getattr(error, "os_error", error)
    text = system.strerror if isinstance(system, OSError) else None
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _seconds(retry_after: str, now: float) -> float:
    """Seconds that a Retry-After header asks for, as a number or a date; 0 where it says nothing usable."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    return max(0.0, (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - now)


def _shown(url: str) -> str:
    """Scheme, host and port: path and query may hold a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
