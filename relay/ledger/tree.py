"""The Merkle tree: growing it, proving from it and checking what others prove (RFC 6962 section 2.1, RFC 9162).

A complete subtree of 2^level leaves is named by (level, index): it covers the leaves [index * 2^level, (index + 1) *
2^level). Its hash never changes once it is complete, so it is stored once. A tree of any size is a row of complete
subtrees, the largest first, one for each bit of the size: its peaks.

    size 7 = 4 + 2 + 1          root = H(peak 4, H(peak 2, peak 1))

Who stores the hashes is not known here: what is read is asked of a `NodeReader`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from relay.ledger.hashing import EMPTY_ROOT, HASH_SIZE, node_hash
from relay.ledger.scalars import LARGEST, LedgerError


class ProofError(LedgerError):
    """The proof does not show what it should: whoever gets one must not believe what it was for."""


class NodeReader(Protocol):
    """Reads the stored hash of the complete subtree (level, index); level 0 are the hashes of leaves."""

    def __call__(self, level: int, index: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Node:
    """A complete subtree: it will have this hash for ever."""

    level: int
    index: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Frontier:
    """What is needed to let a tree grow: its size and its peaks, the largest first. `ValueError`: it is no such row."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= LARGEST or len(self.peaks) != self.size.bit_count():
            raise ValueError(f"a tree of {self.size} leaves does not have {len(self.peaks)} peaks")
        if any(len(peak) != HASH_SIZE for peak in self.peaks):
            raise ValueError("a peak of the tree is not a SHA-256 hash")


def append(frontier: Frontier, leaves: Iterable[bytes]) -> tuple[Frontier, list[Node]]:
    """The frontier after adding the leaf hashes, and every subtree that became complete, leaves included.

    Nodes come in the order in which they became complete: a node after the two below it. Less than two hashes are
    made for each leaf.
    """
    size, peaks, nodes = frontier.size, list(frontier.peaks), list[Node]()
    for leaf in leaves:
        node = Node(0, size, leaf)
        nodes.append(node)
        while (size >> node.level) & 1:  # the subtree to the left of it is complete and waits
            node = Node(node.level + 1, node.index >> 1, node_hash(peaks.pop(), node.hash))
            nodes.append(node)
        peaks.append(node.hash)
        size += 1
    return Frontier(size, tuple(peaks)), nodes


def grow(frontier: Frontier, leaves: Iterable[bytes], height: int) -> tuple[Frontier, list[Node]]:
    """`append`, but only the nodes of the levels `height`, 2 * `height` … : what tiles of that height store."""
    size, peaks, nodes = frontier.size, list(frontier.peaks), list[Node]()
    for digest in leaves:
        level, place = 0, size
        while place & 1:  # the subtree to the left of it is complete and waits
            digest = node_hash(peaks.pop(), digest)
            level, place = level + 1, place >> 1
            if level % height == 0:
                nodes.append(Node(level, place, digest))
        peaks.append(digest)
        size += 1
    return Frontier(size, tuple(peaks)), nodes


def root(frontier: Frontier) -> bytes:
    """The root hash of the tree."""
    return _fold(frontier.peaks) if frontier.peaks else EMPTY_ROOT


def frontier_at(size: int, node: NodeReader) -> Frontier:
    """The frontier the tree had when it was `size` leaves large, from stored hashes."""
    return Frontier(size, tuple(_peaks(0, size, node)))


def root_at(size: int, node: NodeReader) -> bytes:
    """The root hash the tree had when it was `size` leaves large."""
    return root(frontier_at(size, node))


def inclusion_path(index: int, size: int, node: NodeReader) -> tuple[bytes, ...]:
    """The hashes that lead from leaf `index` to the root of the tree of `size` leaves, the leaf's sibling first.

    RFC 9162 section 2.1.3.1. `ValueError`: that tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path, start, stop = [], 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(_hash_of(middle, stop, node))
            stop = middle
        else:
            path.append(_hash_of(start, middle, node))
            start = middle
    return tuple(reversed(path))


def consistency_path(old: int, new: int, node: NodeReader) -> tuple[bytes, ...]:
    """The hashes that show that the tree of `new` leaves begins with that of `old` leaves. None are needed from size 0.

    RFC 9162 section 2.1.4.1. `ValueError`: `old` is the larger one.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves has not grown from one of {old}")
    if old == 0:
        return ()
    path, start, stop = [], 0, new
    while stop != old:
        middle = start + _split(stop - start)
        if old <= middle:
            path.append(_hash_of(middle, stop, node))
            stop = middle
        else:
            path.append(_hash_of(start, middle, node))
            start = middle
    if start:  # else the old root itself, which whoever checks has
        path.append(_hash_of(start, stop, node))
    return tuple(reversed(path))


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], expected_root: bytes) -> None:
    """Returns if the path leads from the leaf's hash at `index` to the root; else `ProofError` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofError(f"a tree of {size} leaves has no leaf {index}")
    _check_hashes(leaf, expected_root, *path)
    place, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise ProofError("the inclusion path is too long for this tree")
        if place & 1 or place == last:
            found = node_hash(sibling, found)
            while not place & 1 and place:  # no sibling on these levels: the tree ends here
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise ProofError("the inclusion path is too short for this tree")
    if found != expected_root:
        raise ProofError(
            "the inclusion path does not lead to the root of the tree: this leaf is not in it at this place"
        )


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """Returns if the tree of `new` leaves begins with that of `old`; else `ProofError` (RFC 9162, 2.1.4.2).

    From size 0 every tree has grown; of it `old_root` must be `EMPTY_ROOT`.
    """
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {new} leaves has not grown from one of {old}")
    _check_hashes(old_root, new_root, *path)
    if old in (0, new):
        if path:
            raise ProofError("a consistency path is given where none is needed")
        if old == new and old_root != new_root:
            raise ProofError("two trees of the same size have different roots: the log shows different histories")
        if old == 0 and old_root != EMPTY_ROOT:
            raise ProofError("a tree without leaves has another root than the empty one")
        return
    if old & (old - 1) == 0:
        path = (old_root, *path)
    if not path:
        raise ProofError("the consistency path is too short for these trees")
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError("the consistency path is too long for these trees")
        if place & 1 or place == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise ProofError("the consistency path is too short for these trees")
    if first != old_root:
        raise ProofError(
            "the consistency path does not lead to the older root: the log was changed after it was signed"
        )
    if second != new_root:
        raise ProofError(
            "the consistency path does not lead to the newer root: the log was changed after it was signed"
        )


def _check_hashes(*digests: bytes) -> None:
    if any(len(digest) != HASH_SIZE for digest in digests):
        raise ProofError("a hash of the proof is not a SHA-256 hash")


def _split(count: int) -> int:
    """The largest power of two below a count of at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _peaks(start: int, stop: int, node: NodeReader) -> list[bytes]:
    """The complete subtrees that make up the leaves [start, stop), which begin where a large enough subtree does."""
    peaks = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        peaks.append(node(level, start >> level))
        start += 1 << level
    return peaks


def _hash_of(start: int, stop: int, node: NodeReader) -> bytes:
    return _fold(_peaks(start, stop, node))


def _fold(peaks: Sequence[bytes]) -> bytes:
    """The hash over peaks, joined from the smallest."""
    found = peaks[-1]
    for peak in reversed(peaks[:-1]):
        found = node_hash(peak, found)
    return found
