"""The PROXY protocol header, versions 1 and 2: who the client of a trusted proxy is.

Only reads octets; who may send a header is the listener's question. The PROXY protocol specification of HAProxy,
sections 2.1 and 2.2. Type-length-value fields of version 2 are skipped; UNIX sockets and unspecified protocols leave
the proxy itself as the peer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

V1_LIMIT = 107
"""Octets of a version 1 header, CRLF included."""
V2_LIMIT = 4096
"""Octets of a version 2 header; the specification would allow 65,551."""

_V2_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_V2_START = len(_V2_SIGNATURE) + 4
_PORT = re.compile(rb"[0-9]{1,5}")
_V2_LENGTHS = {0x11: (4, 12), 0x21: (16, 36)}
"""TCP over IPv4 and IPv6: octets of an address, octets of the address block."""


class ProxyError(ValueError):
    """The octets do not begin with a PROXY header: the session is closed without a word."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """`peer` and `port` of the client, None when the proxy speaks for itself. `length`: octets of the header."""

    length: int
    peer: IPv4Address | IPv6Address | None = None
    port: int = 0


def parse_proxy_header(octets: bytes) -> ProxyHeader | None:
    """The header at the start of `octets`; None while more octets are needed. Raises ProxyError."""
    if octets.startswith(_V2_SIGNATURE):
        return _parse_v2(octets)
    if octets.startswith(b"PROXY "):
        return _parse_v1(octets)
    if _V2_SIGNATURE.startswith(octets) or b"PROXY ".startswith(octets):
        return None
    raise ProxyError("no PROXY header")


def _parse_v1(octets: bytes) -> ProxyHeader | None:
    end = octets.find(b"\r\n", 0, V1_LIMIT)
    if end < 0:
        if len(octets) >= V1_LIMIT:
            raise ProxyError("header is too long")
        return None
    words = octets[:end].split(b" ")
    if words[1] == b"UNKNOWN":
        return ProxyHeader(end + 2)
    if len(words) != 6 or words[1] not in (b"TCP4", b"TCP6"):
        raise ProxyError("malformed header")
    try:
        peer = ip_address(words[2].decode("ascii"))
    except ValueError:
        raise ProxyError("malformed address") from None
    port = int(words[4]) if _PORT.fullmatch(words[4]) else -1
    if not 0 <= port <= 65535 or peer.version != (4 if words[1] == b"TCP4" else 6):
        raise ProxyError("malformed address")
    return ProxyHeader(end + 2, peer, port)


def _parse_v2(octets: bytes) -> ProxyHeader | None:
    if len(octets) < _V2_START:
        return None
    command, protocol = octets[12], octets[13]
    length = _V2_START + int.from_bytes(octets[14:16], "big")
    if command not in (0x20, 0x21):
        raise ProxyError("unknown version or command")
    if length > V2_LIMIT:
        raise ProxyError("header is too long")
    if len(octets) < length:
        return None
    if command == 0x20 or protocol not in _V2_LENGTHS:
        return ProxyHeader(length)
    size, block = _V2_LENGTHS[protocol]
    if length - _V2_START < block:
        raise ProxyError("address block is too short")
    start = _V2_START
    packed = octets[start : start + size]
    peer = IPv4Address(packed) if size == 4 else IPv6Address(packed)
    return ProxyHeader(length, peer, int.from_bytes(octets[start + 2 * size : start + 2 * size + 2], "big"))
