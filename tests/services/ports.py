"""Ports on loopback that nobody listens on."""

import random
import socket

# Below the range from which Linux takes the local ports of outgoing connections, so that none of these can take it.
CANDIDATES = range(20_000, 32_000)


def free_ports(count: int) -> list[int]:
    """`count` different ports; another process may still be faster, which then shows in the log of what we start."""
    found: list[int] = []
    for port in random.sample(CANDIDATES, len(CANDIDATES)):
        if _is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"no {count} free ports between {CANDIDATES.start} and {CANDIDATES.stop}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
