"""TXT records looked up in the DNS, for `mailwitness dkim check`. dnspython asks: the standard library has no TXT."""

from __future__ import annotations

import ipaddress
import re

import dns.exception
import dns.resolver

LIFETIME = 5.0
"""Seconds for one answer, all tries together."""


_PLACE = re.compile(r"(?:\[([^\]]*)\]|([^:]*)):([0-9]{1,5})")


class LookupFailed(Exception):
    """The DNS gave no answer, which says nothing of the record. The text says why."""


class Resolver:
    """Asks the system's name servers, or the one given as `address`, `address:port` or `[address]:port`."""

    def __init__(self, nameserver: str = "") -> None:
        """Raises ValueError for what is no address."""
        self._given = _place(nameserver) if nameserver else None

    def txt(self, name: str) -> list[tuple[bytes, ...]]:
        """The TXT records of a name, each its strings; none where the name has none. Raises LookupFailed."""
        try:
            answer = self._resolver().resolve(name + ".", "TXT", lifetime=LIFETIME, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise LookupFailed(f"the DNS does not answer: {type(error).__name__}") from error
        return [record.strings for record in answer]

    def _resolver(self) -> dns.resolver.Resolver:
        if self._given is None:
            return dns.resolver.Resolver()
        resolver = dns.resolver.Resolver(configure=False)
        address, resolver.port = self._given
        resolver.nameservers = [address]
        return resolver


def _place(text: str) -> tuple[str, int]:
    """Address and port. Raises ValueError."""
    match = _PLACE.fullmatch(text)
    try:
        address = str(ipaddress.ip_address((match[1] or match[2]) if match else text))
        port = int(match[3]) if match else 53
        if 0 < port < 65536:
            return address, port
    except ValueError:
        pass
    raise ValueError(f"{text!r} is no address")
