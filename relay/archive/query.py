"""The search language: text -> Query. One grammar for URL, grid, API and command line.

    query   = or ;  or = and *( "OR" and ) ;  and = 1*not ;  not = [ "-" ] term
    term    = "(" or ")" / field ":" value / word / quoted phrase

Does not run the search (`search.py`). Pure; never fails but with QuerySyntaxError.
"""

from __future__ import annotations

from dataclasses import dataclass


class QuerySyntaxError(ValueError):
    """The text is not a query. `start`, `stop`: the half-open range of characters at fault."""

    def __init__(self, message: str, start: int, stop: int) -> None:
        super().__init__(message)
        self.start = start
        self.stop = stop


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `field` is '' for free text; `is_phrase`: was quoted."""

    field: str
    value: str
    is_phrase: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    node: Node


@dataclass(frozen=True, slots=True)
class And:
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    nodes: tuple[Node, ...]


Node = Term | Not | And | Or


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query; `And(())` matches everything. Dates in terms are already UTC microsecond ranges."""

    root: Node = And(())


def parse_query(text: str, *, now: int) -> Query:
    """The query that `text` says; `now` (UTC microseconds) gives relative dates such as `after:7d` their meaning."""
    raise QuerySyntaxError("not written yet", 0, len(text)) if text.strip() else None or QuerySyntaxError("", now, now)
