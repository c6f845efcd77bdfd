"""A tree in memory with the hashes that an archive would store, for tests of the ledger."""

from __future__ import annotations

from collections.abc import Iterable

from relay.ledger.hashing import leaf_hash
from relay.ledger.tree import Frontier, append, root


class GrownTree:
    """Grows by entries; `node` reads stored subtrees, `roots[n]` is the root when it had n leaves."""

    def __init__(self, entries: Iterable[bytes] = ()) -> None:
        self.entries: list[bytes] = []
        self.frontier = Frontier()
        self.stored: dict[tuple[int, int], bytes] = {}
        self.roots = [root(self.frontier)]
        for entry in entries:
            self.add(entry)

    def add(self, entry: bytes) -> None:
        self.entries.append(entry)
        self.frontier, nodes = append(self.frontier, [leaf_hash(entry)])
        for node in nodes:
            assert (node.level, node.index) not in self.stored, "a subtree became complete twice"
            self.stored[node.level, node.index] = node.hash
        self.roots.append(root(self.frontier))

    def node(self, level: int, index: int) -> bytes:
        return self.stored[level, index]

    @property
    def size(self) -> int:
        return len(self.entries)


def numbered(count: int) -> GrownTree:
    """A tree of that many leaves, each unlike the others."""
    return GrownTree(b"leaf %d" % number for number in range(count))
