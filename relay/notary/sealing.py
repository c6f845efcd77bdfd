"""Sealing: the log as it is now, signed; once for each size, and only if it continues what was signed before.

What is signed is remembered in a file beside the archive before anybody can see it. So an archive that was put back to
an older copy is found at once, and not signed into a second history:

    sign -> file, on disk -> archive, committed -> shown

Killed after the first arrow: the same note is made again (Ed25519 has no chance in it). After the second: the note is
taken from the file. After the third: it is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from relay.archive.api import Archive, NotFound
from relay.archive.api.ledger import Head, StoredCheckpoint
from relay.ledger.checkpoint import Checkpoint
from relay.ledger.note import Signer, open_note, sign_note
from relay.ledger.scalars import LedgerError
from relay.ledger.tree import verify_consistency
from relay.notary.keyfile import write_file
from relay.notary.keys import LogKeys
from relay.notary.problem import LogProblem

REMEMBERED = "ledger.checkpoint"
"""The file beside the archive with the latest note."""


async def seal(
    archive: Archive, keys: LogKeys, folder: Path, now: int, also: Sequence[Signer] = ()
) -> StoredCheckpoint:
    """The checkpoint of the log as it is, committed; the latest one if nothing happened since.

    `also`: who signs beside the key of today. `now`: UTC microseconds.
    Raises LogProblem: the log does not continue what was signed. KeyProblem: the key does not sign.
    """
    head = await archive.ledger_head()
    latest = await checked(archive, keys, folder, head, now)
    if latest is not None and latest.size == head.size:
        return latest
    text = Checkpoint(keys.origin, head.size, head.root).encode()
    try:
        note = await asyncio.to_thread(sign_note, text, [*keys.signers(), *also])
    except LedgerError as error:
        raise LogProblem(f"the signer has another key than the log: {error}") from error
    await asyncio.to_thread(write_file, folder / REMEMBERED, note.encode())
    sealed = StoredCheckpoint(head.size, now, note)
    await archive.add_checkpoint(sealed)
    return sealed


async def inspected(archive: Archive, keys: LogKeys, folder: Path) -> None:
    """Returns if the log continues what was signed; nothing is written. Raises LogProblem."""
    await _found(archive, keys, folder, await archive.ledger_head())


async def checked(archive: Archive, keys: LogKeys, folder: Path, head: Head, now: int) -> StoredCheckpoint | None:
    """The latest checkpoint, after the log was found to continue it; None: there was none.

    One that was signed and not kept is kept now. Raises LogProblem.
    """
    latest, unkept = await _found(archive, keys, folder, head)
    if unkept is None:
        return latest
    size, note = unkept
    found = StoredCheckpoint(size, now, note)
    await archive.add_checkpoint(found)
    return found


async def _found(
    archive: Archive, keys: LogKeys, folder: Path, head: Head
) -> tuple[StoredCheckpoint | None, tuple[int, str] | None]:
    """The latest checkpoint that is kept, and size and note of one that was signed after it. Both were compared."""
    latest = await archive.latest_checkpoint()
    before = None if latest is None else await _continued(archive, keys, latest.note, head)
    remembered = await asyncio.to_thread(_remembered, folder / REMEMBERED)
    if remembered is None:
        return latest, None
    signed = await _continued(archive, keys, remembered, head)
    if before is not None and before.size >= signed.size:
        return latest, None
    return latest, (signed.size, remembered)


def _remembered(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise LogProblem(f"{path} cannot be read: {error}") from error


async def _continued(archive: Archive, keys: LogKeys, note: str, head: Head) -> Checkpoint:
    """What the note says, if the log begins with it."""
    try:
        signed = Checkpoint.parse(open_note(note, keys.verifiers()).text)
    except LedgerError as error:
        raise LogProblem(f"the latest checkpoint cannot be believed: {error}") from error
    if signed.origin != keys.origin:
        raise LogProblem(f"the latest checkpoint is of another log, {signed.origin}")
    if signed.size > head.size:
        raise LogProblem(
            f"the log has {head.size} facts, but was signed when it had {signed.size}: this archive is an older copy"
        )
    try:
        root, path = await archive.ledger_root(signed.size), await archive.consistency(signed.size, head.size)
        verify_consistency(signed.size, head.size, signed.root, head.root, path)
    except (LedgerError, NotFound) as error:
        raise LogProblem(f"the first {signed.size} facts of the log are not those that were signed: {error}") from error
    if root != signed.root:
        raise LogProblem(f"the first {signed.size} facts of the log are not those that were signed")
    return signed
