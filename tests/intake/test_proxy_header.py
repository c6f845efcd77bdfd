"""The PROXY protocol header, versions 1 and 2."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.intake.proxy import V1_LIMIT, ProxyError, ProxyHeader, parse_proxy_header

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v2(command: int, protocol: int, block: bytes) -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, protocol, len(block)) + block


def block(source: str, port: int, extra: bytes = b"") -> bytes:
    packed = ip_address(source).packed
    return packed + packed + struct.pack("!HH", port, 25) + extra


GOOD = [
    (b"PROXY TCP4 192.0.2.7 198.51.100.1 4321 25\r\n", "192.0.2.7"),
    (b"PROXY TCP6 2001:db8::7 2001:db8::1 4321 25\r\n", "2001:db8::7"),
    (v2(0x21, 0x11, block("192.0.2.7", 4321)), "192.0.2.7"),
    (v2(0x21, 0x21, block("2001:db8::7", 4321, b"\x04\0\x01x")), "2001:db8::7"),
]


@pytest.mark.parametrize(("header", "peer"), GOOD)
def test_the_client_is_named_and_the_rest_left_alone(header, peer):
    expected = ProxyHeader(len(header), ip_address(peer), 4321)
    assert parse_proxy_header(header + b"EHLO x\r\n") == expected


@pytest.mark.parametrize(("header", "peer"), GOOD)
def test_every_part_of_a_header_asks_for_more(header, peer):
    assert all(parse_proxy_header(header[:length]) is None for length in range(len(header)))


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n",
        v2(0x20, 0x00, b""),
        v2(0x20, 0x11, block("192.0.2.7", 1)),
        v2(0x21, 0x31, b"\0" * 216),
        v2(0x21, 0x12, block("192.0.2.7", 1)),
    ],
)
def test_a_proxy_that_names_no_client_is_the_peer_itself(header):
    assert parse_proxy_header(header) == ProxyHeader(len(header))


@pytest.mark.parametrize(
    "octets",
    [
        b"EHLO client.example\r\n",
        b"PROXY TCP4 192.0.2.7\r\n",
        b"PROXY TCP5 192.0.2.7 192.0.2.8 1 2\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
        b"PROXY TCP4 host 192.0.2.8 1 2\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.8 70000 2\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.8 +1 2\r\n",
        b"PROXY TCP4 \xff 192.0.2.8 1 2\r\n",
        b"PROXY  \r\n",
        b"PROXY " + b"x" * V1_LIMIT,
        v2(0x11, 0x11, block("192.0.2.7", 1)),
        v2(0x22, 0x11, block("192.0.2.7", 1)),
        v2(0x21, 0x11, b"short"),
        SIGNATURE + b"\x21\x11\xff\xff",
    ],
)
def test_anything_else_is_a_proxy_error(octets):
    with pytest.raises(ProxyError):
        parse_proxy_header(octets)


@given(st.binary(max_size=40), st.sampled_from([b"", SIGNATURE, b"PROXY "]))
def test_any_octets_are_a_header_or_none_or_an_error(octets, start):
    try:
        header = parse_proxy_header(start + octets)
    except ProxyError:
        return
    assert header is None or header.length <= len(start + octets)
