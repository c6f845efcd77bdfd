"""Tiles: the tree as files of 256 hashes, for whoever mirrors or watches the log (c2sp.org/tlog-tiles v0.1).

    tile/0/x001/x234/067            256 leaf hashes, those of the leaves from 1234067 * 256 on
    tile/1/000.p/17                 17 hashes, each of a whole tile of level 0: the last, partial tile of its row
    tile/entries/000                the 256 leaves themselves, each after its length in two octets

A tile of level L holds the subtrees of height 8 * L; those between are hashed again from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from relay.ledger.hashing import HASH_SIZE, node_hash
from relay.ledger.scalars import LARGEST, LedgerError, shown

TILE_WIDTH = 256
"""Hashes of a full tile, and entries of a full bundle."""
TILE_HEIGHT = 8
"""Levels of the tree that one level of tiles spans."""
LARGEST_ENTRY = 65_535
"""Octets of a leaf: two octets say how many."""
ENTRIES = -1
"""The level of bundles of entries."""
_TOP = 63
_TILE_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class TileError(LedgerError):
    """The path or the octets are not those of a tile."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile by its name: level (or `ENTRIES`), number in its row, width 1 … 256. `TileError`: there is none such."""

    level: int
    number: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if not (ENTRIES <= self.level <= _TOP and 0 <= self.number <= LARGEST and 1 <= self.width <= TILE_WIDTH):
            raise TileError(f"there is no tile {self.number} of level {self.level} and width {self.width}")

    @classmethod
    def parse(cls, path: str) -> Self:
        """The tile at a path below the log's address; `TileError` if there can be none there."""
        if not (found := _TILE_PATH.fullmatch(path)):
            raise TileError(f"not the path of a tile: {shown(path)}")
        level, number, width = found.groups()
        tile = cls(
            ENTRIES if level == "entries" else int(level),
            int(number.replace("x", "").replace("/", "")),
            TILE_WIDTH if width is None else int(width),
        )
        if tile.path != path:  # leading groups of zeros; a full tile written as a partial one
            raise TileError(f"not the path of a tile: {shown(path)}")
        return tile

    @property
    def path(self) -> str:
        row = "entries" if self.level == ENTRIES else str(self.level)
        part = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        groups = f"{self.number:,}".split(",")
        number = "/".join([*(f"x{int(group):03}" for group in groups[:-1]), f"{int(groups[-1]):03}"])
        return f"tile/{row}/{number}{part}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the hash of a subtree is: made of the hashes [start, stop) of tile `number` of `level`."""

    level: int
    number: int
    start: int
    stop: int

    @property
    def octets(self) -> slice:
        """The octets of the tile that it is made of."""
        return slice(self.start * HASH_SIZE, self.stop * HASH_SIZE)


def tile_of(level: int, index: int) -> Place:
    """Where the complete subtree (level, index) is found: one hash of a tile, or 2 … 128 to be hashed together."""
    first = index << level % TILE_HEIGHT
    start = first % TILE_WIDTH
    return Place(level // TILE_HEIGHT, first // TILE_WIDTH, start, start + (1 << level % TILE_HEIGHT))


def hash_at(place: Place, tile: bytes) -> bytes:
    """The hash of a subtree from the octets of its tile, of any width. `TileError`: the tile does not reach so far."""
    row = read_tile(tile[place.octets], place.stop - place.start)
    while len(row) > 1:
        row = tuple(node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True))
    return row[0]


def read_tile(octets: bytes, width: int = TILE_WIDTH) -> tuple[bytes, ...]:
    """The hashes of a tile of that width; `TileError` if there are more or fewer octets."""
    if len(octets) != width * HASH_SIZE:
        raise TileError(f"a tile of width {width} has {width * HASH_SIZE} octets, not {len(octets)}")
    return tuple(octets[at : at + HASH_SIZE] for at in range(0, len(octets), HASH_SIZE))


def tiles_grown(old: int, new: int) -> Iterator[Tile]:
    """The tiles and bundles that are new when a log grew from `old` leaves to `new`, full ones and the last partial.

    Each row from the lowest, bundles of entries first. What a full tile replaces (its partial ones) may go.
    """
    for level in (ENTRIES, *range(_TOP // TILE_HEIGHT + 1)):
        shift = TILE_HEIGHT * max(level, 0)
        before, after = old >> shift, new >> shift
        for number in range(before // TILE_WIDTH, -(-after // TILE_WIDTH)):
            width = min(after - number * TILE_WIDTH, TILE_WIDTH)
            if number * TILE_WIDTH + width > before:
                yield Tile(level, number, width)


def encode_entries(entries: Sequence[bytes]) -> bytes:
    """The bundle of 1 … 256 entries. `TileError`: none, too many, or one that is too long."""
    if not 1 <= len(entries) <= TILE_WIDTH or any(len(entry) > LARGEST_ENTRY for entry in entries):
        raise TileError(f"a bundle has 1 to {TILE_WIDTH} entries of at most {LARGEST_ENTRY} octets")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_entries(octets: bytes, width: int = TILE_WIDTH) -> tuple[bytes, ...]:
    """The entries of a bundle of that width; `TileError` if there are more, fewer, or a broken one."""
    entries, at = [], 0
    while at < len(octets):
        start = at + 2
        at = start + int.from_bytes(octets[at:start], "big")
        entries.append(octets[start:at])
    if at != len(octets) or len(entries) != width:
        raise TileError(f"not a bundle of {width} entries")
    return tuple(entries)
