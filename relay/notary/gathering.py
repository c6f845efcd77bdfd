"""What the archive knows of one message, gathered as an evidence bundle has it (`relay.ledger.bundle`).

Reads, and changes nothing. A fact that the log got after the bundle's checkpoint is left out, for no proof leads to it.
So is a provider's report in which other messages are told of too, unless it is asked for: whoever gets the bundle would
learn of them. Its SHA-256 is in the facts all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from relay.archive.api import Archive, ArchiveError, ArchiveUnavailable, NotFound, StoredMessage
from relay.archive.api.ledger import StoredLeaf
from relay.ledger.bundle import LeafEvidence, MessageEvidence, PayloadEvidence
from relay.model.event import Event
from relay.model.report import Payload

EVENTS_AT_ONCE = 1000
PATHS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything about a message for a bundle, and what a summary for people is made of."""

    stored: StoredMessage
    events: tuple[Event, ...]
    """Those whose facts are in the bundle and not erased, in the order of the log."""
    evidence: MessageEvidence
    withheld: tuple[Payload, ...] = ()
    """Reports that tell of other messages too: not in the bundle."""
    is_damaged: bool = False
    """The stored content is not readable, or not the one that came."""


async def gather(archive: Archive, message_id: str, size: int, *, whole_reports: bool = False) -> Gathered | None:
    """What is known of the message in the log's first `size` facts; None: it came later. Raises NotFound.

    `whole_reports`: also reports that tell of other messages.
    """
    # Leaves first: what hangs on them (attempts, reports) is then at least as new.
    leaves = [leaf for leaf in await archive.leaves_of(message_id) if leaf.index < size]
    if not leaves:
        await archive.listing(message_id)
        return None
    stored = await archive.message(message_id)
    open_events = {leaf.index for leaf in leaves if leaf.salt is not None}
    events = [event for index, event in await _events(archive, message_id) if index in open_events]
    kept, withheld = await _payloads(archive, message_id, whole_reports)
    original, is_damaged = await _original(archive, stored)
    evidence = MessageEvidence(
        message_id,
        await _with_paths(archive, leaves, size),
        stored.message,
        original,
        stored.attempts,
        [PayloadEvidence(payload) for payload in kept],
        [event for event in events if is_deed(event)],
        await archive.tokens_of(message_id),
    )
    return Gathered(stored, tuple(events), evidence, tuple(withheld), is_damaged)


def is_deed(event: Event) -> bool:
    """Whether somebody did it: a person, a command, or a rule that takes messages away or keeps them."""
    return event.actor.startswith(("user:", "command:")) or event.kind.value.startswith(("delet", "hold", "erase"))


async def _events(archive: Archive, message_id: str) -> list[tuple[int, Event]]:
    """(index in the log, event) of all events about the message."""
    found: list[tuple[int, Event]] = []
    after = 0
    while True:
        some = await archive.events(message_id=message_id, after=after, limit=EVENTS_AT_ONCE)
        found += [(seq - 1, event) for seq, event in some]
        if len(some) < EVENTS_AT_ONCE:
            return found
        after = some[-1][0]


async def _with_paths(archive: Archive, leaves: Sequence[StoredLeaf], size: int) -> list[LeafEvidence]:
    evidence: list[LeafEvidence] = []
    for start in range(0, len(leaves), PATHS_AT_ONCE):
        some = leaves[start : start + PATHS_AT_ONCE]
        paths = await archive.inclusion([leaf.index for leaf in some], size)
        evidence += [
            LeafEvidence(leaf.entry, leaf.index, path, leaf.salt, leaf.opening)
            for leaf, path in zip(some, paths, strict=True)
        ]
    return evidence


async def _payloads(archive: Archive, message_id: str, whole: bool) -> tuple[list[Payload], list[Payload]]:
    """Those that go into the bundle, and those that do not. One whose octets were deleted is left to its fact."""
    kept: list[Payload] = []
    withheld: list[Payload] = []
    for payload_id in dict.fromkeys(one.report.payload_id for one in await archive.reports(message_id)):
        payload = await archive.payload(payload_id)
        if not whole and set(await archive.told_of(payload_id)) != {message_id}:
            withheld.append(payload)
        elif payload.body:
            kept.append(payload)
    return kept, withheld


async def _original(archive: Archive, stored: StoredMessage) -> tuple[bytes | None, bool]:
    """The octets as they lie there, right or wrong, and whether they are wrong; (None, False): they were deleted.

    A bundle of a damaged archive is made all the same: it fails the check, and names what is wrong.
    """
    if stored.deletion is not None:
        return None, False
    try:
        return await archive.content(stored.message.id), False
    except NotFound:
        return None, False
    except ArchiveUnavailable:
        raise
    except ArchiveError:
        return await _as_it_lies(archive, stored.message.id), True


async def _as_it_lies(archive: Archive, message_id: str) -> bytes:
    pieces: list[bytes] = []
    try:
        async for piece in archive.content_chunks(message_id):
            pieces.append(piece)
    except ArchiveUnavailable:
        raise
    except ArchiveError:
        pass  # what could be read so far shows that something is wrong
    return await asyncio.to_thread(b"".join, pieces)
