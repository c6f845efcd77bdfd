"""The address of the grid, its whole state: search, sort, what a row is, columns, page, opened message. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from relay.archive.api import SORT_KEYS, Sort

MAX_QUERY = 1000
NEWEST_FIRST = Sort()
ROWS = ("", "recipients", "mailings")
"""What a row is: a message, one recipient's copy, a mailing."""


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the grid."""

    q: str = ""
    sort: Sort = NEWEST_FIRST
    rows: str = ""
    columns: str = ""
    """Names with commas between them; '' for those that the person chose."""
    cursor: str = ""
    open: str = ""
    """The message in the panel."""

    @property
    def parameters(self) -> dict[str, str]:
        """Those that differ from the usual, by name."""
        given = {
            "q": self.q,
            "sort": sort_value(self.sort),
            "rows": self.rows,
            "columns": self.columns,
            "cursor": self.cursor,
            "open": self.open,
        }
        return {name: value for name, value in given.items() if value}

    @property
    def address(self) -> str:
        """`/?q=` for the plain grid: `/` alone may be somebody's default view."""
        return f"/?{urlencode(self.parameters or {'q': ''})}"

    def at(self, cursor: str | None) -> str:
        """The address of another page of the same."""
        return replace(self, cursor=cursor or "", open="").address

    def opened(self, message_id: str) -> str:
        """The address of this page with the message in the panel."""
        return self.opening + message_id

    @property
    def opening(self) -> str:
        """How the address of this page with a message in the panel begins: the message's id follows (a ULID)."""
        return replace(self, open="0").address.removesuffix("0")

    def searching(self, q: str) -> str:
        return replace(self, q=q, cursor="", open="").address

    def showing(self, rows: str) -> str:
        """The address with other rows: only messages can be sorted."""
        return replace(self, rows=rows, sort=NEWEST_FIRST if rows else self.sort, cursor="", open="").address

    def sorted_by(self, key: str, descending: bool) -> str:
        return replace(self, sort=Sort(key, descending), cursor="", open="").address

    @property
    def closed(self) -> str:
        return replace(self, open="").address

    @property
    def kept(self) -> dict[str, str]:
        """What a new search keeps."""
        return {name: value for name, value in self.parameters.items() if name in ("sort", "rows", "columns")}


def place_of(given: Mapping[str, str]) -> Place:
    """What a query string asks for; anything unknown is as if it were not there."""
    rows = given.get("rows", "")
    rows = rows if rows in ROWS else ""
    return Place(
        q=given.get("q", "").strip()[:MAX_QUERY],
        sort=NEWEST_FIRST if rows else parse_sort(given.get("sort", "")),
        rows=rows,
        columns=given.get("columns", "")[:200],
        cursor=given.get("cursor", "")[:1000],
        open=given.get("open", "")[:40],
    )


def parse_sort(text: str) -> Sort:
    """`subject` ascending, `-subject` descending; anything unknown is newest first."""
    key = text.removeprefix("-")
    return Sort(key, text.startswith("-")) if key in SORT_KEYS else NEWEST_FIRST


def sort_value(sort: Sort) -> str:
    """'' for newest first."""
    return "" if sort == NEWEST_FIRST else ("-" if sort.descending else "") + sort.key
