"""Senders: volume, failures, answers of the provider, opens and clicks by member of staff, application or domain."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote, urlencode

from relay.archive.query import quoted
from relay.model.figure import By, Figure
from viewer.figures.asked import CHANGE, COPIES, MESSAGES, RATES, Asked, count, lag, rates
from viewer.figures.table import Cell, Column, Form, Report, Table, change
from viewer.translation import Saying, say

KINDS: dict[str, tuple[By, Saying, Saying]] = {
    "author": (By.AUTHOR, say("By author"), say("Author")),
    "application": (By.APPLICATION, say("By application"), say("Application")),
    "domain": (By.DOMAIN, say("By domain"), say("Domain")),
}
"""By what they may be told apart: the way, the name of the choice, the heading of the column."""
MOST = 60
"""Lines of a page: those who send most."""
NOBODY = say("not known (yet)")
"""There is no From field that can be read, or the indexer has not been there."""


async def senders(asked: Asked, kind: str) -> Report:
    by, title, heading = KINDS[kind]
    choice = replace(asked.choice, by=(by,), limit=asked.limit(MOST))
    sheet = await asked.archive.figures(choice)
    sheets, before = [sheet], None
    if asked.compares:
        earlier = await asked.archive.figures(replace(asked.choice_before, by=(by,)))
        before = {figure.keys[0]: figure.sums.copies for figure in earlier.figures}
        sheets.append(earlier)
    columns = [
        Column(kind, heading, Form.TEXT),
        MESSAGES,
        COPIES,
        *(
            [Column("before", say("Before"), hint=say("Recipients in the period before.")), CHANGE]
            if asked.compares
            else []
        ),
        *RATES,
    ]
    table = Table(
        "senders",
        title,
        columns,
        [_row(asked, kind, figure, before) for figure in sheet.figures],
        empty=say("No mail in this period."),
        most=MOST,
    )
    return Report(
        "senders",
        say("Senders"),
        say("Who sends how much, how it fares, and how fast the provider answers. The author is the From field's."),
        asked.period,
        tables=(table,),
        filters=asked.filters | {"by": kind},
        **lag(*sheets),
    )


def _row(asked: Asked, kind: str, figure: Figure, before: dict[str | int, int] | None) -> list[Cell]:
    name, sums = str(figure.keys[0]), figure.sums
    q = asked.search(_term(kind, name)) if name else ""
    cells = [_named(asked, kind, name), count(sums.messages, q), count(sums.copies, q)]
    if before is not None:
        earlier = before.get(name, 0)
        days = asked.search(_term(kind, name), days=asked.period.before.terms)
        cells += [count(earlier, days), change(sums.copies, earlier)]
    cells += rates(sums, q)
    return cells if q else [replace(cell, q="") for cell in cells]


def _named(asked: Asked, kind: str, name: str) -> Cell:
    """The name, with the way to its own page."""
    if not name:
        return Cell(NOBODY)
    if kind == "application":
        return Cell(name, href=f"/applications/{quote(name, safe='')}")
    author = f"@{name}" if kind == "domain" else name
    return Cell(name, href=f"/reports/volume?{urlencode({**asked.period.parameters, 'author': author})}")


def _term(kind: str, name: str) -> str:
    if kind == "application":
        return f"application:{quoted(name)}"
    return f"from:{quoted('@' + name if kind == 'domain' else name)}"
