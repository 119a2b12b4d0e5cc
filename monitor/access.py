"""What every client of Kafka is given: where it is, over which protocol, and who we are."""

from __future__ import annotations

from typing import Any

from monitor.config import Kafka
from monitor.tls import client_context


class Hidden(str):
    """A text that does not show in the repr of what holds it: kafka-python logs all its options at DEBUG.

    >>> {"password": Hidden("hush")}
    {'password': '(hidden)'}
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'(hidden)'"


def options(kafka: Kafka) -> dict[str, Any]:
    """Arguments that kafka-python and aiokafka call by the same names."""
    made: dict[str, Any] = {"bootstrap_servers": list(kafka.brokers), "security_protocol": _protocol(kafka)}
    if kafka.security.tls is not None:
        made["ssl_context"] = client_context(kafka.security.tls)
    if (sasl := kafka.security.sasl) is not None:
        made["sasl_mechanism"] = sasl.mechanism
        made["sasl_plain_username"] = sasl.username
        made["sasl_plain_password"] = Hidden(sasl.password)
    return made


def credentials(kafka: Kafka) -> Any:
    """The same as Faust's `broker_credentials`; None where there are none."""
    from faust import SASLCredentials, SSLCredentials

    context = None if kafka.security.tls is None else client_context(kafka.security.tls)
    if (sasl := kafka.security.sasl) is not None:
        return SASLCredentials(
            username=sasl.username, password=Hidden(sasl.password), mechanism=sasl.mechanism, ssl_context=context
        )
    return None if context is None else SSLCredentials(context)


def _protocol(kafka: Kafka) -> str:
    secure = "PLAINTEXT" if kafka.security.tls is None else "SSL"
    return secure if kafka.security.sasl is None else f"SASL_{secure}"
