"""The MTA-STS policies of domains: announced by DNS, fetched by HTTPS, kept as long as they say. RFC 8461 section 3.3.

A fetch that fails leaves the policy that is known in force, and without one there is none: who is in the middle can
keep us from a first policy, but not take one away. Kept in memory; a restart forgets.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver

from relay import maillog
from relay.courier.policy import Policy, PolicyError, parse_policy, policy_id
from relay.resolver import Lookup, LookupFailed

SIZE_LIMIT = 64 * 1024
FETCH_TIMEOUT = 20.0
"""Seconds in all."""
AFTER_FAILURE = 300.0
"""Seconds until a fetch that failed is tried again."""
KEPT = 10_000
"""Domains remembered."""


@dataclass(slots=True)
class _Known:
    """Times of the event loop. `id` and `policy` belong together; no policy: it never could be had, or has ended."""

    id: str = ""
    policy: Policy | None = None
    ends_at: float = 0.0
    renewed_at: float = 0.0
    """From when on it is fetched again although nothing new is announced."""
    paused_until: float = 0.0
    """After a failure."""


class Policies:
    """Used within one event loop. `ca`: for the web server; `port`: another than 443 only in tests."""

    def __init__(
        self,
        lookup: Lookup,
        *,
        is_reachable: Callable[[str], bool] = lambda address: True,
        ca: Path | None = None,
        port: int = 443,
    ) -> None:
        self._lookup, self._is_reachable, self._ca, self._port = lookup, is_reachable, ca, port
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._fetching: dict[str, asyncio.Lock] = {}

    async def policy(self, domain: str) -> Policy | None:
        """The policy in force for a domain (A-labels), None without one. Raises nothing."""
        lock = self._fetching.setdefault(domain, asyncio.Lock())
        try:
            async with lock:
                return await self._current(domain)
        finally:
            if not lock.locked():
                self._fetching.pop(domain, None)

    async def _current(self, domain: str) -> Policy | None:
        now = asyncio.get_running_loop().time()
        known = self._known.get(domain) or _Known()
        if known.ends_at <= now:
            known.policy = None
        if now < known.paused_until:
            return known.policy
        try:
            announced = policy_id((await self._lookup.texts(f"_mta-sts.{domain}")).records)
        except (LookupFailed, ValueError):
            return known.policy
        is_current = known.policy is not None and known.id == announced and now < known.renewed_at
        if announced is not None and not is_current:
            known = await self._renew(domain, announced, known, now)
            self._keep(domain, known)
        return known.policy

    async def _renew(self, domain: str, announced: str, known: _Known, now: float) -> _Known:
        try:
            policy = parse_policy(await self._fetch(domain))
        except (PolicyError, aiohttp.ClientError, OSError, ValueError) as error:
            maillog.policy_not_fetched(domain, f"{type(error).__name__}: {error}"[:200])
            known.paused_until = now + AFTER_FAILURE
            return known
        return _Known(announced, policy, now + policy.max_age, now + policy.max_age / 2)

    def _keep(self, domain: str, known: _Known) -> None:
        self._known[domain] = known
        self._known.move_to_end(domain)
        if len(self._known) > KEPT:
            self._known.popitem(last=False)

    async def _fetch(self, domain: str) -> bytes:
        """The file. Raises what `_renew` catches. No redirects (section 3.3)."""
        context = ssl.create_default_context(cafile=str(self._ca) if self._ca else None)
        connector = aiohttp.TCPConnector(resolver=_Names(self._lookup, self._is_reachable), ssl=context)
        limit = aiohttp.ClientTimeout(total=FETCH_TIMEOUT)
        address = f"https://mta-sts.{domain}:{self._port}/.well-known/mta-sts.txt"
        async with (
            aiohttp.ClientSession(connector=connector, timeout=limit) as client,
            client.get(address, allow_redirects=False) as response,
        ):
            if response.status != 200 or response.content_type != "text/plain":
                raise PolicyError(f"answered {response.status}, {response.content_type}")
            octets = b""
            while more := await response.content.readany():
                octets += more
                if len(octets) > SIZE_LIMIT:
                    raise PolicyError(f"more than {SIZE_LIMIT} octets")
            return octets


class _Names(AbstractResolver):
    """Names looked up where the exchangers are."""

    def __init__(self, lookup: Lookup, is_reachable: Callable[[str], bool]) -> None:
        self._lookup, self._is_reachable = lookup, is_reachable

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[Any]:
        try:
            found = await self._lookup.addresses(host)
        except LookupFailed as error:
            raise OSError(str(error)) from error
        addresses = [address for address in found.records if self._is_reachable(address)]
        if not addresses:
            raise OSError(f"{host} has no address")
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in addresses
        ]

    async def close(self) -> None:
        pass
