"""The tree, its tiles and its notes against two implementations that others wrote: pymerkle and tlog-scales.

Each makes what the other checks, over thousands of sizes drawn by a seed.
"""

from __future__ import annotations

import functools
from pathlib import Path
from random import Random

import pymerkle
import pytest
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import PlainEd25519Signer, Vkey
from tlog_scales.tlog import Checkpoint as TheirCheckpoint
from tlog_scales.tlog import ConsistencyProof, InclusionProof
from tlog_scales.writer import TilesWriter

from relay.ledger.checkpoint import Checkpoint
from relay.ledger.hashing import leaf_hash
from relay.ledger.note import KeyType, NoteError, Signer, Verifier, open_note, sign_note
from relay.ledger.tiles import (
    ENTRIES,
    TILE_WIDTH,
    Tile,
    decode_entries,
    encode_entries,
    hash_at,
    read_tile,
    tile_of,
    tiles_grown,
)
from relay.ledger.tree import (
    ProofError,
    consistency_path,
    inclusion_path,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from tests.support.grown_tree import GrownTree, numbered

LEAVES = 6000
ROUNDS = 2000
LOG = Signer.from_seed("mail.example/log", bytes(range(32)))


@functools.cache
def grown_tree() -> GrownTree:
    """Grown when it is asked for."""
    return numbered(LEAVES)


@pytest.fixture(scope="module")
def pymerkle_tree() -> pymerkle.InmemoryTree:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    tree.append_entries(grown_tree().entries)
    return tree


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every tile of the tree and its checkpoint, written by us."""
    folder = tmp_path_factory.mktemp("published")
    for tile in tiles_grown(0, LEAVES):
        start, stop = tile.number * TILE_WIDTH, tile.number * TILE_WIDTH + tile.width
        path = folder / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if tile.level == ENTRIES:
            path.write_bytes(encode_entries(grown_tree().entries[start:stop]))
        else:
            path.write_bytes(b"".join(grown_tree().node(8 * tile.level, index) for index in range(start, stop)))
    text = Checkpoint("mail.example/log", LEAVES, grown_tree().roots[LEAVES]).encode()
    (folder / "checkpoint").write_bytes(sign_note(text, [LOG]).encode())
    return folder


def test_every_root_is_the_one_of_pymerkle(pymerkle_tree: pymerkle.InmemoryTree) -> None:
    for size in Random(1).sample(range(LEAVES + 1), ROUNDS):
        assert pymerkle_tree.get_root(size) == grown_tree().roots[size] == root_at(size, grown_tree().node)


def test_pymerkle_and_we_make_the_same_inclusion_proofs(pymerkle_tree: pymerkle.InmemoryTree) -> None:
    random = Random(2)
    for _ in range(ROUNDS):
        size = random.randint(1, LEAVES)
        index = random.randrange(size)
        theirs = pymerkle_tree.prove_inclusion(index + 1, size)
        ours = inclusion_path(index, size, grown_tree().node)
        assert tuple(theirs.path) == (grown_tree().node(0, index), *ours)
        verify_inclusion(
            leaf_hash(grown_tree().entries[index]), index, size, theirs.path[1:], pymerkle_tree.get_root(size)
        )
        theirs.path[1:] = ours
        pymerkle.verify_inclusion(
            grown_tree().node(0, index), grown_tree().roots[size], theirs, index=index + 1, size=size
        )


def test_pymerkle_holds_what_we_hold_to_have_grown(pymerkle_tree: pymerkle.InmemoryTree) -> None:
    """Its consistency proofs have another form, so that only the verdict can be compared."""
    random = Random(3)
    for _ in range(ROUNDS // 4):
        old, new = sorted((random.randint(1, LEAVES), random.randint(1, LEAVES)))
        theirs = pymerkle_tree.prove_consistency(old, new)
        pymerkle.verify_consistency(
            grown_tree().roots[old], grown_tree().roots[new], theirs, prior_size=old, later_size=new
        )
        verify_consistency(
            old, new, grown_tree().roots[old], grown_tree().roots[new], consistency_path(old, new, grown_tree().node)
        )


def test_tlog_scales_proves_from_our_tiles_what_we_prove(published: Path) -> None:
    reader = TilesReader(LocalBackend(published))
    assert reader.get_checkpoint().size == LEAVES
    assert reader.calculate_root_hash() == grown_tree().roots[LEAVES]
    random = Random(4)
    for _ in range(ROUNDS // 4):
        old, new = sorted((random.randint(1, LEAVES), random.randint(1, LEAVES)))
        index = random.randrange(new)
        grown, included = reader.get_consistency_proof(old, new), reader.get_inclusion_proof(index, new)
        assert tuple(grown.node_hashes) == consistency_path(old, new, grown_tree().node)
        assert tuple(included.node_hashes) == inclusion_path(index, new, grown_tree().node)
        assert reader.get_entry(index) == grown_tree().entries[index]


def test_tlog_scales_and_we_agree_which_proofs_hold() -> None:
    """Right ones and ones with a hash changed, left out, doubled or another size: the same verdict on each."""
    random, held = Random(5), 0
    for _ in range(3 * ROUNDS):
        old, new = sorted((random.randint(1, 300), random.randint(1, 300)))
        index = random.randrange(new)
        grown, included = (
            list(consistency_path(old, new, grown_tree().node)),
            list(inclusion_path(index, new, grown_tree().node)),
        )
        sizes = old, new, index
        if random.random() < 0.7:
            for path in (grown, included):
                _spoil(path, random)
            sizes = old + random.choice((0, 0, 1)), new + random.choice((0, 0, 1)), index ^ random.choice((0, 0, 1))
        held += _agreed_growth(*sizes[:2], grown_tree().roots[old], grown_tree().roots[new], grown)
        _agreed_inclusion(grown_tree().node(0, index), sizes[2], sizes[1], grown_tree().roots[new], included)
    assert 0.2 < held / (3 * ROUNDS) < 0.8


def _spoil(path: list[bytes], random: Random) -> None:
    if not path:
        path.append(bytes(32))
        return
    place = random.randrange(len(path))
    kind = random.randrange(4)
    if kind == 0:
        path[place] = bytes(32)
    elif kind == 1:
        path.insert(place, path[place])
    elif kind == 2:
        del path[place]


def _agreed_growth(old: int, new: int, before: bytes, after: bytes, path: list[bytes]) -> bool:
    theirs = ours = True
    try:
        ConsistencyProof(old, new, list(path)).check(before, after)
    except Exception:
        theirs = False
    try:
        verify_consistency(old, new, before, after, path)
    except ProofError:
        ours = False
    assert ours == theirs, (old, new, path)
    return ours


def _agreed_inclusion(leaf: bytes, index: int, size: int, top: bytes, path: list[bytes]) -> None:
    theirs = ours = True
    try:
        InclusionProof(index, size, list(path)).check(leaf, top)
    except Exception:
        theirs = False
    try:
        verify_inclusion(leaf, index, size, path, top)
    except ProofError:
        ours = False
    assert ours == theirs, (index, size, path)


def test_a_log_that_tlog_scales_wrote_is_read_by_us(tmp_path: Path) -> None:
    origin, seed = "scales.example/log", bytes(range(3, 35))
    writer, tree = TilesWriter.create(tmp_path / "log", origin), GrownTree()
    vkey = PlainEd25519Signer(origin, seed).vkey.serialize()
    assert vkey == Signer.from_seed(origin, seed).verifier.vkey
    for count in (1, 254, 1, 1, 700, 43):
        for number in range(count):
            writer.add_leaf(b"%d of %d" % (number, count))
            tree.add(b"%d of %d" % (number, count))
        writer.commit([PlainEd25519Signer(origin, seed)])
        note = (tmp_path / "log" / "checkpoint").read_bytes()
        checkpoint = Checkpoint.parse(open_note(note, [Verifier.parse(vkey)]).text)
        assert checkpoint == Checkpoint(origin, tree.size, tree.roots[tree.size])
        _compare_tiles(tmp_path / "log", tree)


def _compare_tiles(folder: Path, tree: GrownTree) -> None:
    for tile in tiles_grown(0, tree.size):
        octets = (folder / tile.path).read_bytes()
        if tile.level == ENTRIES:
            start = tile.number * TILE_WIDTH
            assert list(decode_entries(octets, tile.width)) == tree.entries[start : start + tile.width]
        else:
            first = tile.number * TILE_WIDTH
            hashes = [tree.node(8 * tile.level, index) for index in range(first, first + tile.width)]
            assert list(read_tile(octets, tile.width)) == hashes
    for path in folder.rglob("tile/**/*"):
        if path.is_file():
            assert Tile.parse(path.relative_to(folder).as_posix())
    place = tile_of(0, tree.size - 1)
    last = Tile(0, place.number, tree.size - place.number * TILE_WIDTH)
    assert hash_at(place, (folder / last.path).read_bytes()) == leaf_hash(tree.entries[-1])


def test_tlog_scales_verifies_our_notes_and_cosignatures() -> None:
    witness = Signer.from_seed("witness.example/north", bytes(range(1, 33)), KeyType.COSIGNATURE)
    for size in (0, 1, LEAVES):
        text = Checkpoint("mail.example/log", size, grown_tree().roots[size]).encode()
        theirs = TheirCheckpoint.from_text(sign_note(text, [LOG, witness], time=1_700_000_000))
        assert (theirs.origin, theirs.size, theirs.root_hash) == ("mail.example/log", size, grown_tree().roots[size])
        assert theirs.serialize() == sign_note(text, [LOG, witness], time=1_700_000_000)
        for signer in (LOG, witness):
            vkey = Vkey.from_string(signer.verifier.vkey)
            assert vkey.serialize() == signer.verifier.vkey
            theirs.verify(vkey)
    with pytest.raises(NoteError):
        open_note(theirs.serialize(), [])
