"""Direct delivery: sessions with the servers of one domain, each secured as the domain asks.

In order of strength: DANE, where the DNS is validated and names certificates (RFC 7672); MTA-STS, where a policy is
enforced (RFC 8461); else TLS when it is offered, with whatever certificate (RFC 7435). A domain that asks for more than
its servers give gets nothing until they do: the delivery waits. TLS that fails is never followed by clear text.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from relay.config import TlsPolicy, Upstream
from relay.courier import dane, trouble
from relay.courier.exchangers import Servers, ascii_domain, find
from relay.courier.policies import Policies
from relay.courier.policy import Policy, PolicyMode
from relay.courier.session import Session, Target, open_session, tls_context
from relay.courier.trouble import NoSession
from relay.model.delivery import MICROSECONDS
from relay.model.reply import Reply, local_reply
from relay.resolver import Association, Found, Lookup, LookupFailed

MOST_HOSTS, MOST_ADDRESSES = 5, 4
"""Tried for one session: of a domain, and of a host."""


class Direct:
    """What all domains of an upstream share: the DNS, the policies, the contexts of TLS."""

    def __init__(
        self,
        upstream: Upstream,
        helo: str,
        *,
        clock: Callable[[], int],
        spread: Callable[[], float],
        lookup: Lookup | None = None,
        policy_port: int = 443,
    ) -> None:
        self.upstream, self.helo = upstream, upstream.helo or helo
        self.clock, self.spread = clock, spread
        self.own_names = frozenset(name.lower() for name in (helo, self.helo, "localhost"))
        self.lookup = lookup or Lookup()
        self.policies = Policies(self.lookup, is_reachable=self.is_reachable, ca=upstream.ca, port=policy_port)
        self._contexts: dict[bool, ssl.SSLContext] = {}

    def dialler(self, domain: str) -> DomainDialler:
        """For the domain of an address, as it is written there."""
        return DomainDialler(self, domain)

    def context(self, *, is_verified: bool) -> ssl.SSLContext:
        """Raises NoSession when `ca` cannot be read."""
        if is_verified not in self._contexts:
            # A domain may want TLS, by MTA-STS or DANE, whatever `tls` says.
            wanted = self.upstream.model_copy(update={"verify": is_verified, "tls": TlsPolicy.REQUIRED})
            try:
                self._contexts[is_verified] = tls_context(wanted)
            except OSError as error:
                raise NoSession(trouble.broken(error)) from error
        return self._contexts[is_verified]

    def is_reachable(self, text: str) -> bool:
        """Whether an address may be another machine's, and can be reached from `source_address`.

        Who owns a domain chooses what its names point to: not to this machine, unless we are told to stay on it.
        """
        address, source = ipaddress.ip_address(text), self.upstream.source_address
        if address.is_multicast or address.is_unspecified or (source and source.version != address.version):
            return False
        return not address.is_loopback or bool(source and source.is_loopback)

    def refresh(self) -> None:
        self._contexts.clear()
        self.lookup.forget()


class DomainDialler:
    """The servers of one domain; see `dialler.py`."""

    def __init__(self, direct: Direct, domain: str) -> None:
        self._direct, self._domain = direct, domain

    async def dial(self) -> Session:
        direct = self._direct
        servers = await find(self._domain, direct.lookup, direct.own_names, direct.spread)
        policy = await self._policy(servers)
        last = local_reply(451, "4.4.4", f"no server of {self._domain} has an address")
        for host in servers.hosts[:MOST_HOSTS]:
            try:
                return await self._dial_host(host, servers, policy)
            except NoSession as refusal:
                last = refusal.reply
        raise NoSession(last)

    def refresh(self) -> None:
        self._direct.refresh()

    async def _policy(self, servers: Servers) -> Policy | None:
        if servers.is_literal or not self._direct.upstream.mta_sts:
            return None
        policy = await self._direct.policies.policy(ascii_domain(self._domain))
        return policy if policy is not None and policy.mode is PolicyMode.ENFORCE else None

    async def _dial_host(self, host: str, servers: Servers, policy: Policy | None) -> Session:
        direct = self._direct
        try:
            found = Found((host,)) if servers.is_literal else await direct.lookup.addresses(host)
            target = await self._target(host, servers, policy, is_validated=found.is_validated)
        except (LookupFailed, ValueError) as error:
            raise NoSession(local_reply(451, "4.4.3", f"{host}: {error}")) from error
        reachable = [address for address in found.records if direct.is_reachable(address)]
        if found.records and not reachable:
            raise NoSession(_unreachable(host, found.records))
        last = local_reply(451, "4.4.4", f"{host} has no address")
        for address in reachable[:MOST_ADDRESSES]:
            try:
                return await open_session(direct.upstream, replace(target, address=address), direct.helo)
            except NoSession as refusal:
                last = replace(refusal.reply, text=f"{host} [{address}]: {refusal.reply.text}")
        raise NoSession(last)

    async def _target(self, host: str, servers: Servers, policy: Policy | None, *, is_validated: bool) -> Target:
        """How a server is to be secured. Raises LookupFailed, and NoSession when a policy does not allow it."""
        direct, upstream = self._direct, self._direct.upstream
        if upstream.dane and servers.is_validated and is_validated:
            named = await direct.lookup.associations(host, upstream.port)
            if named.records and named.is_validated:
                return self._pinned(host, dane.usable(named.records))
        if policy is not None:
            if not policy.allows(host):
                raise NoSession(local_reply(454, "4.7.5", f"the MTA-STS policy of {self._domain} does not name {host}"))
            return Target(host, upstream.port, TlsPolicy.REQUIRED, direct.context(is_verified=True))
        is_verified = upstream.verify and upstream.tls in (TlsPolicy.REQUIRED, TlsPolicy.IMPLICIT)
        return Target(host, upstream.port, upstream.tls, direct.context(is_verified=is_verified))

    def _pinned(self, host: str, associations: tuple[Association, ...]) -> Target:
        direct = self._direct
        names = [host, ascii_domain(self._domain)]

        def distrust(line: ssl.SSLObject) -> str | None:
            at = datetime.fromtimestamp(direct.clock() / MICROSECONDS, UTC)
            return dane.distrust(peer_chain(line), associations, names, at)

        context = direct.context(is_verified=False)
        return Target(
            host, direct.upstream.port, TlsPolicy.REQUIRED, context, distrust=distrust if associations else None
        )


def peer_chain(line: Any) -> list[bytes]:
    """The certificates that the server sent, as DER, its own first. `line`: ssl.SSLObject."""
    if hasattr(line, "get_unverified_chain"):  # since Python 3.13
        return list(line.get_unverified_chain())
    chain = line._sslobj.get_unverified_chain() or ()
    return [ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in chain]


def _unreachable(host: str, addresses: tuple[str, ...]) -> Reply:
    if any(ipaddress.ip_address(address).is_loopback for address in addresses):
        return local_reply(554, "5.4.6", f"{host} is this machine itself: mail would go in a circle")
    return local_reply(451, "4.4.4", f"{host} has no address that can be reached from here: {', '.join(addresses)}")
