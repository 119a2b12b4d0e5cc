"""Which machines a webhook may call: judged by the address that is connected to, whatever the name said before."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from monitor.config import Webhook
from monitor.triggers.webhook import ATTEMPTS, Outcome, call
from tests.services.receivers import Receiver, Response
from tests.triggers.test_webhook import BODY, HandClock, calls

INSIDE = ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd00::1", "::ffff:127.0.0.1"]
INSIDE += ["::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1"]  # IPv4 inside IPv6
NEVER = ["169.254.169.254", "100.100.100.200", "0.0.0.0", "224.0.0.1", "fe80::1", "ff02::1", "::", "fd00:ec2::254"]
NEVER += ["::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def resolving_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name lead to these addresses, as a name server that somebody else runs could."""

    def lookup(host: str, port: int, *_: object, **__: object) -> list[tuple[Any, ...]]:
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


@pytest.mark.parametrize("address", INSIDE + NEVER)
def test_a_name_that_leads_inside_is_not_called(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving_to(monkeypatch, address)

    outcome = calls("https://retrain.example.test", allow_internal=False, timeout=500)

    assert (outcome.outcome, outcome.status) == ("failed", None)
    assert "the address is" in outcome.message


def test_a_literal_address_inside_is_not_called_either(receiver: Receiver) -> None:
    outcome = calls(receiver.url, allow_internal=False)

    assert (outcome.outcome, receiver.requests) == ("failed", [])
    assert "the address is internal; allow_internal: true allows those of your own network" in outcome.message


@pytest.mark.parametrize("address", NEVER)
def test_what_is_never_a_receiver_is_not_called_though_internal_ones_are_allowed(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving_to(monkeypatch, address)

    outcome = calls("https://retrain.example.test", allow_internal=True, timeout=500)

    assert "the address is link-local, multicast, unspecified or for metadata" in outcome.message


def test_a_name_that_changes_its_mind_between_two_look_ups_leads_nowhere(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["93.184.216.34", "127.0.0.1"])
    asked = []

    def lookup(host: str, port: int, *_: object, **__: object) -> list[tuple[Any, ...]]:
        asked.append(next(answers, "127.0.0.1"))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (asked[-1], port))]

    def nobody_outside(*_: object) -> None:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket.socket, "connect", nobody_outside)

    outcome = calls(receiver.url.replace("127.0.0.1", "rebind.example.test"), allow_internal=False, timeout=500)

    assert asked[:2] == ["93.184.216.34", "127.0.0.1"]
    assert (outcome.outcome, receiver.requests) == ("failed", [])
    assert "the address is internal" in outcome.message


def test_a_name_inside_is_called_where_its_webhook_allows_it(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving_to(monkeypatch, "127.0.0.1")

    outcome = calls(receiver.url.replace("127.0.0.1", "airflow.internal"), allow_internal=True)

    assert outcome == Outcome("sent", 1, 200)
    assert receiver.requests[0].headers["host"].startswith("airflow.internal")


def test_an_answer_with_endless_headers_is_cut_off(receiver: Receiver) -> None:
    receiver.answer(*[Response(200, headers={f"X-{i}": "x" * 1_000 for i in range(1_000)})] * ATTEMPTS)

    outcome = calls(receiver.url)

    assert (outcome.outcome, outcome.status) == ("failed", None)


def test_a_body_is_not_waited_for_and_a_bomb_in_it_does_not_go_off() -> None:
    """The body is promised and never sent; it would be a decompression bomb."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9999999\r\n\r\n\x1f\x8b")
        await writer.drain()
        await reader.read()
        writer.close()

    async def run() -> Outcome:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            return await call(
                Webhook(url, allow_internal=True, timeout=60_000), BODY, trigger_id="abc123", clock=HandClock()
            )

    assert asyncio.run(asyncio.wait_for(run(), 20)) == Outcome("sent", 1, 200)


def test_a_dead_receiver_delays_no_other(receiver: Receiver) -> None:
    never = threading.Event()
    with Receiver(Response(hold=never)) as dead:

        async def run() -> Outcome:
            webhooks = [Webhook(url, allow_internal=True, timeout=60_000) for url in [dead.url] * 20 + [receiver.url]]
            tasks = [
                asyncio.create_task(call(webhook, BODY, trigger_id=str(i), clock=HandClock()))
                for i, webhook in enumerate(webhooks)
            ]
            outcome = await asyncio.wait_for(tasks[-1], 20)
            assert not any(task.done() for task in tasks[:-1])
            for task in tasks[:-1]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            return outcome

        assert asyncio.run(run()) == Outcome("sent", 1, 200)
        never.set()
