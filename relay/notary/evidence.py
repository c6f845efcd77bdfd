"""Evidence bundles, made from the archive: about some messages, octet by octet, with flat memory.

What is in one is `docs/evidence.md`; how it is written, `relay.ledger.bundle`. Whoever asks for it is let in, and
recorded, by the caller, before the first octet leaves. Signs with the log's own key, under the name that is for
bundles alone.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Protocol

from relay.archive.api import Archive, NotFound
from relay.archive.api.ledger import Stamp, StoredCheckpoint
from relay.ledger.bundle import Anchor, BundleWriter, LogEvidence, Timestamp
from relay.ledger.checkpoint import Checkpoint
from relay.ledger.note import Signer, Verifier, split_note
from relay.ledger.policy import NONE, Policy, accept
from relay.ledger.scalars import LedgerError
from relay.ledger.standalone import standalone
from relay.notary.gathering import Gathered, gather
from relay.notary.problem import NotaryProblem

MOST_ANCHORS = 32
"""Stamped checkpoints in one bundle."""
STAMPS_OF_ONE = 50
LOOKED_THROUGH = 1000
"""Checkpoints among which one that the witnesses cosigned is looked for."""
PIECE = 256 * 1024
IN_MEMORY = 8 * 1024 * 1024
"""Octets of a message's part of the bundle; beyond it they wait in a temporary file."""
_NOT_PLAIN = re.compile(r"[^a-z0-9-]+")


class EvidenceError(NotaryProblem):
    """No evidence can be given now."""


class Keys(Protocol):
    """The log's keys. `keys.py` has them."""

    @property
    def origin(self) -> str: ...

    @property
    def policy(self) -> Policy:
        """Who must have signed a checkpoint."""

    def evidence_signers(self) -> Sequence[Signer]:
        """Today's key, under the name that is for bundles."""

    def verifiers(self) -> Sequence[Verifier]:
        """Today's public key, then those before it."""


class Narrator(Protocol):
    """Tells people what is in a bundle: members that no checker reads."""

    def take(self, gathered: Gathered) -> None:
        """Notes what is to be told of one message; must not keep its octets."""

    async def members(self, log: LogEvidence) -> Mapping[str, bytes]:
        """Name -> octets, once all messages are written."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a bundle is to be about, and who wants it. `ids`: in the order in which they are written."""

    ids: AsyncIterator[str]
    made_by: str
    made_at: int
    """UTC microseconds."""
    query: str = ""
    leaves: Sequence[int] = ()
    """Indices of facts that the bundle will have, of some at least: time stamps are chosen by them."""
    whole_reports: bool = False
    """Also reports in which other messages are told of."""
    narrator: Narrator | None = None
    progress: Callable[[int], None] = field(default=lambda done: None)
    """Told how many messages are written."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Makes bundles. `keys`: as they are now. `checkpoint`: a signed one over every fact committed when it is called.

    Both raise NotaryProblem.
    """

    archive: Archive
    keys: Callable[[], Awaitable[Keys]]
    checkpoint: Callable[[], Awaitable[StoredCheckpoint]]

    async def bundle(self, asked: Asked) -> AsyncIterator[bytes]:
        """The octets of the file. Messages that came after its checkpoint are left out.

        Raises NotaryProblem before the first octet; ArchiveError also later.
        """
        latest, keys = await self.checkpoint(), await self.keys()
        log = await self._log(keys, latest, asked.leaves)
        size = size_of(log.checkpoint)
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as waiting:
            writer = BundleWriter(
                waiting.write,
                log,
                verifier=verify_program(),
                made_at=asked.made_at,
                made_by=asked.made_by,
                query=asked.query,
            )
            number = 0
            async for message_id in asked.ids:
                number += 1
                gathered = await self._gathered(message_id, size, asked)
                if gathered is not None:
                    await asyncio.to_thread(writer.add_message, gathered.evidence)
                    async for piece in _taken(waiting):
                        yield piece
                    if asked.narrator is not None:
                        asked.narrator.take(gathered)
                asked.progress(number)
            if asked.narrator is not None:
                for name, data in (await asked.narrator.members(log)).items():
                    writer.add(name, data)
            await asyncio.to_thread(writer.close, keys.evidence_signers())
            async for piece in _taken(waiting):
                yield piece

    async def _gathered(self, message_id: str, size: int, asked: Asked) -> Gathered | None:
        """None for a message that is not there (any more): it is left out."""
        try:
            return await gather(self.archive, message_id, size, whole_reports=asked.whole_reports)
        except NotFound:
            return None

    async def _log(self, keys: Keys, latest: StoredCheckpoint, leaves: Sequence[int]) -> LogEvidence:
        note, policy = await self._believed(keys.policy, latest, max(leaves, default=-1))
        anchors = await _anchors(self.archive, leaves, size_of(note))
        return LogEvidence(keys.origin, note, keys.verifiers(), policy, anchors)

    async def _believed(self, policy: Policy, latest: StoredCheckpoint, last: int) -> tuple[str, Policy]:
        """A checkpoint that meets the policy and covers the fact `last`, the newest of them.

        Where witnesses have not cosigned one yet: the latest, and the policy without its quorum. The bundle then
        says itself that nobody but the log signed it.
        """
        if _meets(latest.note, policy):
            return latest.note, policy
        some = await self.archive.checkpoints(after=last, limit=LOOKED_THROUGH) if last >= 0 else []
        for each in reversed(some):
            if _meets(each.note, policy):
                return each.note, policy
        alone = replace(policy, quorum=NONE)
        if not _meets(latest.note, alone):
            raise EvidenceError("The latest checkpoint is not signed with today's key of the log.")
        return latest.note, alone


def size_of(note: str) -> int:
    """How many facts a checkpoint is over."""
    return Checkpoint.parse(split_note(note)[0]).size


@lru_cache(maxsize=1)
def verify_program() -> bytes:
    """`verify.py`, as it is put into each bundle."""
    return standalone()


def _meets(note: str, policy: Policy) -> bool:
    try:
        accept(note, policy)
    except LedgerError:
        return False
    return True


async def _taken(waiting: tempfile.SpooledTemporaryFile[bytes]) -> AsyncIterator[bytes]:
    """What was written since; the file is empty afterwards."""
    waiting.seek(0)
    while piece := await asyncio.to_thread(waiting.read, PIECE):
        yield piece
    waiting.seek(0)
    waiting.truncate()


async def _anchors(archive: Archive, leaves: Sequence[int], size: int) -> list[Anchor]:
    """For each fact the first stamped checkpoint that has it, MOST_ANCHORS at most."""
    anchors: list[Anchor] = []
    reached = -1
    for index in sorted(leaves):
        if index < reached:
            continue
        first = await archive.stamps(after=index, limit=1)
        if not first or len(anchors) >= MOST_ANCHORS:
            break
        reached = first[0].size
        same = [one for one in await archive.stamps(after=reached - 1, limit=STAMPS_OF_ONE) if one.size == reached]
        path = await archive.consistency(*sorted((reached, size)))
        anchors.append(_anchor(same, path))
    return anchors


def _anchor(stamps: Sequence[Stamp], path: tuple[bytes, ...]) -> Anchor:
    """Of stamps of one size. Those of another text of the note (cosignatures came in between) cannot lie with them."""
    note = max((one.note for one in stamps), key=lambda text: sum(one.note == text for one in stamps))
    chosen: dict[str, Timestamp] = {}
    for one in stamps:
        name = _NOT_PLAIN.sub("-", one.authority.lower()).strip("-") or "authority"
        if one.note == note and name not in chosen:
            chosen[name] = Timestamp(name, one.response, one.chain)
    return Anchor(stamps[0].size, note, tuple(chosen.values()), path)
