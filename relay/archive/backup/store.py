"""A folder of copies: blocks under their SHA-256, and for each copy a list of its blocks.

    blocks/3f/3fa2…                 octets, zstd; the name is the SHA-256 of what they unpack to
    copies/20261128T035700Z.json    one copy: what it is of, its blocks in order; second line: SHA-256 of the first

A block that two copies share is there once. Each file is on disk before it gets its name, and a list comes after its
blocks: killed at any moment, all copies that were there are there and whole, and the next run uses what was written.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import zstandard

from relay.archive.api import ArchiveError
from relay.archive.compression import compressor, decompressor

FORMAT = "mailwitness-backup/1"
BLOCK = 256 * 1024
"""Octets of a block of the archive's file."""
LARGEST = 4 * 1024 * 1024
"""Octets that a block may unpack to."""
LEVEL = 1
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z(-[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy. `blocks`: hexadecimal SHA-256 of each; `sha256`: of the whole file."""

    made_at: int
    """UTC microseconds."""
    page_size: int
    size: int
    """Octets of the file."""
    sha256: str
    blocks: tuple[str, ...]
    messages: int
    events: int
    """Up to these numbers it was found sound when it was made, with the copies before it."""
    files: Mapping[str, str] = field(default_factory=dict)
    """What lies beside the archive (keys, the latest checkpoint): name, and SHA-256 of the block with its octets."""


class Store:
    """The copies in a folder. Raises ArchiveError: what is there is damaged; OSError: the disk does not do it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._blocks = folder / "blocks"
        self._copies = folder / "copies"

    @contextmanager
    def held(self) -> Iterator[None]:
        """The folder, made if there is none, for us alone. Raises ArchiveError: another backup runs."""
        for folder in (self.folder, self._blocks, self._copies):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.folder / "backup.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise ArchiveError(f"another backup writes to {self.folder}") from error
        finally:
            os.close(descriptor)

    # -- blocks ----------------------------------------------------------------------------------------------
    def put(self, octets: bytes) -> tuple[str, int]:
        """The name of a block that is there when this returns, and the octets written for it; 0: it was there."""
        name = hashlib.sha256(octets).hexdigest()
        path = self._path(name)
        if path.exists():
            return name, 0
        path.parent.mkdir(mode=0o700, exist_ok=True)
        packed = compressor(LEVEL).compress(octets)
        write_whole(path, packed)
        # Read again: that the disk has it, not that we had it.
        self.block(name)
        return name, len(packed)

    def block(self, name: str) -> bytes:
        """The octets of a block. Raises ArchiveError: it is not there, or not what its name says."""
        try:
            packed = self._path(name).read_bytes()
            if zstandard.frame_content_size(packed) > LARGEST:
                raise ArchiveError(f"block {name} of the backup is damaged: too large")
            octets = decompressor().decompress(packed, max_output_size=LARGEST, allow_extra_data=False)
        except FileNotFoundError as error:
            raise ArchiveError(f"block {name} of the backup is missing") from error
        except zstandard.ZstdError as error:
            raise ArchiveError(f"block {name} of the backup is damaged: {error}") from error
        if hashlib.sha256(octets).hexdigest() != name:
            raise ArchiveError(f"block {name} of the backup is damaged: it does not have its SHA-256")
        return octets

    def forget(self, name: str) -> None:
        """Takes away a block that was found damaged, so that the next copy writes it anew."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        if re.fullmatch("[0-9a-f]{64}", name) is None:
            raise ArchiveError(f"the backup names a block {name!r}, which is no SHA-256")
        return self._blocks / name[:2] / name

    # -- copies ----------------------------------------------------------------------------------------------
    def names(self) -> list[str]:
        """Of all copies, the oldest first."""
        if not self._copies.is_dir():
            return []
        found = [path.stem for path in self._copies.glob("*.json") if _NAME.fullmatch(path.stem)]
        return sorted(found, key=lambda name: (name[:16], int(name[17:] or 0)))

    def copy(self, name: str) -> Copy:
        """Raises ArchiveError: there is none of that name, or its list is damaged."""
        if _NAME.fullmatch(name) is None:
            raise ArchiveError(f"no copy is called {name}")
        try:
            text, _, rest = (self._copies / f"{name}.json").read_bytes().partition(b"\n")
            if hashlib.sha256(text).hexdigest() != rest.decode("ascii").strip():
                raise ArchiveError(f"the list of copy {name} is damaged: it does not have its SHA-256")
            value = json.loads(text)
            if value.pop("format") != FORMAT:
                raise ArchiveError(f"copy {name} was made by another version")
            return Copy(**{**value, "blocks": tuple(value["blocks"])})
        except FileNotFoundError as error:
            raise ArchiveError(f"no copy is called {name}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise ArchiveError(f"the list of copy {name} is damaged: {error}") from error

    def add(self, name: str, copy: Copy) -> str:
        """The name of the copy, which is there when this returns; a number is added where one is called so."""
        names, number, free = set(self.names()), 1, name
        while free in names:
            number += 1
            free = f"{name}-{number}"
        value: dict[str, Any] = {"format": FORMAT, **asdict(copy)}
        text = json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
        for folder in [self._blocks, *self._blocks.iterdir()]:
            _sync(folder)
        write_whole(self._copies / f"{free}.json", text + b"\n" + hashlib.sha256(text).hexdigest().encode() + b"\n")
        _sync(self._copies)
        return free

    def keep(self, count: int) -> int:
        """The newest `count` copies stay; how many blocks were taken away, which none of them has."""
        names = self.names()
        for name in names[: max(0, len(names) - count)]:
            (self._copies / f"{name}.json").unlink()
        _sync(self._copies)
        used: set[str] = set()
        for name in self.names():
            copy = self.copy(name)
            used.update(copy.blocks, copy.files.values())
        removed = 0
        for path in list(self._blocks.glob("??/*")):
            if path.name not in used:
                path.unlink()
                removed += 1
        return removed


def write_whole(path: Path, octets: bytes) -> None:
    """The file has these octets and mode 0600; what had its name is there until then."""
    part = path.with_name(f".{path.name}.part")
    with suppress(FileNotFoundError):
        part.unlink()
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
