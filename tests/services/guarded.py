"""A broker as a company runs it: TLS, SCRAM users, and ACLs that allow nothing by themselves.

Beside its guarded door it has a plain one, whose users are its administrators: for what a test does itself.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from kafka import KafkaAdminClient
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType
from kafka.admin import ACLResourcePatternType as Pattern

from tests.services.certificates import Authority
from tests.services.kafka import Broker
from tests.services.ports import free_ports

USER = "driftline"


@dataclass
class Guarded:
    """A broker, the authority that signed its certificate, and the door for users with a name and a password."""

    broker: Broker
    authority: Authority
    port: int

    @classmethod
    def start(cls, folder: Path, jars: Path, *, password: str) -> Self:
        """Start it with one user; its certificate is for `localhost`, not for 127.0.0.1."""
        authority = Authority.create(folder / "authority")
        issued = authority.issue("localhost")
        (port,) = free_ports(1)
        properties = {
            "listeners": "PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},"
            + f"USERS://127.0.0.1:{port}",
            "advertised.listeners": "PLAINTEXT://127.0.0.1:{port}," + f"USERS://localhost:{port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,USERS:SASL_SSL",
            "sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(issued.both),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }
        for mechanism in ("scram-sha-256", "scram-sha-512"):
            module = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            properties[f"listener.name.users.{mechanism}.sasl.jaas.config"] = module
        module = "org.apache.kafka.common.security.plain.PlainLoginModule required "
        properties["listener.name.users.plain.sasl.jaas.config"] = module + f'user_{USER}="{password}";'
        users = [f"SCRAM-SHA-{bits}=[name={USER},password={password}]" for bits in (256, 512)]
        options = [word for user in users for word in ("--add-scram", user)]
        return cls(Broker.start(folder, jars, properties=properties, format_options=options), authority, port)

    def settings(self, *, mechanism: str = "SCRAM-SHA-512", **sasl: Any) -> dict[str, Any]:
        """What `kafka` of a configuration says to go through the guarded door; the password is in DRIFTLINE_KAFKA."""
        named = {"mechanism": mechanism, "username": USER, "password_env": "DRIFTLINE_KAFKA"} | sasl
        return {
            "brokers": f"localhost:{self.port}",
            "security": {"tls": {"ca": str(self.authority.ca)}, "sasl": named},
        }

    def allow(self, commands: Iterable[str]) -> None:
        """What `kafka-acls.sh --add …` does, word for word."""
        self._change(commands, "create_acls")

    def withdraw(self, commands: Iterable[str]) -> None:
        """The opposite."""
        self._change(commands, "delete_acls")

    def _change(self, commands: Iterable[str], what: str) -> None:
        acls = [acl for command in commands for acl in parse(command)]
        admin = KafkaAdminClient(bootstrap_servers=self.broker.bootstrap)
        try:
            answer = getattr(admin, what)(acls)
        finally:
            admin.close()
        assert what != "create_acls" or not answer["failed"], answer


def parse(command: str) -> list[ACL]:
    """The ACLs of one `kafka-acls.sh --add` command; every word of it must be understood."""
    words = re.sub(r"\\\n", " ", command).split()
    assert words[0] == "kafka-acls.sh", command
    principal, operations, resources, pattern = "", [], [], Pattern.LITERAL
    rest = iter(words[1:])
    for word in rest:
        if word == "--add":
            continue
        value = next(rest)
        if word == "--allow-principal":
            principal = value
        elif word == "--operation":
            operations.append(ACLOperation[re.sub(r"(?<=[a-z])(?=[A-Z])", "_", value).upper()])
        elif word in ("--topic", "--group"):
            resources.append((ResourceType[word[2:].upper()], value))
        elif word == "--resource-pattern-type":
            pattern = Pattern[value.upper()]
        else:
            assert word in ("--bootstrap-server", "--command-config"), word
    return [
        ACL(principal, "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name, pattern))
        for operation in operations
        for kind, name in resources
    ]
