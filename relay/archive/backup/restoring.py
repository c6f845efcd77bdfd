"""Putting a copy back into an empty place: built beside its name, checked as a whole, named when it is sound.

A copy is one of a `Store`, or a database that another program (Litestream) put back into a file.

Killed before the last step, there is no archive, and the next run begins anew. A copy that lacks what is known to have
been signed is refused: to go on from it would give the log a second history.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from relay.archive.api import ArchiveError
from relay.archive.api.audit import Fault, Progress
from relay.archive.api.encryption import Encryption
from relay.archive.audit.whole import check_archive
from relay.archive.backup.copying import BESIDE
from relay.archive.backup.store import BLOCK, Copy, Store, write_whole
from relay.archive.sqlite.opening import open_sqlite
from relay.ledger.checkpoint import Checkpoint
from relay.ledger.note import split_note
from relay.ledger.scalars import LedgerError

DRAFT = "archive.db.restoring"
ARCHIVE = "archive.db"
REMEMBERED = "ledger.checkpoint"


@dataclass(frozen=True, slots=True)
class Built:
    """A copy that lies beside its name. `faults`: why it must not get it; none: it may."""

    copy: Copy
    draft: Path
    faults: tuple[Fault, ...]


def check_empty(folder: Path, store: Store, copy: Copy) -> None:
    """Raises ArchiveError: there is an archive in the folder, or part of one.

    A key that is the copy's own may be there: a run that was killed at its last step left it, or a person put it back.
    """
    for name in (ARCHIVE, f"{ARCHIVE}-wal", *BESIDE[:2]):
        path = folder / name
        if path.exists() and not (name in copy.files and path.read_bytes() == store.block(copy.files[name])):
            raise ArchiveError(f"{path} is there: a copy is put back into an empty place alone")


def was_interrupted(folder: Path) -> bool:
    """Whether an earlier run was killed: what it left is taken away by the next."""
    return (folder / DRAFT).exists()


def build(
    store: Store,
    name: str,
    folder: Path,
    known: Sequence[str] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
    checked: Callable[[Progress], None] = lambda progress: None,
    encryption: Encryption | None = None,
) -> Built:
    """The copy of that name as `DRAFT` in `folder`, checked. `known`: signed notes that it must lead to; one that was
    left in the folder counts too. `encryption`: the keys, which are in no copy.
    `progress(done, total)`: octets; `checked`: after each portion of the check.

    Raises ArchiveError: the backup is damaged, the folder is not empty, or a master key is missing; OSError.
    """
    copy = store.copy(name)
    check_empty(folder, store, copy)
    sha256, size = _written(folder, map(store.block, copy.blocks), lambda done: progress(done, copy.size))
    if sha256 != copy.sha256 or size != copy.size:
        raise ArchiveError(f"copy {name} does not have its SHA-256")
    notes = [*known]
    if REMEMBERED in copy.files:
        notes.append(store.block(copy.files[REMEMBERED]).decode("utf-8"))
    return Built(copy, folder / DRAFT, _faults(folder, notes, checked, encryption))


def build_from(
    file: Path,
    folder: Path,
    known: Sequence[str] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
    checked: Callable[[Progress], None] = lambda progress: None,
    encryption: Encryption | None = None,
) -> Built:
    """As `build`, of a closed database in a file; it stays as it is. The log's key may be in the folder already.

    Raises ArchiveError: somebody has the file open, it is no archive, or there is one in the folder; OSError.
    """
    for path in (folder / ARCHIVE, folder / f"{ARCHIVE}-wal"):
        if path.exists():
            raise ArchiveError(f"{path} is there: a copy is put back into an empty place alone")
    log = file.with_name(f"{file.name}-wal")
    if log.exists() and log.stat().st_size:
        raise ArchiveError(f"{log} is not empty: somebody has {file} open")
    made, page_size = file.stat().st_mtime_ns // 1000, _page_size(file)
    with open(file, "rb") as source:
        total = os.fstat(source.fileno()).st_size
        blocks = iter(lambda: source.read(BLOCK), b"")
        sha256, size = _written(folder, blocks, lambda done: progress(done, total))
    copy = Copy(made, page_size, size, sha256, (), 0, 0)
    return Built(copy, folder / DRAFT, _faults(folder, known, checked, encryption))


def _page_size(file: Path) -> int:
    """Raises ArchiveError: no SQLite database is in the file."""
    with open(file, "rb") as source:
        head = source.read(18)
    if not head.startswith(b"SQLite format 3\0") or len(head) < 18:
        raise ArchiveError(f"{file} is no archive")
    return int.from_bytes(head[16:18], "big") or 65536


def _written(folder: Path, blocks: Iterable[bytes], progress: Callable[[int], None]) -> tuple[str, int]:
    """SHA-256 and size of what is in the draft now, and on the disk. `progress(done)`: octets."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = discarded(folder)
    whole, done = hashlib.sha256(), 0
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        for octets in blocks:
            whole.update(octets)
            file.write(octets)
            done += len(octets)
            progress(done)
        file.flush()
        os.fsync(file.fileno())
    return whole.hexdigest(), done


def _faults(
    folder: Path, known: Sequence[str], checked: Callable[[Progress], None], encryption: Encryption | None
) -> tuple[Fault, ...]:
    """Why the draft must not get its name. A note that was left in the folder counts as known."""
    draft = folder / DRAFT
    asyncio.run(_upgrade(draft, encryption))
    notes = [*known, *_left(folder / REMEMBERED)]
    faults: list[Fault] = []
    # A note that was left need not be in the copy, as that of an archive in use must: it is enough that the log leads
    # to it. The server was killed between writing the two, and its next start puts it back.
    for step in check_archive(draft, known=notes, encryption=encryption, looks_beside=False):
        faults += step.faults
        checked(step)
    return tuple(faults)


async def _upgrade(draft: Path, encryption: Encryption | None) -> None:
    """A copy that an older version made has the tables of this one when it is checked."""
    archive = await open_sqlite(draft, read_only=False, encryption=encryption)
    await archive.close()


def settle(store: Store | None, built: Built) -> Path:
    """The archive, under its name with what lay beside it. Nobody may have it open.

    `store`: where `build` found the copy; None: it is of `build_from`.
    """
    folder = built.draft.parent
    log = folder / f"{DRAFT}-wal"
    if log.exists() and log.stat().st_size:
        raise ArchiveError(f"{log} is not empty: somebody has {built.draft} open")
    if store is not None:
        _put_beside(folder, store, built.copy)
    target = folder / ARCHIVE
    # Those who only read it leave them, with nothing in them.
    for suffix in ("-wal", "-shm"):
        (folder / f"{DRAFT}{suffix}").unlink(missing_ok=True)
    os.replace(built.draft, target)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return target


def _put_beside(folder: Path, store: Store, copy: Copy) -> None:
    for name, block in copy.files.items():
        if name not in BESIDE:
            raise ArchiveError(f"the copy has a file {name!r}, which no copy has")
        # A note that is later than the copy's stays: it was among those that the copy leads to.
        if name != REMEMBERED or not _is_later(folder / name, store.block(block)):
            write_whole(folder / name, store.block(block))


def discarded(folder: Path) -> Path:
    """Where the draft lies; nothing is there when this returns."""
    for suffix in ("", "-wal", "-shm"):
        (folder / f"{DRAFT}{suffix}").unlink(missing_ok=True)
    return folder / DRAFT


def _left(path: Path) -> list[str]:
    try:
        return [path.read_text("utf-8")]
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise ArchiveError(f"{path} is no checkpoint") from error


def _is_later(path: Path, octets: bytes) -> bool:
    try:
        return any(_size(note) > _size(octets.decode("utf-8")) for note in _left(path))
    except LedgerError as error:
        raise ArchiveError(f"{path} is no checkpoint: {error}") from error


def _size(note: str) -> int:
    return Checkpoint.parse(split_note(note)[0]).size
