"""Making a copy: what lies beside the archive, the blocks of one moment, then a check of what is new in it.

What lies beside it comes first: the file with the latest checkpoint must not be of a later time than the log.
"""

from __future__ import annotations

import hashlib
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from relay.archive.api import ArchiveError
from relay.archive.api.audit import Extent, Fault, Portion
from relay.archive.api.encryption import Encryption
from relay.archive.audit.whole import LEAVES, MESSAGES, check_portion
from relay.archive.backup.snapshot import snapshot
from relay.archive.backup.store import BLOCK, LARGEST, Copy, Store
from relay.archive.cipher import Ring
from relay.archive.database import address
from relay.archive.vault import Vault
from relay.ledger.tiles import TILE_WIDTH

BESIDE = ("ledger.key", "ledger.key.next", "ledger.checkpoint")
"""Files of the archive's folder that a copy has, where they are there."""


@dataclass(frozen=True, slots=True)
class Made:
    """A copy that is there. `written`: octets of new blocks; `faults`: what is wrong with the archive itself."""

    name: str
    copy: Copy
    written: int
    faults: tuple[Fault, ...]


def make_copy(
    path: Path,
    store: Store,
    now: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
    encryption: Encryption | None = None,
) -> Made:
    """A copy of the archive's file, which may be written to all the while. `now`: UTC microseconds.

    `progress(done, total)`: octets. Messages and facts that no earlier copy had are checked against their hashes
    and the log; a fault is told, and the copy is kept all the same. `encryption`: the master keys, for that check
    alone. Raises ArchiveError; OSError from the disk.
    """
    ring = Vault.of(encryption).ring
    with store.held():
        names = store.names()
        before = store.copy(names[-1]) if names else None
        files, written = _beside(path.parent, store)
        # Before the moment that is copied: what is counted here is in it.
        extent = _extent(path)
        blocks, whole = [], hashlib.sha256()
        with snapshot(path, store.folder) as moment:
            size = moment.pages * moment.page_size
            for block in moment.blocks(BLOCK):
                name, octets = store.put(block)
                blocks.append(name)
                whole.update(block)
                written += octets
                progress(min(len(blocks) * BLOCK, size), size)
        messages, events = (before.messages, before.events) if before is not None else (0, 0)
        faults = _check_new(path, min(messages, extent.messages), min(events, extent.events), ring)
        if not faults:
            messages, events = extent.messages, extent.events
        copy = Copy(now, moment.page_size, size, whole.hexdigest(), tuple(blocks), messages, events, files)
        called = f"{datetime.fromtimestamp(now // 1_000_000, UTC):%Y%m%dT%H%M%SZ}"
        return Made(store.add(called, copy), copy, written, faults)


def _beside(folder: Path, store: Store) -> tuple[dict[str, str], int]:
    files, written = {}, 0
    for name in BESIDE:
        path = folder / name
        try:
            facts = path.lstat()
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > LARGEST:
                raise ArchiveError(f"{path} is not the small file that it should be")
            files[name], octets = store.put(path.read_bytes())
        except FileNotFoundError:
            continue
        written += octets
    return files, written


def _check_new(path: Path, messages: int, events: int, ring: Ring) -> tuple[Fault, ...]:
    """What is wrong with messages and facts that came after these numbers, each portion in a moment of its own."""
    extent = _extent(path)
    faults: list[Fault] = []
    for first in range(messages + 1, extent.messages + 1, MESSAGES):
        portion = Portion("contents", first, min(first + MESSAGES - 1, extent.messages))
        faults += check_portion(path, portion, extent, ring=ring)
    # A portion of leaves begins with a tile.
    for first in range(events // TILE_WIDTH * TILE_WIDTH + 1, extent.events + 1, LEAVES):
        portion = Portion("leaves", first, min(first + LEAVES - 1, extent.events))
        faults += check_portion(path, portion, extent, ring=ring)
    return tuple(faults)


def _extent(path: Path) -> Extent:
    """How much there is. Raises ArchiveError: the file cannot be read."""
    try:
        with closing(sqlite3.connect(address(path, "ro"), uri=True)) as database:
            (messages,) = database.execute("SELECT coalesce(max(seq), 0) FROM message").fetchone()
            (events,) = database.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
    except sqlite3.Error as error:
        raise ArchiveError(f"cannot read {path}: {error}") from error
    return Extent(messages, events)
