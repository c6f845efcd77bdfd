"""The archive's contract about its check: what is done, and what was found to be wrong, as values.

`relay.archive.check_archive` checks a whole archive; it needs no open one, and no server that runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from relay.model.summary import Summary


@dataclass(frozen=True, slots=True)
class Fault:
    """`where` names one thing: `message 01J…`, `leaf 17`, `table delivery`."""

    where: str
    words: str

    def __str__(self) -> str:
        return f"{self.where}: {self.words}"


@dataclass(frozen=True, slots=True)
class Portion:
    """One piece of work. `kind`: structure, sums, contents, deliveries, leaves, nodes, tables, signed; where asked for,
    derived, indexes, lists, words, figures. Of the messages or events with sequence numbers `first` to `last`, or
    of parts with such numbers, where it is of some only."""

    kind: str
    first: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """How the indexer reads contents. `read` goes to other processes: it has to be a function that can be imported, or
    a `partial` of one. It may raise anything."""

    read: Callable[[bytes], Summary]
    index_bodies: bool = True


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there was when the check began."""

    messages: int
    events: int


@dataclass(frozen=True, slots=True)
class Progress:
    """After each portion: so much is done, and what was wrong in it."""

    done: int
    total: int
    portion: Portion
    faults: tuple[Fault, ...]
    extent: Extent
