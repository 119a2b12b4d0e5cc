"""A certificate authority of a test's own, and what it signs: PEM files, made with openssl."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.services.tools import require_tool


@dataclass(frozen=True)
class Issued:
    """A certificate and its key; `both` is one file with the two, as Kafka reads them."""

    certificate: Path
    key: Path
    both: Path


@dataclass(frozen=True)
class Authority:
    """An authority that nobody else trusts."""

    folder: Path
    ca: Path

    @classmethod
    def create(cls, folder: Path) -> Self:
        """A new one under `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        ca = folder / "ca.pem"
        _openssl(*_new_key(folder / "ca.key"), "-x509", "-days", "2", "-subj", "/CN=driftline test", "-out", str(ca))
        return cls(folder, ca)

    def issue(self, name: str, *, addresses: tuple[str, ...] = ()) -> Issued:
        """A certificate for a host name and addresses."""
        key, request, signed, both = (self.folder / f"{name}.{kind}" for kind in ("key", "csr", "crt", "pem"))
        names = ",".join([f"DNS:{name}", *(f"IP:{address}" for address in addresses)])
        extension = self.folder / f"{name}.ext"
        extension.write_text(f"subjectAltName={names}\n")
        _openssl(*_new_key(key), "-subj", f"/CN={name}", "-out", str(request))
        by = ["-CA", str(self.ca), "-CAkey", str(self.folder / "ca.key"), "-CAcreateserial"]
        to = ["-days", "2", "-extfile", str(extension), "-out", str(signed)]
        subprocess.run(
            [require_tool("openssl"), "x509", "-req", "-in", str(request), *by, *to], check=True, capture_output=True
        )
        both.write_text(key.read_text() + signed.read_text())
        return Issued(signed, key, both)


def _new_key(key: Path) -> list[str]:
    return ["-newkey", "rsa:2048", "-nodes", "-keyout", str(key)]


def _openssl(*arguments: str) -> None:
    subprocess.run([require_tool("openssl"), "req", *arguments], check=True, capture_output=True)
