"""What of a configuration opens and locks doors: `kafka.security`, `server`, and secrets by file or environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from monitor import config
from monitor.addresses import is_loopback
from monitor.errors import DriftlineError
from monitor.nodes import Node
from monitor.secrets import read_secret
from monitor.tls import client_context, server_context

MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")


def read_security(node: Node, folder: Path) -> config.Security:
    """`kafka.security`; a name and a password go over a connection without TLS only where that is said twice."""
    fields = node.fields("tls", "sasl", "allow_plaintext")
    tls, sasl = _client_tls(fields["tls"], folder), _sasl(fields["sasl"], folder)
    allowed = fields["allow_plaintext"].boolean(False)
    if sasl is not None and fields["tls"].value in (None, False) and not allowed:
        node.wrong(
            "sasl without tls would show the connection to whoever listens; "
            "add tls: true, or allow_plaintext: true where nobody can listen"
        )
    return config.Security(tls, sasl)


def read_server(node: Node, folder: Path) -> config.Server:
    """`server`; beyond loopback it needs a token and TLS, or a word that it does not."""
    names = ("host", "port", "token_file", "token_env", "tls", "allow_anonymous", "allow_plaintext")
    fields, default = node.fields(*names), config.Server()
    host = fields["host"].text(default.host)
    allowed = {key: fields[key].boolean(False) for key in ("allow_anonymous", "allow_plaintext")}
    token = secret_of(node, fields, folder, name="token")
    if host and not is_loopback(host):
        if not (fields["token_file"].value or fields["token_env"].value or allowed["allow_anonymous"]):
            node.wrong(
                f"{host} is beyond loopback, where anybody could read the metrics; name a token with token_file or "
                "token_env, or say allow_anonymous: true where the network is guarded"
            )
        if fields["tls"].value is None and not allowed["allow_plaintext"]:
            node.wrong(
                f"{host} is beyond loopback, where anybody on the way could read along; give tls a certificate and a "
                "key, or say allow_plaintext: true where the network is guarded"
            )
    port = fields["port"].integer(default.port, least=0, most=65_535)
    return config.Server(host, port, token, _server_tls(fields["tls"].hidden(), folder), **allowed)


def secret_of(node: Node, fields: Mapping[str, Node], folder: Path, *, name: str) -> str | None:
    """The secret that `{name}_file` or `{name}_env` names; None where neither does, or where it is a mistake."""
    named = (fields[f"{name}_{kind}"].hidden() for kind in ("file", "env"))
    file, variable = (child.text() if child.value is not None else None for child in named)
    try:
        return read_secret(file, variable, folder, name=name)
    except DriftlineError as error:
        node.wrong(str(error))
        return None


def _client_tls(node: Node, folder: Path) -> config.Tls | None:
    """true for the system's authorities, or files."""
    if node.value is None or isinstance(node.value, bool):
        return config.Tls() if node.value else None
    return _files(node, folder, ("ca", "certificate", "key"), client_context)


def _server_tls(node: Node, folder: Path) -> config.Tls | None:
    if node.value is None:
        return None
    return _files(node, folder, ("certificate", "key"), server_context)


def _files(node: Node, folder: Path, names: tuple[str, ...], use: Callable[[config.Tls], object]) -> config.Tls | None:
    """The files of `tls`, tried once, so that a wrong one is a mistake and not a failure later."""
    before, fields = len(node.mistakes), node.fields(*names)
    paths = {name: folder / child.text() for name, child in fields.items() if child.value is not None}
    if ("certificate" in paths) != ("key" in paths) or not paths:
        node.wrong(f"expected {' and '.join(names[-2:])} together{', or ca alone' if 'ca' in names else ''}")
    if len(node.mistakes) > before:
        return None
    tls = config.Tls(**paths)
    try:
        use(tls)
    except DriftlineError as error:
        node.wrong(str(error))
    return tls


def _sasl(node: Node, folder: Path) -> config.Sasl | None:
    if node.value is None:
        return None
    fields = node.fields("mechanism", "username", "password_file", "password_env")
    mechanism = fields["mechanism"].text()
    if mechanism and mechanism not in MECHANISMS:
        fields["mechanism"].wrong(f"unknown mechanism; known are {', '.join(MECHANISMS)}")
    username = fields["username"].text()
    password = secret_of(node, fields, folder, name="password")
    if fields["password_file"].value is None and fields["password_env"].value is None:
        node.wrong("expected a password in the file of password_file or the variable of password_env, got neither")
    return config.Sasl(mechanism, username, password or "")
