"""Contents go when their time is over, and later what is known about them, by the rules of `[[retention]]`, once a day;
the term of `[ledger] worm`; and persons who are to be forgotten (`erasing.py`).

Each deletion is what a person's would be: an event and a tombstone, refused by holds, terms and what still waits. A run
that ends half-way is gone on with by the next one: what is deleted, or erased, is not found again. When something went,
the files go too that were made of messages beside the archive, as with an erasure (`beside.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from relay import maillog
from relay.archive.api import Archive, Sort
from relay.archive.query import And, Node, Not, Or, Query, parse_query, quoted
from relay.config.retention import Retention
from relay.lasting import Lasting
from relay.model.deletion import Fate, Order, Outcome
from relay.model.delivery import MICROSECONDS
from relay.model.erasure import Standing
from relay.model.event import Event, Kind
from relay.notary import erasing
from relay.notary.beside import clear

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
SEEN = "retention_seen"
"""The setting that says up to which event was looked for what came after the rest was erased."""
NEVER = 2**62
"""No event has so high a number."""
FILES = "retention_files"
"""The setting that a run began: if it ended half-way, what was made of messages before it has to go after the next."""
LATE = "came later"
"""In the place of a rule's name: the one that erased the rest fits no more."""
OLDEST_FIRST = Sort("date", descending=False)


@dataclass(frozen=True, slots=True)
class Done:
    """Of one rule: messages whose time is over, and those that had to stay."""

    name: str
    deleted: int
    kept: int
    erased: int = 0
    """Messages whose facts went."""
    stayed: int = 0
    """Messages whose facts had to stay."""


def meant(rule: Retention, before: Sequence[Retention], what: str) -> Query:
    """The messages that a rule decides about: those it fits, none of the rules before it, and not `what`, a search."""
    return Query(And((_fits(rule), *(Not(_fits(one)) for one in before), Not(_term(what)))))


def _fits(rule: Retention) -> Node:
    asked = (("application", rule.application), ("tag", rule.tag), ("from", rule.sender))
    parts = [Or(tuple(_term(f"{field}:{quoted(value)}") for value in values)) for field, values in asked if values]
    larger = () if rule.larger is None else (_term(f"larger:{rule.larger}"),)
    return And((*parts, *larger))


def _term(text: str) -> Node:
    return parse_query(text, now=0).root


async def over(archive: Archive, query: Query, seconds: int, now: int) -> AsyncIterator[list[str]]:
    """Ids of messages that were received so long ago, oldest first, in portions; none, if it is 0: for ever."""
    cursor = None
    while seconds:
        page = await archive.search(query, sort=OLDEST_FIRST, cursor=cursor, limit=PORTION)
        ids = [row.id for row in page.rows if row.received_at + seconds * MICROSECONDS <= now]
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
    folder: Path | None = None,
) -> list[Done]:
    """What each rule did, or, of a dry run, what it would do: then nothing is changed. `folder`: the archive's, where
    exports may wait that have what went. Raises OSError: one of these cannot be taken away; the next run does it."""
    run_ = _Run(archive, clock, new_id, actor, is_dry)
    was_cut_short = bool(await archive.setting(FILES))
    if not is_dry:
        await archive.put_setting(FILES, True)
    done = []
    for n, rule in enumerate(rules):
        deleted, kept = await run_.go(meant(rule, rules[:n], "is:deleted"), rule.body, rule.name, run_.delete)
        erased, stayed = await run_.go(meant(rule, rules[:n], "is:erased"), rule.metadata, rule.name, run_.erase)
        done.append(Done(rule.name, deleted, kept, erased, stayed))
    if not is_dry:
        has_taken = await run_.erase_late() or any(one.deleted or one.erased for one in done)
        counts = {one.name: {key: value for key, value in asdict(one).items() if key != "name"} for one in done}
        data: dict[str, object] = {"rules": counts}
        if folder is not None and (has_taken or was_cut_short):
            data["files"] = await asyncio.to_thread(clear, folder)
        await archive.add_events([Event(new_id(), clock(), Kind.RETENTION_RUN, actor, data=data)])
        await archive.put_setting(FILES, None)
    return done


@dataclass(frozen=True, slots=True)
class _Run:
    archive: Archive
    clock: Callable[[], int]
    new_id: Callable[[], str]
    actor: str
    is_dry: bool

    async def go(
        self, query: Query, seconds: int, name: str, take: Callable[[Sequence[str], str], Awaitable[list[Outcome]]]
    ) -> tuple[int, int]:
        """Takes away what is over: how many messages that was, or would be, and how many had to stay."""
        gone = stays = 0
        async for ids in over(self.archive, query, seconds, self.clock()):
            if self.is_dry:
                kept = [one for one in ids if await _is_kept(self.archive, one, self.clock())]
                gone, stays = gone + len(ids) - len(kept), stays + len(kept)
                continue
            outcomes = await take(ids, name)
            gone += sum(outcome.fate is Fate.DELETED for outcome in outcomes)
            stays += sum(outcome.fate is Fate.REFUSED for outcome in outcomes)
        return gone, stays

    async def delete(self, ids: Sequence[str], name: str) -> list[Outcome]:
        """Without cancellations: what still waits to be sent stays until the next run."""
        orders = []
        for one in ids:
            message = (await self.archive.message(one)).message
            facts = {"sha256": message.sha256.hex(), "size": message.size}
            orders.append(Order(one, self._event(Kind.DELETED, one, name, **facts)))
        return await self.archive.delete_content(orders)

    async def erase(self, ids: Sequence[str], name: str) -> list[Outcome]:
        return await self.archive.erase_facts([self._event(Kind.ERASED, one, name) for one in ids])

    async def erase_late(self) -> bool:
        """What came about messages after their facts were erased, such as a late bounce, goes too; whether any did."""
        seen = await self.archive.setting(SEEN)
        ids, last = await self.archive.late_facts(NEVER if seen is None else seen)
        outcomes: list[Outcome] = []
        for start in range(0, len(ids), PORTION):
            outcomes += await self.erase(ids[start : start + PORTION], LATE)
        # What had to stay is looked at again by the next run.
        if all(outcome.fate is not Fate.REFUSED for outcome in outcomes):
            await self.archive.put_setting(SEEN, last)
        return any(outcome.fate is Fate.DELETED for outcome in outcomes)

    def _event(self, kind: Kind, message_id: str, name: str, **facts: object) -> Event:
        data = {"reason": f"retention: {name}", **facts}
        return Event(self.new_id(), self.clock(), kind, self.actor, message_id, data=data)


async def _is_kept(archive: Archive, id_: str, now: int) -> bool:
    """Whether a hold or the term in force would keep it."""
    if await archive.holds_of(id_):
        return True
    return (await archive.message(id_)).message.received_at + await archive.term() * MICROSECONDS > now


class Keeper:
    """Applies the term at its start, then the rules once a day, and erases persons. `folder`: the archive's, which is
    cleared of what was made of messages."""

    def __init__(
        self,
        rules: Iterable[Retention],
        worm: int,
        *,
        archive: Archive,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        folder: Path | None = None,
    ) -> None:
        self._rules, self._worm = tuple(rules), worm
        self._archive, self._clock, self._new_id, self._folder = archive, clock, new_id, folder
        self._advances: dict[str, erasing.Advance] = {}
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
        await run(self._archive, self._rules, clock=self._clock, new_id=self._new_id, folder=self._folder)
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
            if one.standing is not Standing.APPROVED:
                continue
            advance = self._advances[one.id] = erasing.Advance()
            try:
                await erasing.run(
                    self._archive,
                    one.id,
                    clock=self._clock,
                    new_id=self._new_id,
                    folder=self._folder,
                    advance=advance,
                )
            except Exception as error:  # the others are done all the same, and this one is tried again
                maillog.room_failed("erasing", error)
            finally:
                del self._advances[one.id]

    def advance(self, erasure_id: str) -> erasing.Advance | None:
        """How far an erasure is; None: it is not being done at this moment."""
        return self._advances.get(erasure_id)

    async def run_asked(self) -> None:
        """A run, if a command asked for one."""
        if await self._archive.setting(RUN_ASKED):
            await run(self._archive, self._rules, clock=self._clock, new_id=self._new_id, folder=self._folder)
            await self._archive.put_setting(RUN_ASKED, None)

    async def _erase(self) -> None:
        while True:
            try:
                await self.erase_due()
                await self.run_asked()
            except Exception as error:
                maillog.room_failed("erasing", error)
            await asyncio.sleep(ERASING_LOOK)
