"""Subjects, tags or searches compared: rates with their intervals, and whether the differences mean anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from aiohttp import web

from relay.archive.query import parse_query, quoted
from relay.model.figure import NONE, By, Facet, FigureSheet, Sums
from viewer.errors import FieldError
from viewer.figures import chart
from viewer.figures.asked import COMPLAINED, COPIES, LONGEST, LOST, MESSAGES, STATUS, Asked, count, lag
from viewer.figures.chart import Interval
from viewer.figures.significance import Answer, Share, compare, percent, sentence, wilson
from viewer.figures.table import Cell, Column, Drawing, Form, Report, Sentence, Table, rate
from viewer.translation import Saying, joined, say

KINDS: dict[str, Saying] = {"subject": say("Subjects"), "tag": say("Tags and campaigns"), "search": say("Searches")}
FACETS = {"subject": Facet.SUBJECT, "tag": Facet.TAG}
MOST = 6
"""Compared at once: more pairs ask for more copies."""
OFFERED = 30
LETTERS = "ABCDEF"
TONES = {
    Answer.DIFFERENT: "good",
    Answer.SAME: "quiet",
    Answer.TOO_FEW: "warn",
    Answer.NOTHING: "quiet",
}


@dataclass(frozen=True, slots=True)
class Variant:
    """One of those compared. `q`: the search for its messages, without the days."""

    name: str
    q: str
    sums: Sums


@dataclass(frozen=True, slots=True)
class Choice:
    kind: str
    values: tuple[str, ...]


def choice_of(request: web.Request) -> Choice:
    """What the parameters `kind` and `v` (any number) say. Raises FieldError."""
    kind = request.query.get("kind", "subject")
    if kind not in KINDS:
        raise FieldError("kind", say("must be one of %(names)s", names=", ".join(KINDS)))
    values = tuple(dict.fromkeys(value.strip() for value in request.query.getall("v", []) if value.strip()))
    if len(values) > MOST:
        raise FieldError("v", say("at most %(count)s can be compared at once", count=MOST))
    if any(len(value) > LONGEST for value in values):
        raise FieldError("v", say("must have at most %(count)s characters", count=LONGEST))
    return Choice(kind, values)


async def comparison(asked: Asked, choice: Choice) -> Report:
    """Raises QuerySyntaxError for a search that cannot be read."""
    variants, sheets = await _variants(asked, choice)
    tables, drawings, sentences = [], [], []
    if len(variants) > 1:
        tables = [_rates_table(asked, variants)]
        drawings = _drawings(variants)
        sentences = _sentences(variants)
    if choice.kind in FACETS:
        offered = await _offered(asked, choice)
        sheets.append(offered)
        tables.append(_offered_table(asked, choice, offered))
    return Report(
        "compare",
        say("Templates and subjects compared"),
        say(
            "Choose two or more of a kind to see how they fared, and whether the difference means anything. Of a "
            "subject each word with a digit counts as #, so that all invoices have one."
        ),
        asked.period,
        tables=tables,
        drawings=drawings,
        sentences=sentences,
        filters=asked.filters | {"kind": choice.kind},
        **lag(*sheets),
    )


async def _variants(asked: Asked, choice: Choice) -> tuple[list[Variant], list[FigureSheet]]:
    sheets: list[FigureSheet] = []
    if choice.kind == "search":
        variants = []
        for value in choice.values:
            sheet = await asked.archive.figures_of(parse_query(value, now=asked.now), asked.choice)
            sheets.append(sheet)
            variants.append(Variant(value, f"({value})", sheet.total))
        return variants, sheets
    if not choice.values:
        return [], sheets
    values = tuple(map(str.casefold, choice.values)) if choice.kind == "tag" else choice.values
    wanted = replace(asked.choice, by=(By.VALUE,), facet=FACETS[choice.kind], values=values)
    sheet = await asked.archive.figures(wanted)
    found = {figure.keys[0]: figure.sums for figure in sheet.figures}
    return [Variant(value, term(choice.kind, value), found.get(value, NONE)) for value in values], [sheet]


def term(kind: str, value: str) -> str:
    """The search for the messages of a subject or tag. Of a subject, what is between the numbers is looked for."""
    if kind == "tag":
        return f"tag:{quoted(value)}"
    pieces = [piece.strip() for piece in value.split("#")]
    return " ".join(f"subject:{quoted(piece)}" for piece in pieces if any(map(str.isalnum, piece)))


async def _offered(asked: Asked, choice: Choice) -> FigureSheet:
    limit = asked.limit(OFFERED)
    return await asked.archive.figures(replace(asked.choice, by=(By.VALUE,), facet=FACETS[choice.kind], limit=limit))


def _offered_table(asked: Asked, choice: Choice, sheet: FigureSheet) -> Table:
    columns = [
        Column("value", say("Subject") if choice.kind == "subject" else say("Tag"), Form.TEXT),
        MESSAGES,
        COPIES,
        Column("open_rate", say("Opened"), Form.RATE),
        Column("click_rate", say("Clicked"), Form.RATE),
        LOST,
    ]
    rows = []
    for figure in sheet.figures:
        value, sums = str(figure.keys[0]), figure.sums
        q = asked.search(term(choice.kind, value))
        rows.append(
            [
                Cell(value),
                count(sums.messages, q),
                count(sums.copies, q),
                rate(sums.opened, sums.tracked, q=f"{STATUS['opened']} {q}"),
                rate(sums.clicked, sums.linked, q=f"{STATUS['clicked']} {q}"),
                rate(sums.lost, sums.ended, q=f"{STATUS['lost']} {q}"),
            ]
        )
    empty = say("No mail in this period, or none with it.")
    return Table("offered", say("Most sent in this period"), columns, rows, empty=empty, most=OFFERED)


def _rates_table(asked: Asked, variants: Sequence[Variant]) -> Table:
    columns = [
        Column("letter", say("Mark"), Form.TEXT),
        Column("variant", say("Which"), Form.TEXT),
        MESSAGES,
        COPIES,
        Column("open_rate", say("Opened, likely by a person"), Form.RATE),
        Column("machine_open_rate", say("Opened by machines only"), Form.RATE),
        Column("click_rate", say("Clicked, likely by a person"), Form.RATE),
        Column("machine_click_rate", say("Clicked by machines only"), Form.RATE),
        LOST,
        COMPLAINED,
    ]
    rows = []
    for letter, variant in zip(LETTERS, variants, strict=False):
        sums, q = variant.sums, asked.search(variant.q)
        opened, clicked = Share(sums.opened, sums.tracked), Share(sums.clicked, sums.linked)
        rows.append(
            [
                Cell(letter),
                Cell(variant.name),
                count(sums.messages, q),
                count(sums.copies, q),
                _interval_cell(opened, f"{STATUS['opened']} {q}"),
                rate(sums.prefetched, sums.tracked, q=f"{STATUS['prefetched']} {q}"),
                _interval_cell(clicked, f"{STATUS['clicked']} {q}"),
                rate(sums.scanned, sums.linked, q=f"{STATUS['scanned']} {q}"),
                rate(sums.lost, sums.ended, q=f"{STATUS['lost']} {q}"),
                rate(sums.complained, sums.taken, q=f"{STATUS['complained']} {q}"),
            ]
        )
    return Table("compared", say("Compared"), columns, rows)


def _interval_cell(share: Share, q: str) -> Cell:
    return rate(share.hits, share.among, q=q, range=wilson(share) if share.among else None)


OPENS, CLICKS = ("opened", "tracked", "prefetched"), ("clicked", "linked", "scanned")
"""What is likely a person's, of what, and what is machines' alone."""


def _share(sums: Sums, hits: str, among: str) -> Share:
    return Share(getattr(sums, hits), getattr(sums, among))


def _drawings(variants: Sequence[Variant]) -> list[Drawing]:
    kinds = (
        ("opens", say("Opened, likely by a person, with 95 %% intervals; hollow: by machines only"), OPENS),
        ("clicks", say("Clicked, likely by a person, with 95 %% intervals; hollow: by machines only"), CLICKS),
    )
    drawings = []
    for key, title, (hits, among, machines) in kinds:
        rows = []
        for letter, variant in zip(LETTERS, variants, strict=False):
            person, machine = _share(variant.sums, hits, among), _share(variant.sums, machines, among)
            if person.among:
                low, high = wilson(person)
                shown = f"{percent(person.rate)} ({percent(low)} – {percent(high)})"
                rows.append(Interval(f"{letter}  {variant.name}", person.rate, low, high, shown, machine.rate))
        if rows:
            told = "; ".join(f"{row.name}: {row.text}" for row in rows)
            wide, narrow = (
                chart.intervals(f"{key}-{name}", str(title), told, rows, width=width)
                for name, width in (("wide", 1000), ("narrow", 350))
            )
            drawings.append(Drawing(wide, narrow, title=title))
    return drawings


def _sentences(variants: Sequence[Variant]) -> list[Sentence]:
    """One for each pair, of opens and of clicks; as pairs of all those that are compared."""
    pairs = list(combinations(variants, 2))
    found = []
    for what, none, (hits, among, _) in (
        (say("Opened"), say("none of them had a pixel"), OPENS),
        (say("Clicked"), say("none of them had links to follow"), CLICKS),
    ):
        if not any(_share(variant.sums, hits, among).among for variant in variants):
            found.append(Sentence("quiet", joined("", [what, ": ", none, "."])))
            continue
        for first, second in pairs:
            shares = (_share(first.sums, hits, among), _share(second.sums, hits, among))
            text = sentence(what, first.name, second.name, shares, len(pairs))
            found.append(Sentence(TONES[compare(*shares, len(pairs)).answer], text))
    return found
