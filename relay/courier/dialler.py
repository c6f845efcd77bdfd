"""Opens sessions with an upstream for a pool: where to connect, and how the line is to be secured."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Protocol

from relay.config import Upstream
from relay.courier import trouble
from relay.courier.direct import Direct
from relay.courier.oauth import AccessTokens
from relay.courier.session import Session, Target, open_session, tls_context
from relay.courier.trouble import NoSession
from relay.resolver import Lookup


class Dialler(Protocol):
    """What a pool needs to have sessions."""

    async def dial(self) -> Session:
        """A new session ready for MAIL. Raises NoSession."""
        ...

    def refresh(self) -> None:
        """Reads files, and asks the DNS, again for new sessions."""
        ...


class HostDialler:
    """The one server at `host`."""

    def __init__(self, upstream: Upstream, helo: str) -> None:
        self._upstream, self._helo = upstream, upstream.helo or helo
        self._context: ssl.SSLContext | None = None
        self._tokens = AccessTokens(upstream)

    async def dial(self) -> Session:
        upstream = self._upstream
        try:
            if self._context is None:
                self._context = tls_context(upstream)
        except OSError as error:
            raise NoSession(trouble.broken(error)) from error
        target = Target(upstream.host, upstream.port, upstream.tls, self._context)
        return await open_session(upstream, target, self._helo, self._tokens)

    def refresh(self) -> None:
        self._context = None


def diallers(
    upstream: Upstream,
    helo: str,
    *,
    clock: Callable[[], int],
    spread: Callable[[], float],
    lookup: Lookup | None = None,
) -> Callable[[str], Dialler]:
    """By domain, what opens the sessions that carry mail for it; kind `smtp` has one server for all of them.

    `clock`: UTC microseconds; `lookup`: of kind `mx`, None: the system's name servers.
    """
    if upstream.kind == "mx":
        return Direct(upstream, helo, clock=clock, spread=spread, lookup=lookup).dialler
    only = HostDialler(upstream, helo)
    return lambda domain: only
