"""Records looked up in the DNS. dnspython asks: the standard library knows addresses alone.

`Resolver` waits for its answer, for the command line; `Lookup` is for the courier, within an event loop, and says of
each answer whether it was validated (DNSSEC). It validates nothing itself: a name server on this machine does, or one
that `/etc/resolv.conf` calls trustworthy (`options trust-ad`, resolv.conf(5)).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.rdata
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


@dataclass(frozen=True, slots=True)
class Exchanger:
    """What an MX record names."""

    preference: int
    host: str
    """Without the final dot; empty for the null MX (RFC 7505)."""


@dataclass(frozen=True, slots=True)
class Association:
    """A TLSA record (RFC 6698 section 2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """An answer; without records the name may exist or not. `is_validated`: DNSSEC vouches for all of it."""

    records: tuple[Any, ...] = ()
    does_exist: bool = True
    is_validated: bool = False


class Lookup:
    """Asks the system's name servers or the given one (as `Resolver`), and keeps answers as long as they say."""

    def __init__(self, nameserver: str = "", *, lifetime: float = LIFETIME) -> None:
        """Raises ValueError for what is no address."""
        self._given = _place(nameserver) if nameserver else None
        self._lifetime = lifetime
        self._resolver: dns.asyncresolver.Resolver | None = None
        self._is_trusted = False

    async def exchangers(self, domain: str) -> Found:
        """Exchangers. Raises LookupFailed, as all of these."""
        found = await self._ask(domain, "MX")
        return _with(found, (Exchanger(each.preference, _text(each.exchange)) for each in found.records))

    async def addresses(self, host: str) -> Found:
        """Addresses as text, IPv4 first."""
        four, six = await self._ask(host, "A"), await self._ask(host, "AAAA")
        return Found(
            tuple(each.address for each in (*four.records, *six.records)),
            four.does_exist and six.does_exist,
            four.is_validated and six.is_validated,
        )

    async def associations(self, host: str, port: int) -> Found:
        """Associations of SMTP on that port."""
        found = await self._ask(f"_{port}._tcp.{host}", "TLSA")
        return _with(found, (Association(each.usage, each.selector, each.mtype, each.cert) for each in found.records))

    async def texts(self, name: str) -> Found:
        """The TXT records, each with its strings put together."""
        found = await self._ask(name, "TXT")
        return _with(found, (b"".join(each.strings) for each in found.records))

    async def is_validating(self) -> bool:
        """Whether the name server validates, and may be believed: the root's keys are signed."""
        return (await self._ask("", "DNSKEY")).is_validated

    def forget(self) -> None:
        """Asks everything again."""
        self._resolver = None

    async def _ask(self, name: str, kind: str) -> Found:
        try:
            answer = await self._made().resolve(
                name.removesuffix(".") + ".", kind, lifetime=self._lifetime, search=False, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN as error:
            responses: dict[object, dns.message.Message] = error.kwargs["responses"]
            is_signed = all(response.flags & dns.flags.AD for response in responses.values())
            return Found((), False, is_signed and self._is_trusted)
        except (dns.exception.DNSException, OSError) as error:
            raise LookupFailed(f"the DNS does not answer: {type(error).__name__}") from error
        records: Iterable[dns.rdata.Rdata] = answer.rrset or ()
        return Found(tuple(records), True, bool(answer.response.flags & dns.flags.AD) and self._is_trusted)

    def _made(self) -> dns.asyncresolver.Resolver:
        if self._resolver is None:
            try:
                self._resolver = made = dns.asyncresolver.Resolver(configure=self._given is None)
            except dns.resolver.NoResolverConfiguration as error:
                raise LookupFailed("this machine has no name server") from error
            if self._given is not None:
                address, made.port = self._given
                made.nameservers = [address]
            # 1232: what passes without fragments (DNS flag day 2020). AD asks for the verdict of DNSSEC (RFC 6840).
            made.use_edns(0, 0, 1232)
            made.flags = dns.flags.RD | dns.flags.AD
            made.cache = dns.resolver.LRUCache(10_000)
            self._is_trusted = _is_believed([str(each) for each in made.nameservers])
        return self._resolver


def _with(found: Found, records: Iterable[object]) -> Found:
    return Found(tuple(records), found.does_exist, found.is_validated)


def _text(name: Any) -> str:
    return str(name.to_text(omit_final_dot=True)) if len(name.labels) > 1 else ""


def _is_believed(nameservers: Iterable[str], configuration: Path = Path("/etc/resolv.conf")) -> bool:
    """Whether what these say of DNSSEC cannot have been forged on the way."""
    try:
        if all(ipaddress.ip_address(address).is_loopback for address in nameservers):
            return True
        lines = configuration.read_text(errors="replace").splitlines()
    except (ValueError, OSError):
        return False
    return any(line.split()[:1] == ["options"] and "trust-ad" in line.split() for line in lines)


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
