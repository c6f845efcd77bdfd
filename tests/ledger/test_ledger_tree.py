"""The tree against published vectors, against the definition in RFC 6962, and against tampered proofs."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.ledger.hashing import EMPTY_ROOT, leaf_hash, node_hash
from relay.ledger.tree import (
    Frontier,
    Node,
    ProofError,
    append,
    consistency_path,
    frontier_at,
    grow,
    inclusion_path,
    root,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from tests.support.grown_tree import GrownTree, numbered

PUBLISHED_ENTRIES = [
    bytes.fromhex(entry)
    for entry in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
"""The vectors of the Certificate Transparency project, which every implementation of RFC 6962 is tested with."""
PUBLISHED_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PUBLISHED = GrownTree(PUBLISHED_ENTRIES)
TREE = numbered(300)
SIZES = st.integers(0, TREE.size)


def defined_root(entries: list[bytes]) -> bytes:
    """MTH as RFC 6962 section 2.1 defines it, word for word."""
    if not entries:
        return EMPTY_ROOT
    if len(entries) == 1:
        return leaf_hash(entries[0])
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return node_hash(defined_root(entries[:split]), defined_root(entries[split:]))


def defined_path(index: int, entries: list[bytes]) -> list[bytes]:
    """PATH as RFC 6962 section 2.1.1 defines it."""
    if len(entries) == 1:
        return []
    split = 1
    while split * 2 < len(entries):
        split *= 2
    if index < split:
        return [*defined_path(index, entries[:split]), defined_root(entries[split:])]
    return [*defined_path(index - split, entries[split:]), defined_root(entries[:split])]


def defined_growth(old: int, entries: list[bytes], is_whole: bool = True) -> list[bytes]:
    """SUBPROOF as RFC 6962 section 2.1.2 defines it."""
    if old == len(entries):
        return [] if is_whole else [defined_root(entries)]
    split = 1
    while split * 2 < len(entries):
        split *= 2
    if old <= split:
        return [*defined_growth(old, entries[:split], is_whole), defined_root(entries[split:])]
    return [*defined_growth(old - split, entries[split:], False), defined_root(entries[:split])]


def flips(octets: bytes) -> list[bytes]:
    """The octets with each bit changed, one at a time."""
    return [
        octets[:at] + bytes([octets[at] ^ 1 << bit]) + octets[at + 1 :] for at in range(len(octets)) for bit in range(8)
    ]


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_the_published_ones(size: int) -> None:
    assert PUBLISHED.roots[size].hex() == PUBLISHED_ROOTS[size]
    assert root_at(size, PUBLISHED.node).hex() == PUBLISHED_ROOTS[size]


def test_the_paths_are_the_published_ones() -> None:
    assert [digest.hex() for digest in inclusion_path(0, 8, PUBLISHED.node)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [digest.hex() for digest in consistency_path(6, 8, PUBLISHED.node)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [digest.hex() for digest in consistency_path(2, 5, PUBLISHED.node)] == [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ]


@pytest.mark.parametrize("size", range(41))
def test_every_proof_of_a_small_tree_is_as_defined_and_holds(size: int) -> None:
    entries, new = TREE.entries[:size], TREE.roots[size]
    assert new == defined_root(entries)
    for index in range(size):
        path = inclusion_path(index, size, TREE.node)
        assert list(path) == defined_path(index, entries)
        verify_inclusion(leaf_hash(entries[index]), index, size, path, new)
    for old in range(size + 1):
        growth = consistency_path(old, size, TREE.node)
        assert list(growth) == (defined_growth(old, entries) if old else [])
        verify_consistency(old, size, TREE.roots[old], new, growth)


@settings(deadline=None)
@given(SIZES, SIZES, st.data())
def test_proofs_hold_for_any_two_sizes(one: int, two: int, data: st.DataObject) -> None:
    old, new = sorted((one, two))
    growth = consistency_path(old, new, TREE.node)
    verify_consistency(old, new, TREE.roots[old], TREE.roots[new], growth)
    if new:
        index = data.draw(st.integers(0, new - 1))
        path = inclusion_path(index, new, TREE.node)
        verify_inclusion(leaf_hash(TREE.entries[index]), index, new, path, TREE.roots[new])


@settings(deadline=None)
@given(st.lists(st.binary(max_size=4), max_size=70), st.integers(0, 70))
def test_leaves_added_together_grow_the_tree_as_leaves_added_one_by_one(entries: list[bytes], cut: int) -> None:
    tree = GrownTree(entries)
    first, begun = append(Frontier(), map(leaf_hash, entries[:cut]))
    second, ended = append(first, map(leaf_hash, entries[cut:]))
    assert second == tree.frontier
    assert {(node.level, node.index): node.hash for node in [*begun, *ended]} == tree.stored
    assert frontier_at(len(entries), tree.node) == second
    assert root(second) == defined_root(entries)


def test_a_node_comes_after_the_two_below_it() -> None:
    _, nodes = append(Frontier(), [leaf_hash(b"%d" % number) for number in range(8)])
    seen: set[tuple[int, int]] = set()
    for node in nodes:
        assert node.level == 0 or {(node.level - 1, node.index * 2), (node.level - 1, node.index * 2 + 1)} <= seen
        seen.add((node.level, node.index))
    assert nodes[-1] == Node(3, 0, root(append(Frontier(), [n.hash for n in nodes if n.level == 0])[0]))
    assert len(nodes) == 15


def test_reading_a_proof_of_a_large_tree_reads_few_hashes() -> None:
    reads: list[tuple[int, int]] = []

    def node(level: int, index: int) -> bytes:
        reads.append((level, index))
        return leaf_hash(f"{level}/{index}".encode())

    size = 2**40 + 12345
    path = inclusion_path(7, size, node)
    assert len(path) == 41
    assert len(reads) <= 2 * 41
    reads.clear()
    consistency_path(2**39 + 77, size, node)
    assert len(reads) <= 3 * 41


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 70), st.data())
def test_a_changed_inclusion_proof_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaf, path, top = leaf_hash(TREE.entries[index]), inclusion_path(index, size, TREE.node), TREE.roots[size]
    wrong = [(leaf, index, size, path, flipped) for flipped in flips(top)[::37]]
    wrong += [(flipped, index, size, path, top) for flipped in flips(leaf)[::37]]
    for place, digest in enumerate(path):
        wrong += [(leaf, index, size, (*path[:place], bad, *path[place + 1 :]), top) for bad in flips(digest)[::37]]
        wrong.append((leaf, index, size, (*path[:place], *path[place + 1 :]), top))
    wrong += [(leaf, other, size, path, top) for other in range(-1, size + 2) if other != index]
    wrong.append((leaf, index, size, (*path, top), top))
    wrong.append((leaf, index, size, (top, *path), top))
    for proof in wrong:
        with pytest.raises(ProofError):
            verify_inclusion(*proof)


def test_every_single_changed_bit_of_a_proof_is_found() -> None:
    leaf, path, top = leaf_hash(TREE.entries[10]), inclusion_path(10, 21, TREE.node), TREE.roots[21]
    growth = consistency_path(11, 21, TREE.node)
    for place, digest in enumerate(path):
        for bad in flips(digest):
            with pytest.raises(ProofError):
                verify_inclusion(leaf, 10, 21, (*path[:place], bad, *path[place + 1 :]), top)
    for place, digest in enumerate(growth):
        for bad in flips(digest):
            with pytest.raises(ProofError):
                verify_consistency(11, 21, TREE.roots[11], top, (*growth[:place], bad, *growth[place + 1 :]))


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.data())
def test_a_changed_consistency_proof_is_refused(one: int, two: int, data: st.DataObject) -> None:
    old, new = sorted((one, two))
    before, after, path = TREE.roots[old], TREE.roots[new], consistency_path(old, new, TREE.node)
    wrong = [(old, new, bad, after, path) for bad in flips(before)[::37]]
    wrong += [(old, new, before, bad, path) for bad in flips(after)[::37]]
    for place in range(len(path)):
        wrong.append((old, new, before, after, (*path[:place], *path[place + 1 :])))
        bad = data.draw(st.sampled_from(flips(path[place])))
        wrong.append((old, new, before, after, (*path[:place], bad, *path[place + 1 :])))
    wrong.append((old, new, before, after, (*path, after)))
    wrong += [(a, b, before, after, path) for a, b in ((old + 1, new), (old - 1, new), (new + 1, new), (-1, new))]
    for proof in wrong:
        with pytest.raises(ProofError):
            verify_consistency(*proof)


def test_a_leaf_cannot_pass_for_a_node() -> None:
    left, right = TREE.node(0, 0), TREE.node(0, 1)
    with pytest.raises(ProofError, match="does not lead to the root"):
        verify_inclusion(leaf_hash(left + right), 0, 1, (), TREE.roots[2])


def test_from_nothing_every_tree_has_grown_and_no_path_is_needed() -> None:
    assert consistency_path(0, 5, TREE.node) == ()
    verify_consistency(0, 5, EMPTY_ROOT, TREE.roots[5], ())
    with pytest.raises(ProofError, match="where none is needed"):
        verify_consistency(0, 5, EMPTY_ROOT, TREE.roots[5], (TREE.roots[5],))
    with pytest.raises(ProofError, match="another root than the empty one"):
        verify_consistency(0, 5, TREE.roots[1], TREE.roots[5], ())
    with pytest.raises(ProofError, match="different histories"):
        verify_consistency(0, 0, EMPTY_ROOT, TREE.roots[5], ())


def test_a_tree_does_not_prove_what_it_does_not_have() -> None:
    for index, size in ((-1, 3), (3, 3), (0, 0)):
        with pytest.raises(ValueError, match="has no leaf"):
            inclusion_path(index, size, TREE.node)
    for old, new in ((-1, 3), (4, 3)):
        with pytest.raises(ValueError, match="has not grown"):
            consistency_path(old, new, TREE.node)


def test_hashes_of_another_length_are_refused() -> None:
    for leaf, path in ((b"short", ()), (leaf_hash(b""), (b"short",))):
        with pytest.raises(ProofError, match="not a SHA-256 hash"):
            verify_inclusion(leaf, 0, 2, path, TREE.roots[2])


def test_the_largest_tree_has_63_peaks() -> None:
    assert Frontier(2**63 - 1, (EMPTY_ROOT,) * 63).size == 2**63 - 1


def test_a_frontier_that_was_damaged_is_refused() -> None:
    for size, peaks in (
        (1, ()),
        (3, (EMPTY_ROOT,)),
        (-1, (EMPTY_ROOT,)),
        (2**63, (EMPTY_ROOT,)),
        (2**64 - 1, (EMPTY_ROOT,) * 64),
    ):
        with pytest.raises(ValueError, match="does not have"):
            Frontier(size, peaks)
    with pytest.raises(ValueError, match="not a SHA-256 hash"):
        Frontier(1, (b"short",))


def test_another_history_is_found() -> None:
    """A leaf that was changed after it was signed: no path makes the old root and the new one agree."""
    changed = GrownTree([*TREE.entries[:3], b"changed", *TREE.entries[4:20]])
    for old, new in pairwise((0, 1, 3, 4, 7, 16, 20)):
        path = consistency_path(old, new, changed.node)
        if old > 3:
            with pytest.raises(ProofError, match="the log was changed"):
                verify_consistency(old, new, TREE.roots[old], changed.roots[new], path)
        else:
            verify_consistency(old, new, TREE.roots[old], changed.roots[new], path)


@given(st.integers(0, 200), st.integers(0, 100), st.integers(1, 4))
def test_growing_gives_the_nodes_of_tiles_among_those_of_appending(size: int, more: int, height: int) -> None:
    before, _ = append(Frontier(), (leaf_hash(b"%d" % n) for n in range(size)))
    leaves = [leaf_hash(b"%d" % n) for n in range(size, size + more)]
    after, nodes = append(before, leaves)
    tops = [node for node in nodes if node.level and node.level % height == 0]
    assert grow(before, leaves, height) == (after, tops)
