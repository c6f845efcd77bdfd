"""The vitals of the running server: whether it can keep mail, and its metrics. Served by the viewer.

Does not count anything (`maillog.py`); reads the gauges that only the archive knows when it is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from prometheus_client import generate_latest

from relay import metrics
from relay.archive.api import Archive, ArchiveError
from relay.model.delivery import DUE_STATES, MICROSECONDS, State
from relay.model.upstream import Health as UpstreamHealth
from relay.model.upstream import UpstreamState

TIME_LIMIT = 5.0
"""Seconds; an archive that takes longer to answer is not ready."""

_QUEUE_STATES = (*sorted(DUE_STATES), State.SENDING, State.HELD)


class Vitals:
    """Asks the archive, and the courier for its upstreams. `clock`: UTC microseconds."""

    def __init__(
        self,
        archive: Archive,
        clock: Callable[[], int],
        upstream_states: Callable[[], Sequence[UpstreamState]] = tuple,
        ledger_problem: Callable[[], str] = str,
    ) -> None:
        self._ledger_problem = ledger_problem
        self._upstream_states = upstream_states
        self._archive = archive
        self._clock = clock

    async def is_ready(self) -> tuple[bool, str]:
        """Whether a message sent now would be kept, and if not why, in words for the operator."""
        try:
            async with asyncio.timeout(TIME_LIMIT):
                health = await self._archive.health()
        except (ArchiveError, TimeoutError) as error:
            return False, str(error) or "the archive does not answer"
        problems = health.problems if health.problems or health.is_writable else ("the archive cannot be written",)
        if problems:
            return False, "; ".join(problems)
        # Mail is kept all the same: what is missing is a signature on the log.
        return True, f"ready; the ledger is not signed: {told}" if (told := self._ledger_problem()) else "ready"

    async def metrics_text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        facts = await self._archive.queue_facts()
        for state in _QUEUE_STATES:
            metrics.queue_depth.labels(state.value).set(facts.depth.get(state, 0))
        age = 0 if facts.oldest is None else max(0, self._clock() - facts.oldest) / MICROSECONDS
        metrics.queue_age_seconds.set(age)
        for upstream in self._upstream_states():
            metrics.upstream_up.labels(upstream.name).set(upstream.health is UpstreamHealth.UP)
            metrics.upstream_sessions.labels(upstream.name).set(upstream.sessions)
        health = await self._archive.health()
        metrics.index_lag.set(health.last_seq - health.indexed_seq)
        metrics.archive_commits.set(health.commits)
        metrics.archive_committed_writes.set(health.committed_units)
        return generate_latest(metrics.REGISTRY)
