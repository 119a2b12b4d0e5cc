"""Which network addresses are whose: this machine's, a private network's, everybody's, and nobody's."""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Where clouds tell a machine its own credentials; those of most are link-local, these are not.
METADATA = tuple(ipaddress.ip_address(text) for text in ("100.100.100.200", "168.63.129.16", "fd00:ec2::254"))
NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address.

    >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "metrics.example")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def refusal(text: str, *, internal: bool) -> str:
    """Why an address must not be called, or "" where it may; with `internal` that of a private network may.

    >>> refusal("8.8.8.8", internal=False), refusal("10.0.0.1", internal=True)
    ('', '')
    >>> refusal("::ffff:10.0.0.1", internal=False)
    'the address is internal'
    >>> refusal("169.254.169.254", internal=True)
    'the address is link-local, multicast, unspecified or for metadata'
    """
    address = _meant(ipaddress.ip_address(text.partition("%")[0]))
    if address.is_link_local or address.is_multicast or address.is_unspecified or address in METADATA:
        return "the address is link-local, multicast, unspecified or for metadata"
    return "" if internal or address.is_global else "the address is internal"


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 address only wraps."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)
