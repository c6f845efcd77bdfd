"""One volume of a signed export, while it is written: contents in their form, the table and the list beside them.

All files of it are on the disk when `close` returns. Names come from numbers, never from a message.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from relay.archive.api.export import Whole
from relay.handover.entry import line_of
from relay.handover.shape import Form
from relay.ledger.canonical import canonical
from relay.rendition.export import CsvWriter, MboxWriter, Record, Writer, ZipWriter

WRITERS: dict[Form, Callable[[], Writer]] = {Form.MBOX: MboxWriter, Form.ZIP: ZipWriter}


@dataclass(frozen=True, slots=True)
class Closed:
    """A volume that is finished. `files`: name -> (SHA-256, octets)."""

    name: str
    messages: int
    deleted: int
    last: int
    """Sequence number of its last message."""
    files: dict[str, tuple[str, int]]


class _Hashed:
    """A new file, readable by its owner alone, and the SHA-256 of what is written."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, octets: bytes) -> None:
        if octets:
            self._hash.update(octets)
            self.size += len(octets)
            self._file.write(octets)

    def close(self, *, is_synced: bool = True) -> tuple[str, int]:
        self._file.flush()
        if is_synced:
            os.fsync(self._file.fileno())
        self._file.close()
        return self._hash.hexdigest(), self.size


class Volume:
    """Call for each message `begin`, `feed` for each piece, `end`; or `note` for one that was deleted; then `close`."""

    def __init__(self, folder: Path, number: int, form: Form) -> None:
        self.name = f"{number:04}"
        self._folder, self._form = folder, form
        self._csv, self._list = _Hashed(folder / f"{self.name}.csv"), _Hashed(folder / f"{self.name}.jsonl")
        self._table = CsvWriter()
        self._writer: Writer | None = None
        self._contents: _Hashed | None = None
        if form is Form.EML:
            (folder / self.name).mkdir(mode=0o700)
        else:
            self._writer = WRITERS[form]()
            self._contents = _Hashed(folder / f"{self.name}.{form}")
        self._eml: _Hashed | None = None
        self.octets = 0
        """Of the contents so far."""
        self.messages = self.deleted = self.last = 0

    def begin(self, record: Record, one: Whole) -> None:
        file = {Form.EML: f"{self.name}/{record.filename}", Form.MBOX: f"{self.name}.mbox"}.get(
            self._form, record.filename
        )
        self._tell(record, one, file)
        if self._writer is None:
            self._eml = _Hashed(self._folder / file)
        else:
            self._put(self._writer.begin(record))

    def feed(self, piece: bytes) -> None:
        if self._eml is not None:
            self._eml.write(piece)
            self.octets += len(piece)
        elif self._writer is not None:
            self._put(self._writer.feed(piece))

    def end(self) -> None:
        if self._eml is not None:
            self._eml.close(is_synced=False)
            self._eml = None
        elif self._writer is not None:
            self._put(self._writer.end())

    def note(self, record: Record, one: Whole) -> None:
        self._tell(record, one, "")
        self.deleted += 1
        if self._writer is not None:
            self._put(self._writer.note(record))

    def close(self) -> Closed:
        """What it became; after that it outlives the power."""
        files = dict(self._closed())
        if self._form is Form.EML:
            # One call for a thousand small files.
            os.sync()
        return Closed(self.name, self.messages, self.deleted, self.last, files)

    def _closed(self) -> Iterator[tuple[str, tuple[str, int]]]:
        self._csv.write(self._table.finish())
        yield f"{self.name}.csv", self._csv.close()
        yield f"{self.name}.jsonl", self._list.close()
        if self._writer is not None and self._contents is not None:
            self._put(self._writer.finish())
            yield f"{self.name}.{self._form}", self._contents.close()

    def abandon(self) -> None:
        """Closes what is open; the files are no volume."""
        if self._writer is not None:
            self._writer.abandon()
        for one in (self._csv, self._list, self._contents, self._eml):
            if one is not None:
                one.close(is_synced=False)

    def _tell(self, record: Record, one: Whole, file: str) -> None:
        volume = self.name if self._form is Form.EML else f"{self.name}.{self._form}"
        self.messages += 1
        self.last = one.stored.seq
        self._csv.write(self._table.begin(record))
        self._list.write(canonical(line_of(record, one, volume, file)) + b"\n")

    def _put(self, octets: bytes) -> None:
        if self._contents is not None:
            self._contents.write(octets)
            self.octets += len(octets)
