"""Contents go when their time is over, by the rules of `[[retention]]`, once a day; the term of `[ledger] worm`; and
persons who are to be forgotten (`erasing.py`).

Each deletion is what a person's would be: an event and a tombstone, refused by holds, terms and what still waits. A run
that ends half-way is gone on with by the next one: what is deleted is not found again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass

from relay import maillog
from relay.archive.api import Archive, Sort
from relay.archive.query import And, Node, Not, Or, Query, parse_query, quoted
from relay.config.retention import Retention
from relay.lasting import Lasting
from relay.model.deletion import Fate, Order
from relay.model.delivery import MICROSECONDS
from relay.model.erasure import Standing
from relay.model.event import Event, Kind
from relay.notary import erasing

PORTION = 100
"""Messages of one commit: mail that comes in waits for it."""
DAY = 86_400 * MICROSECONDS
LOOK = 300.0
ERASING_LOOK = 2.0
"""Seconds between looks whether somebody is to be forgotten."""
LAST_RUN = "retention_run"
"""The setting that says when the last run ended."""
RUN_ASKED = "retention_asked"
"""The setting by which a command asks for a run at once."""
OLDEST_FIRST = Sort("date", descending=False)


@dataclass(frozen=True, slots=True)
class Done:
    """Of one rule: messages whose time is over, and those that had to stay."""

    name: str
    deleted: int
    kept: int


def meant(rule: Retention, before: Sequence[Retention]) -> Query:
    """The messages that a rule decides about: those it fits, and none of the rules before it."""
    return Query(And((_fits(rule), *(Not(_fits(one)) for one in before), Not(_term("is:deleted")))))


def _fits(rule: Retention) -> Node:
    asked = (("application", rule.application), ("tag", rule.tag), ("from", rule.sender))
    parts = [Or(tuple(_term(f"{field}:{quoted(value)}") for value in values)) for field, values in asked if values]
    larger = () if rule.larger is None else (_term(f"larger:{rule.larger}"),)
    return And((*parts, *larger))


def _term(text: str) -> Node:
    return parse_query(text, now=0).root


async def over(archive: Archive, rules: Sequence[Retention], n: int, now: int) -> AsyncIterator[list[str]]:
    """Ids of messages whose content is to go by rule `n`, oldest first, in portions."""
    rule, cursor = rules[n], None
    while rule.body:
        page = await archive.search(meant(rule, rules[:n]), sort=OLDEST_FIRST, cursor=cursor, limit=PORTION)
        ids = [row.id for row in page.rows if row.received_at + rule.body * MICROSECONDS <= now]
        if ids:
            yield ids
        cursor = page.next
        if cursor is None or len(ids) < len(page.rows):
            return


async def run(
    archive: Archive,
    rules: Sequence[Retention],
    *,
    clock: Callable[[], int],
    new_id: Callable[[], str],
    actor: str = "relay",
    is_dry: bool = False,
) -> list[Done]:
    """What each rule did, or, of a dry run, what it would do: then nothing is changed."""
    done = []
    for n, rule in enumerate(rules):
        deleted = kept = 0
        async for ids in over(archive, rules, n, clock()):
            if is_dry:
                stays = [one for one in ids if await _is_kept(archive, one, clock())]
                deleted, kept = deleted + len(ids) - len(stays), kept + len(stays)
                continue
            outcomes = await archive.delete_content(
                [await _order(archive, one, rule, clock, new_id, actor) for one in ids]
            )
            deleted += sum(outcome.fate is Fate.DELETED for outcome in outcomes)
            kept += sum(outcome.fate is Fate.REFUSED for outcome in outcomes)
        done.append(Done(rule.name, deleted, kept))
    if not is_dry:
        data = {"rules": {one.name: {"deleted": one.deleted, "kept": one.kept} for one in done}}
        await archive.add_events([Event(new_id(), clock(), Kind.RETENTION_RUN, actor, data=data)])
    return done


async def _is_kept(archive: Archive, id_: str, now: int) -> bool:
    """Whether a hold or the term in force would keep it."""
    if await archive.holds_of(id_):
        return True
    return (await archive.message(id_)).message.received_at + await archive.term() * MICROSECONDS > now


async def _order(
    archive: Archive, id_: str, rule: Retention, clock: Callable[[], int], new_id: Callable[[], str], actor: str
) -> Order:
    """Without cancellations: what still waits to be sent stays until the next run."""
    message = (await archive.message(id_)).message
    data = {"reason": f"retention: {rule.name}", "sha256": message.sha256.hex(), "size": message.size}
    return Order(id_, Event(new_id(), clock(), Kind.DELETED, actor, id_, data=data))


class Keeper:
    """Applies the term at its start, then the rules once a day."""

    def __init__(
        self,
        rules: Iterable[Retention],
        worm: int,
        *,
        archive: Archive,
        clock: Callable[[], int],
        new_id: Callable[[], str],
    ) -> None:
        self._rules, self._worm = tuple(rules), worm
        self._archive, self._clock, self._new_id = archive, clock, new_id
        self._task = Lasting("retention")
        self._erasing = Lasting("erasing")

    async def start(self) -> None:
        """Returns when the term holds: before anybody can ask for a deletion."""
        await self._use_term()
        self._task.start(self._run())
        self._erasing.start(self._erase())

    async def stop(self) -> None:
        await self._erasing.stop()
        await self._task.stop()

    async def use(self, rules: Iterable[Retention], worm: int) -> None:
        self._rules, self._worm = tuple(rules), worm
        await self._use_term()

    async def _use_term(self) -> None:
        data = {"key": "ledger.worm", "before": await self._archive.term(), "after": self._worm}
        event = Event(self._new_id(), self._clock(), Kind.SETTING_CHANGED, "relay", data=data)
        await self._archive.use_term(self._worm, event)

    async def run_due(self) -> None:
        """A run, if there are rules and the last one is a day ago."""
        last = await self._archive.setting(LAST_RUN) or 0
        if not self._rules or self._clock() - last < DAY:
            return
        await run(self._archive, self._rules, clock=self._clock, new_id=self._new_id)
        await self._archive.put_setting(LAST_RUN, self._clock())

    async def _run(self) -> None:
        while True:
            try:
                await self.run_due()
            except Exception as error:
                maillog.room_failed("retention", error)
            await asyncio.sleep(LOOK)

    async def erase_due(self) -> None:
        """Does the erasures that are approved, also those that a crash cut short."""
        for one in await self._archive.erasures(only_open=True):
            if one.standing is Standing.APPROVED:
                await erasing.run(self._archive, one.id, clock=self._clock, new_id=self._new_id)

    async def run_asked(self) -> None:
        """A run, if a command asked for one."""
        if await self._archive.setting(RUN_ASKED):
            await run(self._archive, self._rules, clock=self._clock, new_id=self._new_id)
            await self._archive.put_setting(RUN_ASKED, None)

    async def _erase(self) -> None:
        while True:
            try:
                await self.erase_due()
                await self.run_asked()
            except Exception as error:
                maillog.room_failed("erasing", error)
            await asyncio.sleep(ERASING_LOOK)
