"""How large the sets in a query are, so that the best way to its messages can be taken. Measured up to DENSE members.

Remembered for a while (`recollection.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import func, null, select
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.condition import DENSE, Translation, translate
from relay.archive.lexicon import lexicon
from relay.archive.members import Members
from relay.archive.query import And, Node, Not, Or, Query, Term, Within
from relay.archive.recollection import Recollection

COMMON = 5
"""Text that more than one message in so many has, by the newest ones, is tried message by message."""
FEW = 500
"""Messages up to which each of them is tried for a text; of more, those of a window are."""
PAGES = 150
"""Messages of a set up to which all are looked at for a page."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Of one set. `size`: 0 if it is dense. `share`: the part of all messages that is in it, or of the newest if it is
    dense; 0: not known."""

    is_dense: bool
    size: int = 0
    share: float = 0.0


_known: Recollection[list[Measure]] = Recollection()


async def measured(connection: AsyncConnection, query: Query, *, is_by_date: bool = True) -> Translation:
    """The query's translation, each of its sets measured. Not by date: hits that are everywhere are tried singly."""
    translation = translate(query.root, await lexicon(connection, query.root))
    if translation.members:
        measures = await _measures(connection, query, translation.members)
        for members, measure in zip(translation.members, measures, strict=True):
            members.is_dense, members.size, members.share = measure.is_dense, measure.size, measure.share
            members.is_common = members.is_text and not is_by_date and measure.share * COMMON > 1
    return translation


def in_windows(translation: Translation, *, for_page: bool = False) -> bool:
    """Chooses the way through messages by date or number: which sets are gathered window by window, and which of these
    is visited. True if any is.

    None is where something else leaves so few messages that each is tried. A page, which wants the first alone, takes
    fewer for few than a count does.
    """
    few = fewest(translation)
    is_text = any(one.is_dense and one.is_text for one in translation.members)
    smallest = None
    if few is not None and few > (PAGES if for_page else FEW) and (for_page or is_text):
        smallest = _smallest(translation)
    for members in translation.members:
        can_be_tried = members.by_one is not None and few is not None and (few <= FEW or smallest is not None)
        is_tried = few is not None and (not members.is_text or can_be_tried)
        members.is_common = members.is_dense and members.is_text and is_tried
        members.is_windowed = members.is_dense and members.window is not None and not is_tried
        members.is_visited = False
    if all(members.dated is not None for members in translation.members if members.is_windowed):
        # The grid's own order is that of their index.
        for members in translation.members:
            members.is_windowed = False
    if smallest is not None:
        smallest.is_windowed = True
    windowed = [members for members in translation.members if members.is_windowed]
    rarest = min((one for one in windowed if one.is_needed and one.share), key=_share, default=None)
    if rarest is not None:
        rarest.is_visited = True
    return bool(windowed)


def _smallest(translation: Translation) -> Members | None:
    """The set that says so, if an index has it by number."""
    small = [one for one in translation.members if one.is_needed and not one.is_dense]
    found = min(small, key=_size, default=None)
    return found if found is not None and found.window is not None else None


def _size(members: Members) -> int:
    return members.size


def _share(members: Members) -> float:
    return members.share


def fewest(translation: Translation) -> int | None:
    """Not more than so many messages are found; None where no set says so."""
    return min((one.size for one in translation.members if one.is_needed and not one.is_dense), default=None)


async def _measures(connection: AsyncConnection, query: Query, members: list[Members]) -> list[Measure]:
    key = repr(timeless(query.root))
    known = _known.get(connection, key)
    # Words may have come that make another set of it.
    if known is not None and len(known) == len(members):
        return known
    found = [await _measure(connection, one) for one in members]
    _known.put(connection, key, found)
    return found


async def _measure(connection: AsyncConnection, members: Members) -> Measure:
    first = members.measure.limit(DENSE).subquery()
    newest = select(func.max(schema.message.c.seq)).scalar_subquery()
    numbers = func.json_group_array(first.c[0]) if members.is_text else null()
    asked = select(func.count(), func.min(first.c[0]), newest, numbers)
    size, lowest, last, found = (await connection.execute(asked)).one()
    if size < DENSE:
        if members.is_text:
            members.found(found)
        return Measure(is_dense=False, size=size, share=min(size / (last or 1), 1.0))
    return Measure(is_dense=True, share=min(DENSE / (last - lowest + 1), 1.0) if members.is_recent else 0.0)


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
