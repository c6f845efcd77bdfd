"""A report as values: sentences, charts, tables whose figures lead to the messages behind them; its CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from relay.rendition.export import safe_cell
from viewer.figures.chart import Series, swatch
from viewer.figures.period import Period
from viewer.present import iso

Value = str | int | float | None


class Form(StrEnum):
    """What a column holds, and so how it is shown."""

    TEXT = "text"
    COUNT = "count"
    RATE = "rate"
    """From 0 to 1; None of nothing."""
    CHANGE = "change"
    """Of a count or rate since the period before, as a share of it; None from nothing."""
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class Column:
    """`key`: its name in CSV and JSON. `hint`: what it says and does not say."""

    key: str
    title: str
    form: Form = Form.COUNT
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """`q`: the search for the messages behind it. `of`: what a rate was counted from: hits, among."""

    value: Value
    q: str = ""
    href: str = ""
    of: tuple[int, int] | None = None
    range: tuple[float, float] | None = None
    """The interval of a rate."""
    tone: str = ""
    """A tone of the style sheet, where the figure itself is an alarm; `note` says why."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    empty: str = ""
    """What is said in place of no rows."""
    intro: str = ""
    most: int | None = None
    """So many rows a page shows; programs get all that there are."""

    @property
    def shown(self) -> Sequence[Sequence[Cell]]:
        """The rows of a page."""
        return self.rows[: self.most]

    @property
    def is_cut(self) -> bool:
        """Whether a page shows fewer than there are."""
        return self.most is not None and len(self.rows) > self.most


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart, twice: for a desk and for a phone. `legend`: its series, from the top down."""

    wide: str
    narrow: str
    legend: Sequence[tuple[str, str]] = ()
    """(swatch as SVG, name)."""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """One page. `counted`: only the newest so many messages were looked at."""

    name: str
    title: str
    lead: str
    period: Period
    tables: Sequence[Table]
    drawings: Sequence[Drawing] = ()
    sentences: Sequence[Sentence] = ()
    as_of: int | None = None
    counted: int | None = None
    filters: Mapping[str, str] = field(default_factory=dict)
    """What of the query string it is narrowed by, besides the period."""

    def table(self, name: str) -> Table | None:
        """The table of that name, the first for ''."""
        return next((table for table in self.tables if name in ("", table.name)), None)


def rate(hits: int, among: int, *, q: str = "", **more: Any) -> Cell:
    return Cell(round(hits / among, 6) if among else None, q=q, of=(hits, among), **more)


def change(now: float | None, before: float | None) -> Cell:
    """How much a figure rose or fell: 0.5 is half as much again."""
    return Cell(None if now is None or not before else round(now / before - 1, 6))


def as_csv(table: Table) -> bytes:
    """With a byte order mark, as spreadsheets want it; no cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column.key for column in table.columns])
    for row in table.rows:
        writer.writerow([_csv_cell(cell.value) for cell in row])
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8", "replace")


def _csv_cell(value: Value) -> str:
    # A number below nothing begins with what a spreadsheet would run, were it text.
    if isinstance(value, int | float):
        return str(value)
    return safe_cell(str(value)) if value is not None else ""


def as_json(report: Report) -> dict[str, Any]:
    return {
        "report": report.name,
        "from": report.period.first_date,
        "to": report.period.last_date,
        "as_of": None if report.as_of is None else iso(report.as_of),
        "counted": report.counted,
        "sentences": [str(sentence.text) for sentence in report.sentences],
        "tables": [_json_table(table) for table in report.tables],
    }


def _json_table(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "columns": [
            {"key": one.key, "title": str(one.title), "form": one.form.value, "hint": str(one.hint)}
            for one in table.columns
        ],
        "rows": [[_json_cell(cell) for cell in row] for row in table.rows],
    }


def _json_cell(cell: Cell) -> dict[str, Any]:
    value = str(cell.value) if isinstance(cell.value, str) else cell.value
    found: dict[str, Any] = {"value": value}
    if cell.q:
        found["q"] = cell.q
    if cell.of is not None:
        found["hits"], found["among"] = cell.of
    if cell.range is not None:
        found["low"], found["high"] = (round(end, 6) for end in cell.range)
    return found


def legend(key: str, series: Sequence[Series]) -> list[tuple[str, str]]:
    return [(swatch(f"{key}-s", one), one.name) for one in reversed(series)]
