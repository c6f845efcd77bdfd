"""The ZIP file of a bundle: one way to write each list of members, and only that way is read.

A ZIP says most things twice, and readers differ in which they believe. So the file is written in one form (members as
they are, one date, no comments, no extra fields but those for size) and read from its first octet: every header is
made again and compared. Whatever was flipped, hidden, put before, between or behind is found. Members are not
compressed, because a compressed member has many forms, and can be a bomb. Other programs open it like any ZIP.
PKWARE APPNOTE 6.3.10.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from relay.ledger.scalars import LedgerError, shown

LARGEST_MEMBER = 2**30
"""Octets; a member is in memory while it is checked."""
LONGEST_NAME = 240
FOUR_GIBIOCTETS = 0xFFFFFFFF
"""From this offset on the ZIP64 records are needed."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@-]*(?:/[A-Za-z0-9_][A-Za-z0-9._@-]*)*")
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_FIRST_OF_1980 = 0x0021
_UNIX_FILE = 0o100644 << 16
_MADE_ON_UNIX = 3 << 8 | 45
_STORED, _ZIP64 = 10, 45
"""Versions of the format that a reader needs."""
_MOST_PLAIN_MEMBERS = 0xFFFF


class ContainerError(LedgerError):
    """The file is not as a bundle is written; the text begins with the name of the member, if it is one's matter."""


@dataclass(frozen=True, slots=True)
class Member:
    """Where a member is. `offset`: of its header; `size` in octets; `crc` as in ZIP (CRC-32)."""

    name: str
    crc: int
    size: int
    offset: int

    @property
    def start(self) -> int:
        """Offset of its first octet."""
        return self.offset + _LOCAL.size + len(self.name)

    def header(self) -> bytes:
        """What stands before its octets."""
        sizes = (self.crc, self.size, self.size, len(self.name), 0)
        return _LOCAL.pack(b"PK\3\4", _STORED, 0, 0, 0, _FIRST_OF_1980, *sizes) + self.name.encode()

    def entry(self, limit: int) -> bytes:
        """What stands for it in the table at the end."""
        is_far = self.offset >= limit
        extra = struct.pack("<2HQ", 1, 8, self.offset) if is_far else b""
        needed, offset = (_ZIP64, FOUR_GIBIOCTETS) if is_far else (_STORED, self.offset)
        sizes = (self.crc, self.size, self.size, len(self.name), len(extra), 0, 0, 0, _UNIX_FILE, offset)
        head = _CENTRAL.pack(b"PK\1\2", _MADE_ON_UNIX, needed, 0, 0, 0, _FIRST_OF_1980, *sizes)
        return head + self.name.encode() + extra


class Pack:
    """Writes members one after the other; nothing is read back, so `write` may be a socket's."""

    def __init__(self, write: Callable[[bytes], object], *, limit: int = FOUR_GIBIOCTETS) -> None:
        self._write = write
        self._limit = limit
        self._members: list[Member] = []
        self._names: set[str] = set()
        self._offset = 0

    def add(self, name: str, data: bytes) -> None:
        """Raises ContainerError for a name that was there before or is not plain, and for a member that is too long."""
        check_member_name(name, self._names)
        if len(data) > LARGEST_MEMBER:
            raise ContainerError(f"{name}: {len(data)} octets, a member has at most {LARGEST_MEMBER}")
        member = Member(name, zlib.crc32(data), len(data), self._offset)
        self._write(member.header())
        self._write(data)
        self._members.append(member)
        self._offset = member.start + member.size

    def close(self) -> None:
        """Writes the table at the end; without it the file is not one."""
        for _, piece in _table(self._members, self._offset, self._limit):
            self._write(piece)


class Container:
    """A file written by `Pack`. Raises ContainerError for every other file; OSError as the stream does."""

    def __init__(self, stream: BinaryIO, *, limit: int = FOUR_GIBIOCTETS) -> None:
        """`stream` is seekable. Headers are read here, members by `read`."""
        self._stream = stream
        self._end = stream.seek(0, 2)
        self._members: dict[str, Member] = {}
        offset = self._read_headers()
        self._compare_table(offset, limit)

    @property
    def names(self) -> tuple[str, ...]:
        """In the order of the file."""
        return tuple(self._members)

    def read(self, name: str) -> bytes:
        """The octets of a member. Raises KeyError if there is none, ContainerError if its checksum is another."""
        member = self._members[name]
        self._stream.seek(member.start)
        data = self._stream.read(member.size)
        if zlib.crc32(data) != member.crc:
            raise ContainerError(f"{name}: its octets are not those that were put into the file")
        return data

    def _read_headers(self) -> int:
        offset, last, names = 0, "the beginning", set[str]()
        while True:
            self._stream.seek(offset)
            head = self._stream.read(_LOCAL.size)
            if head[:4] == b"PK\1\2" and self._members:
                return offset
            if len(head) < _LOCAL.size or head[:4] != b"PK\3\4":
                raise ContainerError(f"after {last}: neither a member nor the table of members")
            crc, size, _, length = _LOCAL.unpack(head)[6:10]
            written = self._stream.read(min(length, LONGEST_NAME + 1))
            member = Member(_decoded(written, last), crc, size, offset)
            check_member_name(member.name, names)
            if head + written != member.header():
                raise ContainerError(f"{member.name}: its header is not as it was written")
            if size > LARGEST_MEMBER or member.start + size > self._end:
                raise ContainerError(f"{member.name}: the file ends before the member does")
            self._members[member.name] = member
            offset, last = member.start + size, member.name

    def _compare_table(self, offset: int, limit: int) -> None:
        self._stream.seek(offset)
        for about, piece in _table(list(self._members.values()), offset, limit):
            if self._stream.read(len(piece)) != piece:
                raise ContainerError(f"{about}: the table at the end of the file says otherwise than the file")
        if self._stream.read(1):
            raise ContainerError("the end of the file: something follows that does not belong to it")


def check_member_name(name: str, names: set[str]) -> None:
    """Notes a member's name, or raises ContainerError: it could leave the folder it is unpacked into, stands for
    another file on some system, or is there already (capital letters do not tell names apart everywhere)."""
    if len(name) > LONGEST_NAME or _NAME.fullmatch(name) is None:
        raise ContainerError(f"{shown(name)}: not a plain name of a member")
    if name.lower() in names:
        raise ContainerError(f"{name}: there is a second member of this name")
    names.add(name.lower())


def _decoded(name: bytes, last: str) -> str:
    try:
        return name.decode("ascii")
    except UnicodeDecodeError:
        raise ContainerError(f"after {last}: a member's name is not ASCII") from None


def _table(members: list[Member], start: int, limit: int) -> Iterator[tuple[str, bytes]]:
    """(whose matter, octets) of all that stands after the last member."""
    size = 0
    for member in members:
        entry = member.entry(limit)
        size += len(entry)
        yield member.name, entry
    count, about = len(members), "the end of the file"
    is_large = count >= _MOST_PLAIN_MEMBERS or start >= limit or size >= limit
    if is_large:
        yield about, _END64.pack(b"PK\6\6", 44, _MADE_ON_UNIX, _ZIP64, 0, 0, count, count, size, start)
        yield about, _LOCATOR.pack(b"PK\6\7", 0, start + size, 1)
    plain = (_MOST_PLAIN_MEMBERS, FOUR_GIBIOCTETS, FOUR_GIBIOCTETS) if is_large else (count, size, start)
    yield about, _END.pack(b"PK\5\6", 0, 0, plain[0], plain[0], plain[1], plain[2], 0)
