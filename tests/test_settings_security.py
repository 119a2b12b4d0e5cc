"""Doors in a configuration: the safe way is the default, the less safe one has to be named, and secrets never show."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from monitor import config, settings
from monitor.errors import DriftlineError
from monitor.tls import client_context, server_context
from tests.examples import MODEL, profile, profile_file
from tests.services.certificates import Authority

CANARY = "s3cret-canary"
SASL = "sasl: {mechanism: SCRAM-SHA-512, username: u, password_env: DRIFTLINE_PASSWORD}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a reference, certificates and secrets."""
    profile_file(tmp_path, profile())
    monkeypatch.setenv("DRIFTLINE_PASSWORD", CANARY)
    monkeypatch.setenv("DRIFTLINE_TOKEN", CANARY)
    return tmp_path


@pytest.fixture
def certified(folder: Path) -> Path:
    """The same with `ca.pem`, `localhost.crt` and `localhost.key`."""
    Authority.create(folder).issue("localhost")
    return folder


def mistakes(text: str, folder: Path) -> list[str]:
    return settings.examine(MODEL + text, folder / "driftline.yml")[1]


def made(text: str, folder: Path) -> config.Config:
    return settings.parse(MODEL + text, folder / "driftline.yml")


def test_kafka_with_tls_and_a_password_is_understood(certified: Path) -> None:
    files = "{ca: ca.pem, certificate: localhost.crt, key: localhost.key}"
    security = made(f"kafka: {{security: {{tls: {files}, {SASL}}}}}", certified).kafka.security

    assert security.sasl == config.Sasl("SCRAM-SHA-512", "u", CANARY)
    assert security.tls == config.Tls(*(certified / name for name in ("ca.pem", "localhost.crt", "localhost.key")))


def test_a_password_without_tls_is_refused_unless_it_is_said_twice(folder: Path) -> None:
    (mistake,) = mistakes(f"kafka: {{security: {{{SASL}}}}}", folder)
    assert mistake.startswith("kafka.security: sasl without tls would show the connection to whoever listens")
    assert "allow_plaintext: true" in mistake

    assert mistakes(f"kafka: {{security: {{tls: false, {SASL}}}}}", folder) == [mistake]
    assert mistakes(f"kafka: {{security: {{{SASL}, allow_plaintext: true}}}}", folder) == []
    assert mistakes(f"kafka: {{security: {{tls: true, {SASL}}}}}", folder) == []


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        ("{sasl: {username: u, password_env: DRIFTLINE_PASSWORD}, tls: true}", ".sasl.mechanism: expected a printable"),
        ("{sasl: {mechanism: GSSAPI, username: u, password_env: DRIFTLINE_PASSWORD}, tls: true}", "SCRAM-SHA-512, SC"),
        ("{sasl: {mechanism: PLAIN, username: u}, tls: true}", ".sasl: expected a password in the file"),
        ("{sasl: {mechanism: PLAIN, username: u, password: s3cret-canary}, tls: true}", ".password: unknown field"),
        ("{sasl: s3cret-canary, tls: true}", ".sasl: expected fields"),
        ("{tls: {ca: s3cret-canary}}", ".tls: ca cannot be used (No such file or directory)"),
        ("{tls: {ca: credit-3.json}}", ".tls: ca cannot be used"),
        ("{tls: {certificate: a.crt}}", ".tls: expected certificate and key together, or ca alone"),
        ("{tls: {}}", ".tls: expected certificate and key together, or ca alone"),
        ("{tls: {verify: false}}", ".tls.verify: unknown field"),
    ],
)
def test_a_mistake_is_told_and_no_secret(security: str, expected: str, folder: Path) -> None:
    said = "\n".join(mistakes(f"kafka: {{security: {security}}}", folder))

    assert expected in said
    assert CANARY not in said


def test_the_other_sides_name_and_certificate_are_always_verified(certified: Path) -> None:
    for tls in (config.Tls(), config.Tls(ca=certified / "ca.pem")):
        context = client_context(tls)
        assert (context.check_hostname, context.verify_mode.name) == (True, "CERT_REQUIRED")
        assert context.minimum_version.name == "TLSv1_2"


def test_a_key_with_a_password_is_a_mistake_and_no_question_on_the_terminal(certified: Path) -> None:
    locked = certified / "locked.key"
    command = ["openssl", "rsa", "-aes256", "-passout", "pass:x", "-in", str(certified / "localhost.key")]
    subprocess.run([*command, "-out", str(locked)], check=True, capture_output=True)

    with pytest.raises(DriftlineError, match="certificate and key cannot be used"):
        server_context(config.Tls(certificate=certified / "localhost.crt", key=locked))


BEYOND = "is beyond loopback"


@pytest.mark.parametrize("host", ["0.0.0.0", "'::'", "10.0.0.1", "metrics.example"])
def test_beyond_loopback_the_server_needs_a_token_and_tls_and_says_what_to_do(host: str, certified: Path) -> None:
    tls = "tls: {certificate: localhost.crt, key: localhost.key}"
    anonymous, plain = mistakes(f"server: {{host: {host}}}", certified)
    assert "token_file or token_env, or say allow_anonymous: true" in anonymous
    assert "tls a certificate and a key, or say allow_plaintext: true" in plain

    assert mistakes(f"server: {{host: {host}, token_env: DRIFTLINE_TOKEN}}", certified) == [plain]
    assert mistakes(f"server: {{host: {host}, {tls}}}", certified) == [anonymous]
    assert mistakes(f"server: {{host: {host}, token_env: DRIFTLINE_TOKEN, {tls}}}", certified) == []
    assert mistakes(f"server: {{host: {host}, allow_anonymous: true, allow_plaintext: true}}", certified) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "'::1'"])
def test_on_loopback_it_needs_neither_and_takes_both(host: str, certified: Path) -> None:
    assert mistakes(f"server: {{host: {host}}}", certified) == []
    server = made(f"server: {{host: {host}, token_env: DRIFTLINE_TOKEN}}", certified).server
    assert server.token == CANARY
    assert CANARY not in repr(server)


def test_a_token_that_is_missing_is_told_once(certified: Path) -> None:
    text = "server: {host: 0.0.0.0, allow_plaintext: true, token_file: none}"
    (mistake,) = mistakes(text, certified)
    assert mistake == "server: the file that token_file names is missing or empty; put the token there"


@pytest.mark.parametrize(
    ("webhook", "expected"),
    [
        ("url: 'http://example.test/s3cret-canary'", "expected https, got http"),
        ("url: 'https://127.0.0.1/s3cret-canary'", "the address is internal"),
        ("url: 'https://[::1]/s3cret-canary'", "the address is internal"),
        ("url: 'https://localhost/s3cret-canary'", "the address is internal"),
        ("url: 'https://10.1.2.3/s3cret-canary'", "allow_internal: true for one of your own network"),
        ("url: 'https://169.254.169.254/s3cret-canary', allow_internal: true", "name a public host"),
        ("url: 'http://10.1.2.3/s3cret-canary', allow_internal: true, allow_plaintext: true", None),
        ("url: 'https://example.test/s3cret-canary'", None),
    ],
)
def test_a_webhook_goes_over_https_to_a_public_address_unless_it_is_allowed_otherwise(
    webhook: str, expected: str | None, folder: Path
) -> None:
    said = mistakes(f"triggers: [{{{webhook}}}]", folder)

    assert len(said) == (expected is not None)
    assert all(text.startswith("triggers[0].url: ") and (expected or "") in text for text in said)
    assert CANARY not in "".join(said)
