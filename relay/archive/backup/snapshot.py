"""One moment of a SQLite file, read as blocks while another process writes to it. No copy of the whole is made.

A reader's transaction keeps what it could read where it is: until it ends, the writer neither starts its WAL anew over
pages that are only there, nor moves newer pages into the file. So the file together with the WAL, up to the last frame
that the WAL's index names, is one moment. The index (`-shm`) and the WAL are read as sqlite.org/walformat.html
describes them. What is in the WAL is copied first, because the writer may go over it once all of it is in the file.

All descriptors stay open until the transaction has ended: to close one would let go SQLite's locks in this process.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from relay.archive.api import ArchiveError
from relay.archive.database import READER_PRAGMAS, address

HEADER = 32
"""Octets before the first frame of a WAL."""
FRAME = 24
"""Octets before the page in a frame."""
_INDEX = 48
"""Octets of the index's header, which is there twice."""
TRIES = 100


@dataclass(frozen=True, slots=True)
class Index:
    """What the WAL's index says: frames that are complete, pages of the database, the salts of the frames."""

    frames: int
    pages: int
    salts: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`pages` pages of `page_size` octets. `changed`: where in `log` the page of a number (from 1) begins."""

    page_size: int
    pages: int
    file: BinaryIO
    log: BinaryIO
    changed: dict[int, int]

    def blocks(self, size: int) -> Iterator[bytes]:
        """The octets of the file, `size` (whole pages) at a time; the last block may be shorter."""
        width = size // self.page_size
        for start in range(0, self.pages, width):
            count = min(width, self.pages - start)
            block = bytearray(os.pread(self.file.fileno(), count * self.page_size, start * self.page_size))
            block.extend(bytes(count * self.page_size - len(block)))
            for number in range(start + 1, start + count + 1):
                if number in self.changed:
                    place = (number - 1 - start) * self.page_size
                    block[place : place + self.page_size] = self._logged(number)
            yield bytes(block)

    def _logged(self, number: int) -> bytes:
        page = os.pread(self.log.fileno(), self.page_size, self.changed[number])
        if len(page) != self.page_size:
            raise ArchiveError("the copy of the write-ahead log is cut off")
        return page


@contextmanager
def snapshot(path: Path, scratch: Path) -> Iterator[Snapshot]:
    """The archive as it is now. `scratch`: a folder for the copy of the WAL, which has no name there.

    Raises ArchiveError: the file cannot be read so.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open(path, "rb"))
            log = stack.enter_context(tempfile.TemporaryFile(dir=scratch))
            opened = stack.enter_context(ExitStack())
            reader = sqlite3.connect(address(path, "ro"), uri=True, isolation_level=None)
            # Registered last, so closed first.
            stack.enter_context(closing(reader))
            for pragma in READER_PRAGMAS:
                reader.execute(pragma)
            (mode,) = reader.execute("PRAGMA journal_mode").fetchone()
            (page_size,) = reader.execute("PRAGMA page_size").fetchone()
            if mode != "wal":
                raise ArchiveError(f"{path} has no write-ahead log, but the journal mode {mode}")
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            wal, shm = (opened.enter_context(open(f"{path}-{name}", "rb")) for name in ("wal", "shm"))
            index = _copied(wal, shm, log, page_size)
            # A log in which nothing was written since it was last emptied does not say how long the file is.
            pages = index.pages or os.fstat(file.fileno()).st_size // page_size
            yield Snapshot(page_size, pages, file, log, _changed(log, index, page_size))
        except sqlite3.Error as error:
            raise ArchiveError(f"cannot read {path}: {error}") from error


def _copied(wal: BinaryIO, shm: BinaryIO, log: BinaryIO, page_size: int) -> Index:
    """What the index says, with the frames that it names in `log`."""
    for _ in range(TRIES):
        index = _index(shm)
        if not index.frames:
            return index
        log.seek(0)
        log.truncate()
        wal.seek(0)
        _copy(wal, log, HEADER + index.frames * (FRAME + page_size))
        # The writer began it anew while it was copied? Then all that was in it is in the file, and it cannot be begun
        # anew once more while we read. It is looked at after the copy: a header is written before the frames.
        if index.salts == os.pread(wal.fileno(), 8, 16) and index.salts == os.pread(log.fileno(), 8, 16):
            return index
    raise ArchiveError("the write-ahead log does not come to rest")


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    left = size
    while left and (octets := source.read(min(left, 1024 * 1024))):
        target.write(octets)
        left -= len(octets)
    target.flush()


def _index(shm: BinaryIO) -> Index:
    """The index's header: there twice, and the same unless it is being written just now."""
    for _ in range(TRIES):
        octets = os.pread(shm.fileno(), 2 * _INDEX, 0)
        first, second = octets[:_INDEX], octets[_INDEX:]
        if first == second and len(first) == _INDEX and first[12]:
            frames, pages = struct.unpack("=II", first[16:24])
            return Index(frames, pages, first[32:40])
    raise ArchiveError("the index of the write-ahead log does not come to rest")


def _changed(log: BinaryIO, index: Index, page_size: int) -> dict[int, int]:
    """Where the latest frame of each page has it. Raises ArchiveError: a frame is of another log."""
    changed = {}
    for number in range(index.frames):
        place = HEADER + number * (FRAME + page_size)
        header = os.pread(log.fileno(), FRAME, place)
        if len(header) != FRAME or header[8:16] != index.salts:
            raise ArchiveError(f"frame {number + 1} of the write-ahead log is not one of it")
        changed[int.from_bytes(header[:4], "big")] = place + FRAME
    return changed
