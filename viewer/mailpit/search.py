"""Mailpit's search language, to our query. Pure.

    from: to: cc: bcc: reply-to: addressed: subject: message-id: tag: is:read|unread|tagged has:attachment
    before: after: (a date, a date and time, or words such as 7d) larger: smaller:; words, "phrases", - or ! negate

What a query cannot say (`is:read`) is a filter over what it finds. Upper and lower case make no difference.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from relay.archive.api import Listing
from relay.archive.query import And, Node, Not, Or, Query, Term, parse_query
from viewer.errors import FieldError

_TOKEN = re.compile(r'([-!]?)([A-Za-z-]+:)?(?:"([^"]*)"|(\S+))')
_SAME = frozenset({"from", "to", "cc", "subject", "message-id", "tag", "larger", "smaller"})
NOT_DELETED = Not(Term("is", "deleted"))
Filter = Callable[[Listing, bool], bool]
"""A row, and whether it was read."""


@dataclass(frozen=True, slots=True)
class Search:
    query: Query
    filters: tuple[Filter, ...] = ()

    def takes(self, row: Listing, is_read: bool) -> bool:
        return all(one(row, is_read) for one in self.filters)


EVERYTHING = Search(Query(And((NOT_DELETED,))))
CAPTURED = Query(And((NOT_DELETED, Term("status", "captured"))))
"""What was kept and sent to nobody."""
_FILTERS: dict[str, Filter] = {
    "read": lambda _, is_read: is_read,
    "unread": lambda _, is_read: not is_read,
    "tagged": lambda row, _: bool(row.tags),
}


def translated(text: str, *, now: int, zone: tzinfo = UTC) -> Search:
    """Raises FieldError for a term that means nothing here, QuerySyntaxError for a value that ours refuses."""
    nodes: list[Node] = [NOT_DELETED]
    filters: list[Filter] = []
    for negation, field, phrase, word in _TOKEN.findall(text):
        name, value = field[:-1].lower(), phrase or word
        if name == "is" and value.lower() in _FILTERS:
            filters.append(_negated(_FILTERS[value.lower()], bool(negation)))
        elif value:
            node = _node(name, value, field, now, zone)
            nodes.append(Not(node) if negation else node)
    return Search(Query(And(tuple(nodes))), tuple(filters))


def _negated(wanted: Filter, is_negated: bool) -> Filter:
    return (lambda row, is_read: not wanted(row, is_read)) if is_negated else wanted


def _node(name: str, value: str, field: str, now: int, zone: tzinfo) -> Node:
    if name in _SAME:
        return _ours(f"{name}:{_quoted(value)}", now)
    if name == "bcc":
        return _ours(f"recipient:{_quoted(value)}", now)
    if name == "reply-to":
        return _ours(f"header:{_quoted(f'Reply-To={value}')}", now)
    if name == "addressed":
        return Or(tuple(_ours(f"{one}:{_quoted(value)}", now) for one in ("from", "to", "cc", "recipient")))
    if name == "has" and value.lower() in ("attachment", "attachments"):
        return _ours("has:attachment", now)
    if name in ("before", "after"):
        return _dated(name, value, now, zone)
    if name in ("is", "has"):
        raise FieldError("query", f"{name}:{value[:50]} is not known here")
    # A word that stands alone also finds words that begin so.
    return _ours(value if value.isalnum() and value != "OR" and not field else _quoted(field + value), now)


def _dated(name: str, value: str, now: int, zone: tzinfo) -> Node:
    """Before the beginning of the day or the moment; after: from then on."""
    try:
        when = datetime.fromisoformat(value.replace("/", "-"))
    except ValueError:
        return _ours(f"{name}:{_quoted(value)}", now)
    at = int((when if when.tzinfo else when.replace(tzinfo=zone)).timestamp()) * 1_000_000
    return Term(name, value, span=(None, at) if name == "before" else (at, None))


def _ours(text: str, now: int) -> Node:
    return parse_query(text, now=now).root


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
