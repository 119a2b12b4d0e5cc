"""Every client of Kafka is given the same protocol and credentials, and none of them shows the password."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from monitor.access import credentials, options
from monitor.config import Kafka, Sasl, Security, Tls

SASL = Sasl("SCRAM-SHA-512", "driftline", "s3cret-canary")


@pytest.mark.parametrize(
    ("security", "protocol"),
    [
        (Security(), "PLAINTEXT"),
        (Security(tls=Tls()), "SSL"),
        (Security(sasl=SASL), "SASL_PLAINTEXT"),
        (Security(tls=Tls(), sasl=SASL), "SASL_SSL"),
    ],
)
def test_faust_and_the_other_clients_get_the_same(security: Security, protocol: str) -> None:
    kafka = replace(Kafka(), security=security)
    direct = options(kafka)
    by_faust: dict[str, Any] = dict(credentials_to_aiokafka_auth(credentials(kafka)))

    assert direct.pop("bootstrap_servers") == ["localhost:9092"]
    for made in (direct, by_faust):
        assert made["security_protocol"] == protocol
        context = made.pop("ssl_context", None)
        assert (context is not None) == (security.tls is not None)
        assert context is None or context.check_hostname
    assert direct == by_faust


def test_the_password_is_given_and_does_not_show() -> None:
    kafka = replace(Kafka(), security=Security(Tls(), SASL))

    assert options(kafka)["sasl_plain_password"] == "s3cret-canary"
    assert credentials(kafka).password == "s3cret-canary"
    for shown in (repr(kafka), str(options(kafka)), str(vars(credentials(kafka)))):
        assert "canary" not in shown
