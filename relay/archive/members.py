"""Sets of messages that a term is true of, as SQL: gathered, visited, or asked about a message (`condition.py`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, Text, TextClause, bindparam, column, func, literal, select, table

from relay.archive import schema
from relay.archive.matching import is_gathered

_message = schema.message.c
_full_text = table("full_text", column("rowid", Integer), column("full_text", Text))

TRIED_PHRASES = 6
"""Phrases of an expression up to which FTS5 may be asked about one message after the other."""
LOWEST, HIGHEST = "lowest", "highest"
"""Bound values of a statement: the window of numbers that large sets are gathered in."""
EARLIEST, LATEST = "earliest", "latest"
"""Also bound: dates from and to which all messages of the window are."""


@dataclass(slots=True)
class Members:
    """The messages that a term, or several text terms together, are true of."""

    chosen: Select[Any]
    """Selects `seq` alone."""
    seq: ColumnElement[int]
    """The column it selects."""
    walked: ColumnElement[bool]
    """The condition by which messages are tried when the set is large."""
    measure: Select[Any]
    """As `chosen`, or a cheap superset of it."""
    tried: Select[Any]
    """As `chosen`, in the form that is cheap for few messages that are known."""
    window: Select[Any] | None = None
    """As `chosen`, within bound numbers; None where no index has them by number."""
    dated: ColumnElement[int] | None = None
    """The date by which an index has them, where it does not have them by number."""
    is_recent: bool = False
    """`measure` has the newest first."""
    is_needed: bool = False
    """Nothing is found that is not in this set."""
    is_dense: bool = False
    size: int = 0
    """How many it has, if it is not dense."""
    is_windowed: bool = False
    """To be gathered, in windows, and not tried."""
    is_visited: bool = False
    """Of a set that is gathered: each of it is visited, instead of looking whether each message is in it."""
    is_single: bool = False
    """`chosen` has no message twice."""
    is_text: bool = False
    by_one: ColumnElement[bool] | None = None
    """Of hits of the full-text index: the condition by which messages are tried one by one, where that is cheap."""
    share: float = 0.0
    """The part of all messages that is in it, or of the newest if it is dense; 0: not known."""
    is_common: bool = False
    """So many hits that it is cheaper to try one by one than to gather them."""

    def only_after(self, seq: int) -> None:
        """Leaves out messages up to this number: what is left of any set is found at once, however large it is."""
        self.chosen = self.tried.where(self.seq > seq)

    def found(self, numbers: str) -> None:
        """A small set is these, a JSON array: to ask the full-text index again would take as long again."""
        self.seq = func.json_each(literal(numbers)).table_valued("value").c.value
        self.chosen = select(self.seq)
        self.window = in_window(self.chosen, self.seq)

    def condition(self) -> ColumnElement[bool]:
        if self.is_common and self.by_one is not None:
            return self.by_one
        if self.is_windowed and self.window is not None:
            return _message.seq.in_(self.window) if self.is_visited else (_message.seq + 0).in_(self.window)
        return self.walked if self.is_dense else _message.seq.in_(self.chosen)


def matching(expression: str) -> Members:
    """What the full-text index has for the expression."""
    chosen = hits(expression)
    place = _full_text.c.rowid
    window = in_window(chosen, place)
    is_cheap = expression.count('"') <= 2 * TRIED_PHRASES and not is_gathered(expression)
    return Members(
        chosen,
        place,
        (_message.seq + 0).in_(window),
        chosen.order_by(place.desc()),
        chosen,
        window,
        is_recent=True,
        is_single=True,
        is_text=True,
        by_one=tried(chosen, place) if is_cheap else None,
    )


def hits(expression: str) -> Select[Any]:
    """Numbers of the messages that the full-text index finds."""
    return select(_full_text.c.rowid).where(_full_text.c.full_text.op("MATCH")(expression))


def a_set(seq: ColumnElement[int], *conditions: ColumnElement[bool] | TextClause) -> Members:
    """What an index has somehow, under these conditions."""
    chosen = select(seq).where(*conditions)
    return Members(chosen, seq, tried(chosen, seq), chosen, chosen)


def ordered(seq: ColumnElement[int], *conditions: ColumnElement[bool] | TextClause) -> Members:
    """As `a_set`, of one that an index has in the order of numbers."""
    found = a_set(seq, *conditions)
    return replace(
        found, measure=found.chosen.order_by(seq.desc()), window=in_window(found.chosen, seq), is_recent=True
    )


def dated(seq: ColumnElement[int], date: ColumnElement[int], *conditions: ColumnElement[bool]) -> Members:
    """As `a_set`, of one that an index has in the order of dates."""
    found = a_set(seq, *conditions)
    # `seq + 0`: only the dates are looked up.
    inside = in_window(found.chosen, seq + 0).where(
        date >= bindparam(EARLIEST, -(2**63), Integer), date <= bindparam(LATEST, 2**63 - 1, Integer)
    )
    newest = found.chosen.order_by(date.desc())
    return replace(found, measure=newest, window=inside, dated=date, is_recent=True, is_single=True)


def in_window(chosen: Select[Any], seq: ColumnElement[int]) -> Select[Any]:
    """What has a number from LOWEST to HIGHEST, which are to be bound; all where they are not."""
    return chosen.where(seq >= bindparam(LOWEST, 0, Integer), seq <= bindparam(HIGHEST, 2**63 - 1, Integer))


def tried(chosen: Select[Any], seq: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether the message at hand is among what `chosen` selects."""
    return chosen.where(seq == _message.seq).correlate(schema.message).exists()
