"""The address of who fetched: found behind proxies that are trusted, and as much of it kept as may be. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

IPV4_BITS = 24
IPV6_BITS = 48
"""Kept of a truncated address: the network, not the subscriber."""

Network = IPv4Network | IPv6Network


def client_of(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """The client's address: `peer`, or where that is a trusted proxy the last one in X-Forwarded-For that is not.

    `forwarded`: the field's values in their order. '' if no address can be made out.
    """
    address = parsed(peer)
    if not forwarded or not trusted:
        return str(address or "")
    hops = [hop.strip() for hop in ",".join(forwarded).split(",")]
    while address is not None and any(address in network for network in trusted) and hops:
        address = parsed(hops.pop())
    return str(address or "")


@lru_cache(4096)
def kept(address: str, detail: str) -> str:
    """As much of the address as `detail` says: `full`, `truncated` or `none`; what is cut off is 0."""
    found = parsed(address)
    if detail == "none" or found is None:
        return ""
    if detail == "full":
        return str(found)
    bits = IPV4_BITS if found.version == 4 else IPV6_BITS
    return str(ip_network((found, bits), strict=False).network_address)


@lru_cache(4096)
def parsed(text: str) -> IPv4Address | IPv6Address | None:
    """The address; an IPv4 one written as IPv6 (`::ffff:192.0.2.1`) is IPv4."""
    try:
        address = ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
