"""Tiles: their paths are read in one spelling only, and a log published as tiles can be proved from again."""

from __future__ import annotations

import functools
import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.ledger.hashing import leaf_hash
from relay.ledger.tiles import (
    ENTRIES,
    TILE_WIDTH,
    Place,
    Tile,
    TileError,
    decode_entries,
    encode_entries,
    hash_at,
    read_tile,
    tile_of,
    tiles_grown,
)
from relay.ledger.tree import inclusion_path, root_at
from tests.support.grown_tree import GrownTree, numbered


@functools.cache
def grown_tree() -> GrownTree:
    """As large as the example of the specification, and with three levels of tiles; grown when it is asked for."""
    return numbered(70_000)


tiles = st.builds(Tile, st.integers(ENTRIES, 63), st.integers(0, 2**63 - 1), st.integers(1, 256))


def test_paths_are_those_of_the_specification() -> None:
    assert Tile(0, 1234067).path == "tile/0/x001/x234/067"
    assert Tile(ENTRIES, 0, 112).path == "tile/entries/000.p/112"
    assert Tile(2, 0, 1).path == "tile/2/000.p/1"
    assert Tile(0, 999).path == "tile/0/999"
    assert Tile(0, 1000).path == "tile/0/x001/000"
    assert Tile(0, 1_000_000).path == "tile/0/x001/x000/000"
    assert Tile.parse("tile/63/x009/x223/x372/x036/x854/x775/807.p/255") == Tile(63, 2**63 - 1, 255)


@settings(deadline=None)
@given(tiles)
def test_a_path_is_read_back(tile: Tile) -> None:
    assert Tile.parse(tile.path) == tile


@settings(deadline=None)
@given(tiles, st.data())
def test_what_reads_as_a_tile_is_its_path(tile: Tile, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(tile.path)))
    changed = tile.path[:at] + data.draw(st.sampled_from("0123456789x/.p \n٣")) + tile.path[at + 1 :]
    try:
        read = Tile.parse(changed)
    except TileError:
        return
    assert read.path == changed


@pytest.mark.parametrize(
    "path",
    [
        *("", "tile", "tile/0", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/00/000", "tile/01/000", "tile/64/000"),
        *(
            "tile/-1/000",
            "tile/+1/000",
            "tile/Entries/000",
            "tile/data/000",
            "/tile/0/000",
            "tile/0/000/",
            "tile/0//000",
        ),
        *(
            "tile/0/x000/000",
            "tile/0/x000/x001/000",
            "tile/0/001/000",
            "tile/0/x001",
            "tile/0/x01/000",
            "tile/0/X001/000",
        ),
        *(
            "tile/0/000.p",
            "tile/0/000.p/",
            "tile/0/000.p/0",
            "tile/0/000.p/01",
            "tile/0/000.p/256",
            "tile/0/000.p/1000",
        ),
        *("tile/0/000.P/1", "tile/0/000.p/1/", "tile/0/000\n", " tile/0/000", "tile/0/../000", "tile/0/%30%30%30"),
        *(
            "tile/0/٠٠٠",
            "checkpoint",
            "tile/0/x009/x223/x372/x036/x854/x775/808",
            "tile/0/x001/x000/x000/x000/x000/x000/x000/000",
        ),
    ],
)
def test_no_other_spelling_is_a_path(path: str) -> None:
    with pytest.raises(TileError, match=r"not the path of a tile|there is no tile"):
        Tile.parse(path)


@pytest.mark.parametrize(
    ("level", "number", "width"), [(-2, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**63, 1), (0, 0, 0), (0, 0, 257)]
)
def test_there_is_no_such_tile(level: int, number: int, width: int) -> None:
    with pytest.raises(TileError, match=re.escape(f"no tile {number} of level {level}")):
        Tile(level, number, width)


def _octets(tile: Tile) -> bytes:
    """What a log publishes at the tile's path."""
    start, stop = tile.number * TILE_WIDTH, tile.number * TILE_WIDTH + tile.width
    if tile.level == ENTRIES:
        return encode_entries(grown_tree().entries[start:stop])
    return b"".join(grown_tree().node(8 * tile.level, index) for index in range(start, stop))


def test_a_log_of_the_specifications_size_has_its_tiles() -> None:
    grown = list(tiles_grown(0, 70_000))
    partial = [tile.path for tile in grown if tile.width < TILE_WIDTH]
    assert partial == ["tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
    assert [sum(tile.level == level for tile in grown) for level in (ENTRIES, 0, 1, 2, 3)] == [274, 274, 2, 1, 0]
    assert [tile.path for tile in tiles_grown(0, 256)] == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]


@settings(deadline=None)
@given(st.lists(st.integers(0, 2000), max_size=8).map(lambda steps: [sum(steps[:n]) for n in range(len(steps) + 1)]))
def test_growing_in_steps_publishes_every_tile_of_the_last_size(sizes: list[int]) -> None:
    published = {tile for old, new in pairwise(sizes) for tile in tiles_grown(old, new)}
    assert published >= set(tiles_grown(0, sizes[-1]))
    for old, new in pairwise(sizes):
        again = set(tiles_grown(0, old))
        assert not again & set(tiles_grown(old, new)), "a tile that was there is published again"


@pytest.mark.parametrize("size", [1, 255, 256, 257, 65_535, 65_536, 70_000])
def test_a_tree_is_read_from_its_tiles_alone(size: int) -> None:
    published = {(tile.level, tile.number): _octets(tile) for tile in tiles_grown(0, size)}

    def node(level: int, index: int) -> bytes:
        place = tile_of(level, index)
        return hash_at(place, published[place.level, place.number])

    assert root_at(size, node) == grown_tree().roots[size]
    for index in (0, size // 3, size - 1):
        assert inclusion_path(index, size, node) == inclusion_path(index, size, grown_tree().node)
        bundle = decode_entries(
            published[ENTRIES, index // TILE_WIDTH], min(TILE_WIDTH, size - index // TILE_WIDTH * TILE_WIDTH)
        )
        assert leaf_hash(bundle[index % TILE_WIDTH]) == grown_tree().node(0, index)


def test_the_place_of_a_subtree_is_one_hash_or_a_run_of_them() -> None:
    assert tile_of(0, 300) == Place(0, 1, 44, 45)
    assert tile_of(3, 33) == Place(0, 1, 8, 16)
    assert tile_of(7, 1) == Place(0, 0, 128, 256)
    assert tile_of(8, 1) == Place(1, 0, 1, 2)
    assert tile_of(17, 0) == Place(2, 0, 0, 2)


def test_a_tile_that_does_not_reach_so_far_is_refused() -> None:
    octets = _octets(Tile(0, 0, 12))
    with pytest.raises(TileError, match="a tile of width 8 has 256 octets, not 128"):
        hash_at(tile_of(3, 1), octets)
    for length in (0, 1, len(octets) - 1, len(octets) + 32):
        with pytest.raises(TileError):
            read_tile(octets.ljust(length, b"\0")[:length], 12)
    assert len(read_tile(_octets(Tile(0, 0)))) == TILE_WIDTH


@settings(deadline=None)
@given(st.lists(st.binary(max_size=20), min_size=1, max_size=40))
def test_a_bundle_is_read_back_and_a_piece_of_it_is_not(entries: list[bytes]) -> None:
    octets = encode_entries(entries)
    assert decode_entries(octets, len(entries)) == tuple(entries)
    for length in range(len(octets)):
        with pytest.raises(TileError):
            decode_entries(octets[:length], len(entries))
    for wrong in (octets + b"\0", octets + b"\0\0"):
        with pytest.raises(TileError):
            decode_entries(wrong, len(entries))


def test_a_bundle_has_a_leaf_up_to_its_largest_size() -> None:
    assert decode_entries(encode_entries([b"a" * 65_535]), 1) == (b"a" * 65_535,)
    for entries in ([], [b""] * 257, [b"a" * 65_536]):
        with pytest.raises(TileError, match="1 to 256 entries of at most 65535 octets"):
            encode_entries(entries)
