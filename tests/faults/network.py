"""Rows of the fault matrix that hit brokers, and the network between them and workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import cast

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from tests.faults.cluster import Cluster, Node
from tests.faults.matrix import row
from tests.faults.trial import Trial
from tests.services.waiting import wait_for

OUTAGE = 120.0  # seconds for which all brokers are down
CUT = 10  # seconds that a connection carries nothing: longer than the session
LAG = 2_000  # records that wait: by then workers feel the fault


@row(
    "F7",
    "a leader or the coordinator stops or is killed, 5 times",
    brokers="three",
    supervised=True,
    events=300_000,
    rate=2_000,
)
def bounced(trial: Trial) -> None:
    """Two of three replicas go on; the third comes back before the next fault."""
    cluster = _cluster(trial)
    trial.start()
    for number, _ in enumerate(trial.moments(5)):
        node = _coordinator(trial) if number % 2 else cluster.leader(trial.deployed.source, number % 4)
        trial.note(f"broker {node.name} is {'killed' if number % 3 else 'stopped'}")
        (node.kill if number % 3 else node.stop)()
        wait_for(lambda: cluster.leader(trial.deployed.source) is not None, 30, "a leader", tolerate=(KafkaError,))
        node.start_again()
        wait_for(cluster.whole, 90, "all replicas to be in sync", tolerate=(OSError,))
        trial.bit("bounces", 1)


@row("F8", "all brokers down for two minutes", brokers="own", supervised=True, rate=2_000)
def all_down(trial: Trial) -> None:
    """Workers wait or are started again; nothing is lost, and windows close soon after."""
    trial.start()
    trial.reach(0.3)
    trial.broker.kill()
    trial.note("the broker is killed")
    back = time.monotonic() + OUTAGE

    def over() -> bool:
        return time.monotonic() >= back

    wait_for(over, OUTAGE + 1, "the end of the outage")
    trial.broker.start_again()
    trial.kills.append(time.time())
    trial.note("the broker is back")
    trial.bit("outages", 1)


@row(
    "F9",
    "workers cut off from a leader and the coordinator, both ways and one",
    brokers="three",
    supervised=True,
    events=200_000,
    rate=2_000,
)
def cut_off(trial: Trial) -> None:
    """Connections stay open and carry nothing, for longer than the session."""
    cluster, source = _cluster(trial), trial.deployed.source
    workers = trial.start(2)
    cuts: list[tuple[str, Callable[[], Node], tuple[str, ...]]] = [
        ("leader, both ways", lambda: cluster.leader(source), ("upstream", "downstream")),
        ("leader, from it", lambda: cluster.leader(source, 1), ("downstream",)),
        ("coordinator, both ways", lambda: _coordinator(trial), ("upstream", "downstream")),
        ("coordinator, to it", lambda: _coordinator(trial), ("upstream",)),
    ]
    for (what, find, streams), _ in zip(cuts, trial.moments(len(cuts)), strict=True):
        node, before, until = find(), trial.rebalances(), trial.load.confirmed + CUT * trial.rate
        with poisoned(trial, [node], "timeout", streams, timeout=0):
            trial.note(f"cut off from broker {node.name}: {what}")
            _written(trial, until)
            trial.bit(f"{what}: records that wait, or rebalances", _lag(trial) + trial.rebalances() - before)
        trial.note("healed")
    assert workers


def _written(trial: Trial, until: int) -> None:
    """Wait until the load has come so far."""
    wait_for(lambda: trial.load.confirmed >= until or not trial.load.running, 120, f"{until} events")


@row("F10", "500 ms of latency, 100 KB/s, and connections reset", brokers="three", supervised=True, rate=2_000)
def slow_network(trial: Trial) -> None:
    """Each for a while, to all brokers."""
    cluster = _cluster(trial)
    trial.start()
    moments = trial.moments(3)
    next(moments)
    with poisoned(trial, cluster.nodes, "latency", ("downstream",), latency=500):
        trial.note("500 ms of latency")
        trial.bit("slow answers", sum(_asking(cluster) >= 0.5 for _ in range(5)))
        wait_for(lambda: _lag(trial) > LAG / 4, 60, "workers to feel it")
    next(moments)
    with poisoned(trial, cluster.nodes, "bandwidth", ("downstream",), rate=100):
        trial.note("100 KB/s")
        wait_for(lambda: _lag(trial) > LAG, 60, "workers to feel it")
        trial.bit("starved", 1)
    next(moments)
    with poisoned(trial, cluster.nodes, "reset_peer", ("downstream",), timeout=0):
        trial.note("connections are reset")
        wait_for(lambda: _asking(cluster) == float("inf"), 30, "a connection to be reset")
        trial.bit("resets", 1)


@row(
    "F20",
    "brokers that hang, then are slow to take what is sent",
    brokers="three",
    supervised=True,
    events=150_000,
    rate=2_000,
)
def slow_sink(trial: Trial) -> None:
    """Workers hold back instead of holding in memory."""
    cluster = _cluster(trial)
    trial.start()
    trial.reach(0.2)
    for node in cluster.nodes:
        node.process.pause()
    trial.note("all brokers hang")
    end = time.monotonic() + 15
    wait_for(lambda: time.monotonic() >= end, 16, "15 seconds")
    for node in cluster.nodes:
        node.process.resume()
    trial.bit("hangs", 1)
    trial.reach(0.5)
    with poisoned(trial, cluster.nodes, "bandwidth", ("upstream",), rate=20):
        trial.note("20 KB/s to the brokers")
        wait_for(lambda: _lag(trial) > LAG, 90, "workers to hold back")
        trial.bit("held back", 1)
    trial.note(f"a worker's memory was {trial.peak()} MB at most")


def _cluster(trial: Trial) -> Cluster:
    return cast(Cluster, trial.broker)


@contextmanager
def poisoned(trial: Trial, nodes: list[Node], kind: str, streams: tuple[str, ...], **attributes: int) -> Iterator[None]:
    """A toxic in the connections to these brokers, taken away at the end."""
    proxies = _cluster(trial).proxies
    assert proxies is not None
    for node in nodes:
        for stream in streams:
            proxies.poison(node.name, kind, stream=stream, **attributes)
    try:
        yield
    finally:
        trial.kills.append(time.time())
        for node in nodes:
            for stream in streams:
                proxies.heal(node.name, kind, stream=stream)


def _lag(trial: Trial) -> float:
    """Events that the load has had confirmed and no worker says that it has counted."""
    trial.look_after()
    counted = 0.0
    for worker in trial.deployed.workers:
        with suppress(OSError):
            counted += worker.metric(f'driftline_events_total{{topic="{trial.deployed.source}"}}') or 0.0
    return trial.load.confirmed - counted


def _coordinator(trial: Trial) -> Node:
    """The broker that coordinates the workers' group: the leader of its partition of the committed offsets."""
    cluster, code = _cluster(trial), 0
    for letter in trial.deployed.name:  # as Java hashes a string
        code = (31 * code + ord(letter)) & 0xFFFFFFFF
    signed = code - (1 << 32) if code & (1 << 31) else code
    return cluster.leader("__consumer_offsets", abs(signed) % 4)


def _asking(cluster: Cluster) -> float:
    """Seconds that a question to the brokers takes where workers connect; infinity where it fails."""
    began = time.monotonic()
    try:
        admin = KafkaAdminClient(bootstrap_servers=cluster.for_workers, request_timeout_ms=5_000)
    except (KafkaError, OSError):
        return float("inf")
    try:
        admin.describe_cluster()
    except (KafkaError, OSError):
        return float("inf")
    finally:
        admin.close()
    return time.monotonic() - began
