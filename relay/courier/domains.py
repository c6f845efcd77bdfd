"""The pools of an upstream of kind `mx`: one for each domain, made when mail for it comes, forgotten when it rests.

The upstream as a whole is always up, for one domain's servers say nothing of another's.
"""

from __future__ import annotations

from collections.abc import Callable

from relay.config import Upstream
from relay.courier.direct import Direct
from relay.courier.exchangers import ascii_domain
from relay.courier.pool import Pool
from relay.courier.trouble import NoSession

MOST_RESTING = 1000
"""Pools without a session that are kept: they remember when a domain may be tried again."""


class Domains:
    """To the courier what a `Pool` is for an upstream of kind `smtp`; sessions come from `pool_for`."""

    def __init__(self, upstream: Upstream, direct: Direct, spread: Callable[[], float]) -> None:
        self.upstream = upstream
        self._direct, self._spread = direct, spread
        self._settings = upstream.model_copy(update={"connections": upstream.connections_per_domain})
        self._pools: dict[str, Pool] = {}
        self._is_paused = False

    def pool_for(self, domain: str) -> Pool:
        """The pool of the domain of an address, as it is written there."""
        key = self.key(domain)
        pool = self._pools.get(key)
        if pool is None:
            self._tidy()
            dialler = self._direct.dialler(domain)
            pool = self._pools[key] = Pool(self._settings, self._direct.helo, self._spread, dialler=dialler)
            pool.pause(self._is_paused)
        return pool

    @staticmethod
    def key(domain: str) -> str:
        """The same for every way to write a domain."""
        try:
            return domain.lower() if domain.startswith("[") else ascii_domain(domain)
        except NoSession:
            return domain

    @property
    def is_proven(self) -> bool:
        return True

    @property
    def is_up(self) -> bool:
        return not self._is_paused

    @property
    def is_resting(self) -> bool:
        return False

    @property
    def suspended_for(self) -> float:
        return 0.0

    @property
    def doubted_in(self) -> float:
        return float("inf")

    @property
    def failures(self) -> int:
        return 0

    @property
    def error(self) -> str:
        return ""

    @property
    def sessions(self) -> int:
        return sum(pool.sessions for pool in self._pools.values())

    def pause(self, is_paused: bool) -> None:
        self._is_paused = is_paused
        for pool in self._pools.values():
            pool.pause(is_paused)

    def refresh(self) -> None:
        self._direct.refresh()
        for pool in self._pools.values():
            pool.refresh()

    async def close(self) -> None:
        for pool in list(self._pools.values()):
            await pool.close()
        self._pools.clear()

    def _tidy(self) -> None:
        if len(self._pools) >= MOST_RESTING:
            self._pools = {key: pool for key, pool in self._pools.items() if pool.sessions or pool.suspended_for > 0}
