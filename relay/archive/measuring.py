"""How large the sets in a query are, so that the best way to its messages can be taken. Measured up to DENSE members.

Remembered for a while: a page, its count and the next page ask for the same. What is remembered decides which way is
taken, never what is found.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from time import monotonic
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.condition import DENSE, Members, Translation, translate
from relay.archive.lexicon import lexicon
from relay.archive.query import And, Node, Not, Or, Query, Term, Within

COMMON = 5
"""Text that more than one message in so many has, by the newest ones, is tried message by message."""
FEW = 500
"""Messages up to which each of them is tried for a text."""
KEPT_FOR = 30.0
"""Seconds."""
MOST_KEPT = 500


@dataclass(frozen=True, slots=True)
class Measure:
    """Of one set. `size`: 0 if it is dense. `share`: of the newest messages, the part that is in it; 0: not known."""

    is_dense: bool
    size: int = 0
    share: float = 0.0


Memory = OrderedDict[str, tuple[float, list[Measure]]]
_memories: WeakKeyDictionary[Engine, Memory] = WeakKeyDictionary()


async def measured(connection: AsyncConnection, query: Query, *, is_by_date: bool = True) -> Translation:
    """The query's translation, each of its sets measured. Not by date: hits that are everywhere are tried singly."""
    translation = translate(query.root, await lexicon(connection, query.root))
    if translation.members:
        measures = await _measures(connection, query, translation.members)
        for members, measure in zip(translation.members, measures, strict=True):
            members.is_dense, members.size, members.share = measure.is_dense, measure.size, measure.share
            members.is_common = members.is_text and not is_by_date and measure.share * COMMON > 1
    return translation


def in_windows(translation: Translation) -> list[Members]:
    """Chooses the way through messages by date or number: the large sets that are gathered window by window.

    None are where something else leaves so few messages that each is tried.
    """
    few = fewest(translation)
    for members in translation.members:
        is_tried = few is not None and (not members.is_text or (members.by_one is not None and few <= FEW))
        members.is_common = members.is_dense and members.is_text and is_tried
        members.is_windowed = members.is_dense and members.window is not None and not is_tried
    return [members for members in translation.members if members.is_windowed]


def fewest(translation: Translation) -> int | None:
    """Not more than so many messages are found; None where no set says so."""
    return min((one.size for one in translation.members if one.is_needed and not one.is_dense), default=None)


async def _measures(connection: AsyncConnection, query: Query, members: list[Members]) -> list[Measure]:
    key, now = repr(timeless(query.root)), monotonic()
    memory = _memories.setdefault(connection.engine.sync_engine, OrderedDict())
    at, known = memory.get(key, (0.0, []))
    # Words may have come that make another set of it.
    if now - at < KEPT_FOR and len(known) == len(members):
        return known
    found = [await _measure(connection, one) for one in members]
    memory[key] = (now, found)
    memory.move_to_end(key)
    if len(memory) > MOST_KEPT:
        memory.popitem(last=False)
    return found


async def _measure(connection: AsyncConnection, members: Members) -> Measure:
    first = members.measure.limit(DENSE).subquery()
    newest = select(func.max(schema.message.c.seq)).scalar_subquery()
    size, lowest, last = (await connection.execute(select(func.count(), func.min(first.c[0]), newest))).one()
    if size < DENSE:
        return Measure(is_dense=False, size=size)
    return Measure(is_dense=True, share=min(DENSE / (last - lowest + 1), 1.0) if members.is_ordered else 0.0)


def timeless(node: Node) -> Node:
    """The node without what its relative dates mean now, so that what is said of it outlives that second."""
    match node:
        case Term():
            return replace(node, span=None)
        case Within():
            return node
        case Not(inner):
            return Not(timeless(inner))
        case And(nodes):
            return And(tuple(map(timeless, nodes)))
        case Or(nodes):
            return Or(tuple(map(timeless, nodes)))
