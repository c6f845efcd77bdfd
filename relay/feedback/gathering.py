"""What was fetched, on its way into the archive: taken at once and in memory, kept in groups by one task.

Never in the way of an answer: `note` only appends to a list. When fetches come faster than the disk takes them, the
list is full and more of the same token only raise a count. Nothing is lost by stopping: `stop` keeps what waits. A
power failure loses what came within the last fraction of a second; an unsubscription is committed before it is
answered.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from relay import maillog
from relay.archive.api import Archive, ArchiveError, ArchiveUnavailable
from relay.feedback import address
from relay.feedback.agents import network_of
from relay.feedback.judging import judged, judgements
from relay.model.fetch import Fetch, Verdict
from relay.model.suppressing import NO_RULES, SuppressionRules
from relay.model.token import Token

WAITING = 10_000
"""Fetches that wait one by one; more are counted by token."""
TOKENS_WAITING = 50_000
"""Tokens that are counted so; fetches of still others are lost, and the log says how many."""
PORTION = 500
"""Fetches judged and kept at a time: the loop answers others in between."""
PAUSE = 0.2
"""Seconds between two groups, so that a stream of fetches is a few commits a second."""
RETRY = 1.0
"""Seconds until a group that the archive could not keep is tried again."""


class Hit(NamedTuple):
    """One fetch as it came in; a tuple, because one is made before each answer.

    `address` is whole. Whether the token exists is not known yet.
    """

    token_id: str
    at: int
    """UTC microseconds."""
    method: str
    address: str
    user_agent: str
    signals: tuple[tuple[str, str], ...] = ()
    times: int = 1


class Gathering:
    """`detail`: how much of an address is kept, see `address.kept`. `rules`: what unsubscribing leads to."""

    def __init__(
        self,
        archive: Archive,
        *,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        detail: str,
        rules: SuppressionRules = NO_RULES,
    ) -> None:
        self._archive = archive
        self._clock = clock
        self._new_id = new_id
        self.detail = detail
        self.rules = rules
        self._waiting: list[Hit] = []
        self._counted: dict[str, Hit] = {}
        self._in_hand = 0
        self._lost = 0
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def note(self, hit: Hit) -> None:
        """Takes a fetch. Returns at once, never raises."""
        if len(self._waiting) < WAITING:
            self._waiting.append(hit)
        elif hit.token_id in self._counted:
            first = self._counted[hit.token_id]
            self._counted[hit.token_id] = first._replace(times=first.times + hit.times)
        elif len(self._counted) < TOKENS_WAITING:
            self._counted[hit.token_id] = hit
        else:
            self._lost += hit.times
        self._wake.set()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self, grace: float) -> None:
        """Returns when all that was taken is kept, or after `grace` seconds, and then the log says what was lost."""
        self._stopping.set()
        self._wake.set()
        if self._task is None:
            return
        try:
            await asyncio.wait_for(self._task, grace)
        except TimeoutError:
            self._lost += self._in_hand + sum(hit.times for hit in (*self._waiting, *self._counted.values()))
        self._tell_lost()

    async def keep(self, hits: Sequence[Hit]) -> None:
        """Returns once those hits whose token exists are committed. Raises ArchiveError: nothing was kept."""
        tokens = await self._archive.tracking_tokens(list({hit.token_id for hit in hits}))
        await self._keep(self._fetches(hits, tokens), tokens)

    # -- the task --------------------------------------------------------------------------------------------
    async def _run(self) -> None:
        while not (self._stopping.is_set() and not self._waiting and not self._counted):
            await self._wake.wait()
            self._wake.clear()
            while hits := self._take():
                await self._keep_in_the_end(hits)
            self._tell_lost()
            if self._stopping.is_set():
                self._wake.set()
            else:
                await self._rest(PAUSE)

    def _take(self) -> list[Hit]:
        """The oldest hits; those that are counted only come last. What is not taken yet still fills the list."""
        if self._waiting:
            hits, self._waiting = self._waiting[:PORTION], self._waiting[PORTION:]
            return hits
        return [self._counted.pop(token_id) for token_id in list(self._counted)[:PORTION]]

    def _tell_lost(self) -> None:
        if self._lost:
            maillog.fetches_lost(self._lost)
            self._lost = 0

    async def _rest(self, seconds: float) -> None:
        """Waits; not when stopping."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _keep_in_the_end(self, hits: Sequence[Hit]) -> None:
        """Tries until the archive has kept them: the same fetches with the same ids, so that none counts twice."""
        fetches: list[Fetch] | None = None
        tokens: Mapping[str, Token] = {}
        self._in_hand = sum(hit.times for hit in hits)
        while True:
            try:
                if fetches is None:
                    tokens = await self._archive.tracking_tokens(list({hit.token_id for hit in hits}))
                    fetches = self._fetches(hits, tokens)
                await self._keep(fetches, tokens)
                break
            except ArchiveUnavailable as error:
                maillog.fetches_wait(len(hits), error)
                await asyncio.sleep(RETRY)
            except ArchiveError as error:
                # A broken promise: trying again would not help, and others must not wait behind it.
                maillog.room_failed("feedback", error)
                break
        self._in_hand = 0

    def _fetches(self, hits: Sequence[Hit], tokens: Mapping[str, Token]) -> list[Fetch]:
        """Hits of tokens that exist; those that are the same but for the time are one with a count."""
        alike: dict[tuple[object, ...], Hit] = {}
        for hit in hits:
            if hit.token_id not in tokens:
                continue
            key = (hit.token_id, hit.method, hit.address, hit.user_agent, hit.signals)
            first = alike.get(key)
            alike[key] = hit if first is None else first._replace(times=first.times + hit.times)
        return [self._fetch(hit) for hit in alike.values()]

    def _fetch(self, hit: Hit) -> Fetch:
        return Fetch(
            id=self._new_id(),
            token_id=hit.token_id,
            at=hit.at,
            method=hit.method,
            address=address.kept(hit.address, self.detail),
            user_agent=hit.user_agent,
            verdict=Verdict.SCANNER,
            reason="not judged yet",
            rules_version=0,
            count=hit.times,
            signals=hit.signals,
            network=network_of(hit.address),
        )

    async def _keep(self, fetches: Sequence[Fetch], tokens: Mapping[str, Token]) -> None:
        if not fetches:
            return
        used = {fetch.token_id: tokens[fetch.token_id] for fetch in fetches}
        now, changed = await judged(self._archive, fetches, used)
        await self._archive.add_fetches(now, self.rules)
        if changed:
            await self._archive.judge(judgements(changed, now=self._clock(), new_id=self._new_id))
        maillog.fetches_kept(now)
