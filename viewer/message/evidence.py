"""What the log says of a message, for people: which facts are in it, who signed them, what that proves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from relay.archive.api import Archive
from relay.archive.api.ledger import Stamp, StoredCheckpoint, StoredLeaf
from relay.ledger.leaf import Leaf
from relay.ledger.note import NoteError, open_note
from relay.ledger.policy import Policy
from relay.model.event import Kind
from viewer.message.happenings import KINDS
from viewer.translation import say

PROVEN = (
    say(
        "Whoever runs this log committed to these facts at the latest when the checkpoint was signed. No fact can be "
        "changed or taken away since without the log contradicting itself."
    ),
    say("The message, its envelope and the copies that were sent are those that the facts speak of, octet for octet."),
    say(
        "With witnesses or time stamps: somebody else saw the log with these facts in it, at the latest at the time "
        "that they say."
    ),
)
NOT_PROVEN = (
    say(
        "That anybody read the message, or that it was in an inbox. Sent means that the next server took "
        "responsibility, delivered that somebody reported so, opened that a picture was fetched."
    ),
    say("Who really wrote it. The program and its credentials are known, not whose hand it was."),
    say("That a fact was true when it was written down. Only that it was not changed since is shown."),
    say("That there are no other facts, or when a fact came to be before anybody signed, witnessed or stamped it."),
    say(
        "What reports of grade D say. Whoever knows the shared secret, this organisation too, could have made them; E "
        "are guesses."
    ),
)
MOST_FACTS = 200
"""Facts shown; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One leaf of the log. `covered`: the first signed checkpoint that has it; None: none has yet."""

    index: int
    at: int
    what: str
    is_erased: bool
    covered: StoredCheckpoint | None


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A witness saw the log so, and no other, at a time (UTC microseconds, by its clock)."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class InTheLog:
    """What the log has of one message. `stamp`: the first that has all covered facts of the message."""

    facts: tuple[Fact, ...]
    count: int
    uncovered: int
    """Facts that no signed checkpoint has yet."""
    checkpoint: StoredCheckpoint | None
    """The first that has all that are covered."""
    cosigned: tuple[Cosigned, ...] = ()
    stamp: Stamp | None = None

    @property
    def unshown(self) -> int:
        return self.count - len(self.facts)


async def in_the_log(archive: Archive, message_id: str, policy: Policy | None) -> InTheLog:
    """`policy`: names the witnesses whose signatures are looked for. Raises NotFound."""
    leaves = await archive.leaves_of(message_id)
    latest = await archive.latest_checkpoint()
    size = latest.size if latest else 0
    covered = [leaf for leaf in leaves if leaf.index < size]
    shown = await _facts(archive, leaves[:MOST_FACTS], size)
    checkpoint, stamp = None, None
    if covered:
        last = covered[-1].index
        checkpoint = next(iter(await archive.checkpoints(after=last, limit=1)), None)
        stamp = next(iter(await archive.stamps(after=last, limit=1)), None)
    cosigned = _cosigned(checkpoint, policy) if checkpoint and policy else ()
    return InTheLog(tuple(shown), len(leaves), len(leaves) - len(covered), checkpoint, cosigned, stamp)


async def _facts(archive: Archive, leaves: Sequence[StoredLeaf], size: int) -> list[Fact]:
    facts = []
    found: StoredCheckpoint | None = None
    for stored in leaves:
        if stored.index < size and (found is None or found.size <= stored.index):
            found = next(iter(await archive.checkpoints(after=stored.index, limit=1)), None)
        leaf = Leaf.parse(stored.entry)
        covered = found if stored.index < size else None
        facts.append(Fact(stored.index, leaf.at, KINDS[Kind(leaf.kind)][0], stored.salt is None, covered))
    return facts


def _cosigned(checkpoint: StoredCheckpoint, policy: Policy) -> tuple[Cosigned, ...]:
    names = {witness.verifier: witness.name for witness in policy.witnesses}
    try:
        signatures = open_note(checkpoint.note, names).signatures
    except NoteError:  # nobody known, or a signature that is wrong: nobody is named
        return ()
    return tuple(Cosigned(names[one.verifier], 1_000_000 * (one.time or 0)) for one in signatures)


def in_iso(at: int) -> str:
    """`2026-11-28 02:17:17 UTC`: as the checker writes times, whatever the reader's zone."""
    return f"{datetime.fromtimestamp(at // 1_000_000, UTC):%Y-%m-%d %H:%M:%S} UTC"
