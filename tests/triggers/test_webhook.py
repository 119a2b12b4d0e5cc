"""The webhook: called once per episode whatever the network does, signed, and silent about what is secret."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from monitor.config import Webhook
from monitor.triggers.payload import payload
from monitor.triggers.webhook import ATTEMPTS, LARGEST, LONGEST_WAIT, Outcome, call, sign
from tests import examples
from tests.services.receivers import Receiver, Response

NOW = 1_700_000_000.0
SECRET = "s3cret-canary"
BODY = payload(examples.opened())


class HandClock:
    """A clock that only moves when somebody sleeps by it."""

    def __init__(self) -> None:
        self.time, self.slept = NOW, list[float]()

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def calls(url: str, *, clock: HandClock | None = None, body: bytes = BODY, **options: object) -> Outcome:
    async def run() -> Outcome:
        given: dict[str, Any] = {"allow_internal": True} | options
        webhook = Webhook(url + "/retrain?token=t0ken-canary", **given)
        return await call(webhook, body, trigger_id="abc123", clock=clock or HandClock())

    return asyncio.run(run())


def test_the_payload_arrives_as_json_with_an_idempotency_key(receiver: Receiver) -> None:
    outcome = calls(receiver.url)

    assert outcome == Outcome("sent", 1, 200)
    (request,) = receiver.requests
    assert (request.method, request.path) == ("POST", "/retrain?token=t0ken-canary")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["idempotency-key"] == "abc123"
    assert request.headers["driftline-timestamp"] == "1700000000"
    assert "driftline-signature" not in request.headers
    assert json.loads(request.body)["model"] == "credit"


def test_a_secret_signs_timestamp_and_body(receiver: Receiver) -> None:
    calls(receiver.url, secret=SECRET)

    (request,) = receiver.requests
    assert request.headers["driftline-signature"] == sign(SECRET, "1700000000", request.body)


def test_the_signature_is_hmac_sha256() -> None:
    # printf '1700000000.{}' | openssl dgst -sha256 -hmac key
    assert sign("key", "1700000000", b"{}") == "v1=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae"


def test_every_attempt_has_the_same_key_and_a_signature_of_its_own_time(receiver: Receiver) -> None:
    receiver.answer(Response(500), Response(503))

    outcome = calls(receiver.url, secret=SECRET)

    assert outcome == Outcome("sent", 3, 200)
    assert {request.headers["idempotency-key"] for request in receiver.requests} == {"abc123"}
    assert len({request.body for request in receiver.requests}) == 1
    times = [request.headers["driftline-timestamp"] for request in receiver.requests]
    assert times == ["1700000000", "1700000001", "1700000003"]
    for request in receiver.requests:
        expected = sign(SECRET, request.headers["driftline-timestamp"], request.body)
        assert request.headers["driftline-signature"] == expected


def test_waits_double_and_end(receiver: Receiver) -> None:
    receiver.answer(*[Response(500)] * ATTEMPTS)
    clock = HandClock()

    outcome = calls(receiver.url, clock=clock)

    assert (outcome.outcome, outcome.attempts, outcome.status) == ("failed", ATTEMPTS, 500)
    assert clock.slept == [1, 2, 4, 8, 16]


@pytest.mark.parametrize(
    ("header", "waited"),
    [
        ("7", 7.0),
        ("0", 1.0),
        ("99999", LONGEST_WAIT),
        ("9" * 400, LONGEST_WAIT),
        (format_datetime(datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=20), usegmt=True), 20.0),
        (format_datetime(datetime.fromtimestamp(NOW, UTC) - timedelta(days=1), usegmt=True), 1.0),
        ("-5", 1.0),
        ("soon", 1.0),
    ],
)
def test_retry_after_is_obeyed_within_bounds(receiver: Receiver, header: str, waited: float) -> None:
    receiver.answer(Response(429, headers={"Retry-After": header}))
    clock = HandClock()

    assert calls(receiver.url, clock=clock).outcome == "sent"
    assert clock.slept == [waited]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_a_refusal_fails_at_once(receiver: Receiver, status: int) -> None:
    receiver.answer(Response(status, body=b"x" * 1_000_000))

    outcome = calls(receiver.url)

    assert (outcome.outcome, outcome.attempts, outcome.status) == ("failed", 1, status)
    assert len(receiver.requests) == 1
    assert f"answered {status}, after 1 of {ATTEMPTS} attempts" in outcome.message


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    elsewhere = Receiver()
    receiver.answer(Response(307, headers={"Location": elsewhere.url}))

    outcome = calls(receiver.url)

    elsewhere.close()
    assert (outcome.outcome, outcome.status, elsewhere.requests) == ("failed", 307, [])
    assert "redirects are not followed" in outcome.message


def test_nobody_listening_is_tried_again_and_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: a connection is refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        outcome = calls(url)

    assert (outcome.outcome, outcome.attempts, outcome.status) == ("failed", ATTEMPTS, None)
    assert outcome.message.startswith(f"webhook {url}: no answer (ClientConnectorError: ")


def test_a_receiver_that_hangs_is_given_up_after_the_timeout(receiver: Receiver) -> None:
    never = threading.Event()
    receiver.answer(Response(hold=never))

    outcome = calls(receiver.url, timeout=200)

    never.set()
    assert outcome == Outcome("sent", 2, 200)


def test_a_dry_run_calls_nobody(receiver: Receiver) -> None:
    outcome = calls(receiver.url, dry_run=True)

    assert (outcome.outcome, outcome.attempts, receiver.requests) == ("dry_run", 0, [])


def test_a_payload_beyond_the_limit_is_not_sent(receiver: Receiver) -> None:
    outcome = calls(receiver.url, body=b"x" * (LARGEST + 1))

    assert (outcome.outcome, receiver.requests) == ("failed", [])
    assert "payload of 8,388,609 bytes, most is 8,388,608" in outcome.message


@pytest.mark.parametrize("status", [307, 404, 500])
def test_no_message_holds_the_secret_the_path_or_the_query(receiver: Receiver, status: int) -> None:
    answer = Response(status, headers={"Location": "/retrain?token=t0ken-canary"}, body=b"t0ken-canary s3cret-canary")
    receiver.answer(*[answer] * ATTEMPTS)

    said = repr(calls(receiver.url, secret=SECRET)) + repr(calls("http://127.0.0.1:1", secret=SECRET, timeout=500))

    for hidden in (SECRET, "t0ken-canary", "/retrain"):
        assert hidden not in said


def test_a_webhook_shows_neither_its_secret_nor_its_query() -> None:
    assert "canary" not in repr(Webhook("https://example.test/hook?token=t0ken-canary", SECRET))
