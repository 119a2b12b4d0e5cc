"""The `triggers` section of a configuration. URLs and names of secrets never stand in a mistake."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from monitor import config
from monitor.addresses import is_loopback, refusal
from monitor.nodes import Node
from monitor.settings_security import secret_of

KINDS = ("webhook",)


def read_webhook(node: Node, folder: Path) -> config.Webhook:
    """One entry of `triggers`; its secret file is found relative to `folder`."""
    allowances = ("allow_plaintext", "allow_internal")
    fields = node.fields("type", "url", "secret_file", "secret_env", "cooldown", "dry_run", "timeout", *allowances)
    if fields["type"].text("webhook") not in KINDS:
        fields["type"].wrong(f"unknown kind of trigger; known are {', '.join(KINDS)}")
    plaintext, internal = (fields[key].boolean(False) for key in allowances)
    url = fields["url"].text()
    if url and not _callable(url):
        fields["url"].wrong("expected http:// or https:// and a host, without a user name, password or fragment")
    elif url:
        _check_place(fields["url"], url, plaintext=plaintext, internal=internal)
    return config.Webhook(
        url,
        secret_of(node, fields, folder, name="secret"),
        fields["cooldown"].duration(config.DAY),
        fields["dry_run"].boolean(False),
        fields["timeout"].duration(10_000, least=100),
        internal,
    )


def _check_place(node: Node, url: str, *, plaintext: bool, internal: bool) -> None:
    """What is known before a name is resolved: the scheme, and an address that stands there itself."""
    parts = urlsplit(url)
    if parts.scheme == "http" and not plaintext:
        node.wrong("expected https, got http; anybody on the way could read it: allow_plaintext: true allows that")
    host = parts.hostname or ""
    try:
        refused = refusal(host, internal=internal)
    except ValueError:  # a name
        refused = "the address is internal" if is_loopback(host) and not internal else ""
    if refused:
        hint = "" if internal else ", or say allow_internal: true for one of your own network"
        node.wrong(f"{refused}; name a public host{hint}")


def _callable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return usable and "@" not in parts.netloc and not parts.fragment and not re.search(r"\s", url)
