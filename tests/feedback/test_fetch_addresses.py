from __future__ import annotations

from ipaddress import ip_network

import pytest

from relay.feedback.address import client_of, kept

PROXIES = (ip_network("10.0.0.0/8"), ip_network("::1"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.7", [], "192.0.2.7"),
        ("192.0.2.7", ["198.51.100.1"], "192.0.2.7"),
        ("10.1.1.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.1.1.1", ["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
        ("10.1.1.1", ["203.0.113.9", "198.51.100.1, 10.2.2.2"], "198.51.100.1"),
        ("::1", ["[2001:db8::1]"], "2001:db8::1"),
        ("::ffff:10.1.1.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.1.1.1", ["10.2.2.2"], "10.2.2.2"),
        ("10.1.1.1", ["not an address"], ""),
        ("10.1.1.1", [""], ""),
        ("", [], ""),
    ],
)
def test_the_client_is_the_last_hop_that_no_trusted_proxy_is(peer: str, forwarded: list[str], client: str):
    assert client_of(peer, forwarded, PROXIES) == client


def test_without_trusted_proxies_the_field_says_nothing():
    assert client_of("10.1.1.1", ["198.51.100.1"], ()) == "10.1.1.1"


@pytest.mark.parametrize(
    ("address", "full", "truncated"),
    [
        ("192.0.2.77", "192.0.2.77", "192.0.2.0"),
        ("::ffff:192.0.2.77", "192.0.2.77", "192.0.2.0"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2:3::4", "2001:db8:1::"),
        ("", "", ""),
        ("unix", "", ""),
    ],
)
def test_as_much_of_an_address_is_kept_as_may_be(address: str, full: str, truncated: str):
    assert kept(address, "full") == full
    assert kept(address, "truncated") == truncated
    assert kept(address, "none") == ""
