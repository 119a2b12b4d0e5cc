"""Connections to Kafka for what is not streaming, each with a deadline and an error that a person can act on."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from monitor import access
from monitor.config import Kafka
from monitor.errors import OutsideError

WHY = {
    "SaslAuthenticationFailed": "it refuses the user name or the password of kafka.security.sasl",
    "UnsupportedSaslMechanismError": "it does not know the mechanism of kafka.security.sasl",
    "IllegalSaslState": "it asks for no password there; is it the right port?",
}
QUIET = ("aiokafka", "kafka")  # they tell each attempt, and we tell the outcome


@contextmanager
def admin(kafka: Kafka, deadline: float) -> Iterator[Any]:
    """A client for topics. Raises OutsideError if no broker answers within `deadline` seconds, or refuses us."""
    from kafka import KafkaAdminClient

    with _open(KafkaAdminClient, kafka, deadline) as client:
        yield client


@contextmanager
def consumer(kafka: Kafka, deadline: float, **options: Any) -> Iterator[Any]:
    """A consumer outside any group that starts at the beginning and sees committed records. Raises as `admin` does."""
    from kafka import KafkaConsumer

    from monitor.transport_records import tolerate_in_kafka_python

    tolerate_in_kafka_python()

    fixed = {
        "group_id": None,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        "allow_auto_create_topics": False,
    }
    with _open(KafkaConsumer, kafka, deadline, **fixed, **options) as client:
        yield client


@contextmanager
def transactions(kafka: Kafka, deadline: float, *, name: str, largest: int) -> Iterator[Any]:
    """A producer of transactions, records of at most `largest` bytes. Raises as `admin` does.

    Whoever opens another one under the same name ends this one's transaction, and this one's right to begin any.
    """
    from kafka import KafkaProducer

    options = {"transactional_id": name, "max_request_size": largest, "max_block_ms": int(deadline * 1000)}
    with _open(KafkaProducer, kafka, deadline, **options) as client:
        try:
            client.init_transactions()
            yield client
        except BaseException:
            client.close(timeout=0)  # what is under way counts for nothing: do not wait for it
            raise


@contextmanager
def _open(kind: Any, kafka: Kafka, deadline: float, **options: Any) -> Iterator[Any]:
    from kafka.errors import KafkaError

    reach(kafka, deadline)
    timeout = int(deadline * 1000)
    try:
        client = kind(**access.options(kafka), bootstrap_timeout_ms=timeout, request_timeout_ms=timeout, **options)
        try:
            yield client
        finally:
            client.close()
    except (KafkaError, OSError) as error:
        text = str(error) or type(error).__name__
        raise OutsideError(
            f"Kafka at {', '.join(kafka.brokers)}: {text}; check kafka.brokers, kafka.security and our permissions"
        ) from error


def reach(kafka: Kafka, deadline: float) -> None:
    """Raise OutsideError, with the reason for each, unless a broker accepts connections and lets us in.

    Asked before a client is made: kafka-python keeps trying until its deadline and does not say why.
    """
    refused = []
    for broker in kafka.brokers:
        host, _, port = broker.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), deadline / len(kafka.brokers)).close()
        except (OSError, ValueError) as error:
            refused.append(f"{broker} ({getattr(error, 'strerror', None) or error})")
            continue
        if not (why := _refusal(kafka, host.strip("[]"), int(port), deadline)):
            return
        refused.append(f"{broker} ({why})")
    raise OutsideError(
        f"no Kafka broker can be reached: {', '.join(refused)}; start one, or correct kafka.brokers or kafka.security"
    )


def _refusal(kafka: Kafka, host: str, port: int, deadline: float) -> str:
    """Why a broker that listens does not let us in; "" where it does, or where we have nothing to show."""
    if kafka.security.tls is None and kafka.security.sasl is None:
        return ""
    from aiokafka.errors import KafkaError

    try:
        with _quiet():
            asyncio.run(_knock(kafka, host, port, deadline))
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is not accepted: {error.verify_message}"
    except ssl.SSLError as error:
        return f"no TLS with it: {error.reason}"
    except (KafkaError, OSError, TimeoutError) as error:
        return WHY.get(type(error).__name__, f"{type(error).__name__}; is its port the one for kafka.security?")
    return ""


async def _knock(kafka: Kafka, host: str, port: int, deadline: float) -> None:
    """Connect, verify the certificate and say who we are, once."""
    from aiokafka.conn import create_conn

    options = access.options(kafka)
    del options["bootstrap_servers"]
    connection = await create_conn(host, port, request_timeout_ms=int(deadline * 1000), **options)
    await connection.close()


@contextmanager
def _quiet() -> Iterator[None]:
    before = {name: logging.getLogger(name).level for name in QUIET}
    try:
        for name in QUIET:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
