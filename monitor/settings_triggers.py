"""The `triggers` section of a configuration. URLs and names of secrets never stand in a mistake."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from monitor import config
from monitor.errors import DriftlineError
from monitor.nodes import Node
from monitor.secrets import read_secret

KINDS = ("webhook",)


def read_webhook(node: Node, folder: Path) -> config.Webhook:
    """One entry of `triggers`; its secret file is found relative to `folder`."""
    fields = node.fields("type", "url", "secret_file", "secret_env", "cooldown", "dry_run", "timeout")
    if fields["type"].text("webhook") not in KINDS:
        fields["type"].wrong(f"unknown kind of trigger; known are {', '.join(KINDS)}")
    url = fields["url"].text()
    if url and not _callable(url):
        fields["url"].wrong("expected http:// or https:// and a host, without a user name, password or fragment")
    file, variable = (
        fields[key].text() if fields[key].value is not None else None for key in ("secret_file", "secret_env")
    )
    secret = None
    try:
        secret = read_secret(file, variable, folder)
    except DriftlineError as error:
        node.wrong(str(error))
    return config.Webhook(
        url,
        secret,
        fields["cooldown"].duration(config.DAY),
        fields["dry_run"].boolean(False),
        fields["timeout"].duration(10_000, least=100),
    )


def _callable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return usable and "@" not in parts.netloc and not parts.fragment and not re.search(r"\s", url)
