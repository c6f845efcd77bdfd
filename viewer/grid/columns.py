"""The columns of the grid: which there are, and which a person looks at, in which order and how wide. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from viewer.translation import say


@dataclass(frozen=True, slots=True)
class ColumnKind:
    """`sort` is a key of the archive's SORT_KEYS, '' where the column cannot be sorted."""

    name: str
    title: str
    sort: str = ""


COLUMNS: Mapping[str, ColumnKind] = {
    column.name: column
    for column in (
        ColumnKind("to", say("To"), "to"),
        ColumnKind("subject", say("Subject"), "subject"),
        ColumnKind("sender", say("Sender"), "sender"),
        ColumnKind("ref", say("Ref")),
        ColumnKind("status", say("Status")),
        ColumnKind("tags", say("Tags")),
        ColumnKind("application", say("Application")),
        ColumnKind("size", say("Size"), "size"),
        ColumnKind("date", say("Date sent"), "date"),
    )
}
USUAL = ("to", "subject", "sender", "ref", "status", "size", "date")
ALWAYS = "subject"
"""Opens the message: cannot be left out."""
NARROWEST, WIDEST = 60, 900
"""Pixels."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What a person looks at. `widths` in pixels; a column without one has its natural width."""

    columns: tuple[str, ...] = USUAL
    widths: Mapping[str, int] | None = None

    def width(self, name: str) -> int:
        """0: its natural width."""
        return (self.widths or {}).get(name, 0)


def chosen(names: Sequence[object]) -> tuple[str, ...]:
    """Those that there are, each once; with the subject; the usual ones where nothing is left."""
    known = tuple(name for name in dict.fromkeys(map(str, names)) if name in COLUMNS)
    if not known:
        return USUAL
    return known if ALWAYS in known else (ALWAYS, *known)


def layout(preferences: Mapping[str, Any], named: str = "") -> Layout:
    """As the person set it; `named` (`to,subject,date`), if given, says which columns instead."""
    own = preferences.get("columns")
    names: Sequence[object] = named.split(",") if named else own if isinstance(own, list) else USUAL
    widths = preferences.get("widths")
    return Layout(chosen(names), sound_widths(widths if isinstance(widths, Mapping) else {}))


def sound_widths(given: Mapping[str, Any]) -> dict[str, int]:
    """Widths of columns that there are, within bounds."""
    return {
        name: min(max(width, NARROWEST), WIDEST)
        for name, width in given.items()
        if name in COLUMNS and isinstance(width, int) and width > 0
    }
