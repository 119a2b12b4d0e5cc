"""TLS from PEM files: who may be on the other side, and who we are. Nothing turns the check of names off."""

from __future__ import annotations

import ssl

from monitor.config import Tls
from monitor.errors import DriftlineError


def client_context(tls: Tls) -> ssl.SSLContext:
    """A context that verifies certificate and host name of whoever answers. Raises DriftlineError for a wrong file."""
    try:
        context = ssl.create_default_context(cafile=tls.ca)
    except (OSError, ValueError) as error:
        raise _wrong("ca", error) from None
    return _with_our_own(context, tls)


def server_context(tls: Tls) -> ssl.SSLContext:
    """A context with our certificate, TLS 1.2 or later. Raises DriftlineError for a wrong file."""
    return _with_our_own(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), tls)


def _with_our_own(context: ssl.SSLContext, tls: Tls) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.certificate is not None:
        try:
            # Without an answer to the question for a key's password, OpenSSL would ask on the terminal, and wait.
            context.load_cert_chain(tls.certificate, tls.key, password="")
        except (OSError, ValueError) as error:
            raise _wrong("certificate and key", error) from None
    return context


def _wrong(what: str, error: Exception) -> DriftlineError:
    """What is wrong, without the file's name: somebody may have written what is in it in its place."""
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
    return DriftlineError(f"{what} cannot be used ({reason}); name files with PEM, a key without a password")
