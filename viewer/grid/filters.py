"""The filter bar: the search language in another form. Text -> fields, fields -> text, and back without loss. Pure.

A search is a list of conditions that all hold; those that a field can say are taken into it, everything else stays as
text in `rest`. `filter_of(text).text` means the same as `text`; the order of the conditions may be another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta

from relay.archive.query import And, Node, Query, QuerySyntaxError, Term, format_query, parse_query, quoted

TEXTS: Mapping[str, str] = {
    "recipient": "recipient",
    "subject": "subject",
    "sender": "from",
    "ref": "ref",
    "status": "status",
    "application": "application",
    "tag": "tag",
}
"""The fields that hold a value of the language, and the language's names for them."""
PERIODS = ("24h", "7d", "30d", "90d", "365d")
"""Offered as `the last …`."""


@dataclass(frozen=True, slots=True)
class Filter:
    """The fields of the bar; '' where one says nothing. `since` and `until` are days (`2026-05-31`), both included."""

    recipient: str = ""
    subject: str = ""
    sender: str = ""
    ref: str = ""
    status: str = ""
    application: str = ""
    tag: str = ""
    period: str = ""
    """One of PERIODS; then `since` and `until` say nothing."""
    since: str = ""
    until: str = ""
    rest: str = ""
    """What no field can say, in the search language."""

    @property
    def is_filled(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self) if field.name != "rest")

    @property
    def is_telling(self) -> bool:
        """Whether the bar says more than the chips of states do."""
        return replace(self, status="").is_filled

    @property
    def text(self) -> str:
        """In the search language. Days that are none are left out."""
        parts = [self.rest.strip()] if self.rest.strip() else []
        if len(parts) == 1 and self.is_filled and not _is_list(parts[0]):
            # `a OR b` beside other conditions.
            parts = [f"({parts[0]})"]
        for name, field in TEXTS.items():
            if value := getattr(self, name).strip():
                parts.append(f"{field}:{_value(value)}")
        parts += [f"after:{self.period}"] if self.period in PERIODS else _days(self.since, self.until)
        return " ".join(parts)


def filter_of(text: str, now: int) -> Filter:
    """The fields that say what `text` says. Raises QuerySyntaxError."""
    root = parse_query(text, now=now).root
    nodes = root.nodes if isinstance(root, And) else (root,)
    taken: dict[str, str] = {}
    rest = [node for node in nodes if not _take(node, taken)]
    # One alone stands without parentheses, as it was typed.
    said = format_query(Query(rest[0] if len(rest) == 1 else And(tuple(rest))))
    return Filter(**taken, rest=said)


def filter_from(given: Mapping[str, str]) -> Filter:
    """The fields as a form gives them; its `rest` comes along."""
    return Filter(**{field.name: str(given.get(field.name, ""))[:300].strip() for field in fields(Filter)})


def _is_list(text: str) -> bool:
    """Whether other conditions can stand beside the text as it is."""
    try:
        root = parse_query(text, now=0).root
    except QuerySyntaxError:
        return True
    return isinstance(root, And | Term) or text.startswith("-")


def _take(node: Node, taken: dict[str, str]) -> bool:
    """Whether a field, one that is still free, says what the node says; it is noted then."""
    if not isinstance(node, Term):
        return False
    found = _field(node)
    if found is None or not found.keys().isdisjoint(taken):
        return False
    if found.keys() & {"since", "until"} and "period" in taken:
        return False
    if "period" in found and taken.keys() & {"since", "until"}:
        return False
    taken |= found
    return True


def _field(term: Term) -> dict[str, str] | None:
    """What the term would be in the bar; None where no field can say it exactly."""
    for name, field in TEXTS.items():
        if term.field == field:
            same = _value(term.value) == (quoted(term.value) if term.is_phrase else term.value)
            return {name: term.value} if same and term.value == term.value.strip() else None
    if term.is_phrase:
        return None
    if term.field == "after" and term.value in PERIODS:
        return {"period": term.value}
    day = _day(term.value)
    if day is None:
        return None
    if term.field == "on":
        return {"since": term.value, "until": term.value}
    if term.field == "after":
        return {"since": term.value}
    if term.field == "before" and day > date.min:
        return {"until": (day - timedelta(days=1)).isoformat()}
    return None


def _value(text: str) -> str:
    """A value of the language: a word where that can be one, else a phrase."""
    is_word = bool(text) and not any(char.isspace() or char in '()"' for char in text)
    return text if is_word else quoted(text)


def _days(since: str, until: str) -> list[str]:
    first, last = _day(since), _day(until)
    if first is not None and first == last:
        return [f"on:{since}"]
    parts = [f"after:{since}"] if first is not None else []
    if last is not None and last < date.max:
        parts.append(f"before:{(last + timedelta(days=1)).isoformat()}")
    return parts


def _day(text: str) -> date | None:
    """The day of `2026-05-31`; None for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None
