"""A person is taken out of everything that is kept, in steps between which mail goes on. See docs/erasure.md.

A run that was cut short is gone on with: what is done is not found again, and the address goes last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from relay.archive.api import Archive
from relay.archive.api.erasure import ErasureStep, Mentions
from relay.model.deletion import Fate, Order, Outcome
from relay.model.erasure import Erasure, Mention, Standing
from relay.model.event import Event, Kind
from relay.notary.beside import clear

PORTION = 50
"""Messages of one commit: mail that comes in waits for it."""
ROWS = 500
"""Rows of one commit."""
LOOKS = 3
"""Times that everything is looked through at most: what came in meanwhile names the person again."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did: messages the person was taken from, and those that stay, with why."""

    messages: int
    kept: Sequence[Outcome]
    accounts: Sequence[str]


@dataclass(slots=True)
class Advance:
    """How far a run is; it changes while the run goes on."""

    looked: int = 0
    """Messages looked through, of `all`."""
    all: int = 0
    named: int = 0
    """Messages that name the person, as far as they were found; `done`: those that were gone through."""
    done: int = 0

    def look(self, looked: int, all_: int) -> None:
        self.looked, self.all = looked, all_


def asked(
    address: str, reason: str, *, id_: str, at: int, actor: str, event_id: str, needs_another: bool
) -> tuple[Erasure, Event]:
    """The request and its event, which does not say whom it is about."""
    standing = Standing.ASKED if needs_another else Standing.APPROVED
    event = Event(event_id, at, Kind.ERASURE_ASKED, actor, data={"erasure": id_, "reason": reason})
    return Erasure(id_, address, at, actor, reason, standing), event


def decided(erasure: Erasure, standing: Standing, *, event_id: str, at: int, actor: str, answer: str = "") -> Event:
    data = {"erasure": erasure.id, "standing": standing.value, **({"answer": answer} if answer else {})}
    return Event(event_id, at, Kind.ERASURE_DECIDED, actor, data=data)


async def run(
    archive: Archive,
    erasure_id: str,
    *,
    clock: Callable[[], int],
    new_id: Callable[[], str],
    is_suppressed: bool = False,
    folder: Path | None = None,
    advance: Advance | None = None,
) -> Erased:
    """Does an approved erasure, or what is left of it. `folder`: the archive's, where files made of messages lie too
    (`beside.py`). Raises OSError: one of these cannot be taken away."""
    erasure = await archive.erasure(erasure_id)
    actor = erasure.decided_by or erasure.asked_by
    gone: set[str] = set()
    kept: dict[str, Outcome] = {}
    mentions = Mentions(())

    def event() -> Event:
        return Event(new_id(), clock(), Kind.ERASED, actor)

    for _ in range(LOOKS):
        mentions = await archive.mentions(erasure.address or "", clock(), advance.look if advance else None)
        open_messages = [one for one in mentions.messages if one.message_id not in kept]
        open_seqs = {one.seq for one in mentions.messages if one.message_id in kept}
        if not open_messages and not [row for row in mentions.rows if row[2] not in open_seqs]:
            break
        if advance:
            advance.named, advance.done = len(gone) + len(kept) + len(open_messages), len(gone) + len(kept)
        for start in range(0, len(open_messages), PORTION):
            some = open_messages[start : start + PORTION]
            orders = [(await _order(archive, erasure, one, clock, new_id, actor), one.is_whole) for one in some]
            for outcome in await archive.erase_messages(ErasureStep(erasure_id, orders, event())):
                if outcome.fate is Fate.REFUSED:
                    kept[outcome.message_id] = outcome
                else:
                    gone.add(outcome.message_id)
            if advance:
                advance.done = len(gone) + len(kept)
        stays = {one.seq for one in mentions.messages if one.message_id in kept}
        rows = [(table, row_id) for table, row_id, seq in mentions.rows if seq not in stays]
        for start in range(0, len(rows), ROWS):
            await archive.erase_rows(erasure_id, rows[start : start + ROWS], event())
    data = {"erasure": erasure_id, "messages": len(gone), "kept": len(kept), "accounts": len(mentions.accounts)}
    # Before the address goes: after a crash here it is done again.
    data["files"] = await asyncio.to_thread(clear, folder) if folder is not None else 0
    end = Event(new_id(), clock(), Kind.ERASED, actor, data=data)
    await archive.end_erasure(erasure_id, end, len(gone), len(kept), is_suppressed=is_suppressed)
    return Erased(len(gone), list(kept.values()), mentions.accounts)


async def _order(
    archive: Archive,
    erasure: Erasure,
    mention: Mention,
    clock: Callable[[], int],
    new_id: Callable[[], str],
    actor: str,
) -> Order:
    message = (await archive.message(mention.message_id)).message
    data = {"reason": f"erasure {erasure.id}", "sha256": message.sha256.hex(), "size": message.size}
    return Order(mention.message_id, Event(new_id(), clock(), Kind.DELETED, actor, mention.message_id, data=data))
