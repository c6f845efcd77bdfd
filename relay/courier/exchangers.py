"""Which servers take mail for a domain, in the order in which to try them. RFC 5321 section 5.1, RFC 7505."""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import idna

from relay.courier.trouble import NoSession
from relay.model.reply import local_reply
from relay.resolver import Exchanger, Lookup, LookupFailed

_LITERAL = re.compile(r"\[(?:(IPv6:)([0-9A-Fa-f:.]+)|([0-9.]+))\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Servers:
    """Names to try, best first; for a literal the address itself. `is_validated`: DNSSEC vouches for these names."""

    hosts: tuple[str, ...]
    is_validated: bool = False
    is_literal: bool = False


def literal(domain: str) -> str | None:
    """The address in `[192.0.2.1]` or `[IPv6:2001:db8::1]`; None for a name. Raises NoSession for another literal."""
    if not domain.startswith("["):
        return None
    match = _LITERAL.fullmatch(domain)
    try:
        if match is not None:
            return str(ipaddress.IPv6Address(match[2]) if match[1] else ipaddress.IPv4Address(match[3]))
    except ValueError:
        pass
    raise NoSession(local_reply(553, "5.1.3", f"{domain} is no address of a mail server"))


def ascii_domain(domain: str) -> str:
    """The name as the DNS has it: `xn--…` beyond ASCII (RFC 5890). Raises NoSession."""
    if domain.isascii():
        return domain.lower().rstrip(".")
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise NoSession(local_reply(553, "5.1.2", f"{domain} is no domain: {error}")) from error


async def find(domain: str, lookup: Lookup, own_names: Collection[str], spread: Callable[[], float]) -> Servers:
    """The servers for a domain as an address has it. Raises NoSession: permanent when there can be none."""
    address = literal(domain)
    if address is not None:
        return Servers((address,), is_literal=True)
    name = ascii_domain(domain)
    try:
        found = await lookup.exchangers(name)
    except (LookupFailed, ValueError) as error:
        raise NoSession(local_reply(451, "4.4.3", f"{name}: {error}")) from error
    if not found.does_exist:
        raise NoSession(local_reply(550, "5.1.2", f"the domain {name} does not exist"))
    exchangers: Sequence[Exchanger] = found.records
    if any(not exchanger.host for exchanger in exchangers):
        if len(exchangers) == 1:
            raise NoSession(local_reply(556, "5.1.10", f"the domain {name} takes no mail (null MX)"))
        exchangers = [exchanger for exchanger in exchangers if exchanger.host]
    if not exchangers:
        return Servers((name,), found.is_validated)
    nearer = before_us(exchangers, own_names)
    if not nearer:
        raise NoSession(local_reply(554, "5.4.6", f"mail for {name} leads back to this machine"))
    return Servers(tuple(exchanger.host for exchanger in ordered(nearer, spread)), found.is_validated)


def before_us(exchangers: Sequence[Exchanger], own_names: Collection[str]) -> list[Exchanger]:
    """Those preferred to this machine: all, unless it is one of them. Anything else would be a loop."""
    ours = [each.preference for each in exchangers if each.host.lower() in own_names]
    return [each for each in exchangers if not ours or each.preference < min(ours)]


def ordered(exchangers: Sequence[Exchanger], spread: Callable[[], float]) -> list[Exchanger]:
    """By preference; in random order among equals, so that they share the load."""
    by_preference = sorted(exchangers, key=lambda each: each.preference)
    result: list[Exchanger] = []
    for _, equals in itertools.groupby(by_preference, key=lambda each: each.preference):
        rest = list(equals)
        while rest:
            result.append(rest.pop(int(spread() * len(rest))))
    return result
