"""Connections to Kafka for what is not streaming, each with a deadline and an error that a person can act on."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from monitor.errors import OutsideError


@contextmanager
def admin(brokers: Sequence[str], deadline: float) -> Iterator[Any]:
    """A client for topics. Raises OutsideError if no broker answers within `deadline` seconds, or refuses us."""
    from kafka import KafkaAdminClient

    with _open(KafkaAdminClient, brokers, deadline) as client:
        yield client


@contextmanager
def consumer(brokers: Sequence[str], deadline: float) -> Iterator[Any]:
    """A consumer outside any group that starts at the beginning and sees committed records. Raises as `admin` does."""
    from kafka import KafkaConsumer

    options = {
        "group_id": None,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        "allow_auto_create_topics": False,
    }
    with _open(KafkaConsumer, brokers, deadline, **options) as client:
        yield client


@contextmanager
def transactions(brokers: Sequence[str], deadline: float, *, name: str, largest: int) -> Iterator[Any]:
    """A producer of transactions, records of at most `largest` bytes. Raises as `admin` does.

    Whoever opens another one under the same name ends this one's transaction, and this one's right to begin any.
    """
    from kafka import KafkaProducer

    options = {"transactional_id": name, "max_request_size": largest, "max_block_ms": int(deadline * 1000)}
    with _open(KafkaProducer, brokers, deadline, **options) as client:
        try:
            client.init_transactions()
            yield client
        except BaseException:
            client.close(timeout=0)  # what is under way counts for nothing: do not wait for it
            raise


@contextmanager
def _open(kind: Any, brokers: Sequence[str], deadline: float, **options: Any) -> Iterator[Any]:
    from kafka.errors import KafkaError

    reach(brokers, deadline)
    timeout = int(deadline * 1000)
    try:
        client = kind(
            bootstrap_servers=list(brokers), bootstrap_timeout_ms=timeout, request_timeout_ms=timeout, **options
        )
        try:
            yield client
        finally:
            client.close()
    except (KafkaError, OSError) as error:
        text = str(error) or type(error).__name__
        raise OutsideError(f"Kafka at {', '.join(brokers)}: {text}; check kafka.brokers and our permissions") from error


def reach(brokers: Sequence[str], deadline: float) -> None:
    """Raise OutsideError, with the reason for each, unless a broker accepts connections.

    Asked before a client is made: kafka-python keeps trying until its deadline and does not say why.
    """
    refused = []
    for broker in brokers:
        host, _, port = broker.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), deadline / len(brokers)).close()
            return
        except (OSError, ValueError) as error:
            refused.append(f"{broker} ({getattr(error, 'strerror', None) or error})")
    raise OutsideError(f"no Kafka broker can be reached: {', '.join(refused)}; start one, or correct kafka.brokers")
