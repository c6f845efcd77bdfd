"""Volume: how much mail there was, day by day, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from relay.model.figure import NONE, STATES, By, FigureSheet, Sums
from viewer import present
from viewer.figures import chart
from viewer.figures.asked import COPIES, MESSAGES, STATUS, Asked, count, glance, glance_columns, lag
from viewer.figures.chart import Series
from viewer.figures.period import Bucket, iso, terms
from viewer.figures.table import Cell, Column, Drawing, Form, Report, Table, legend
from viewer.translation import Saying, grouped, say, shown

GROUPS: tuple[tuple[Saying, tuple[str, ...]], ...] = (
    (say("Delivered, as reported"), ("delivered",)),
    (say("Sent, nothing reported"), ("sent",)),
    (say("Waiting or held"), ("queued", "deferred", "unconfirmed", "held")),
    (say("Kept, not sent"), ("captured", "suppressed", "cancelled")),
    (say("Failed, bounced, dropped"), ("failed", "bounced", "dropped")),
)
"""The states as the chart shows them, from the bottom up."""
WORDS = {state.value: word.text for state, word in present.STATES.items()}


async def volume(asked: Asked) -> Report:
    sheet = await asked.archive.figures(replace(asked.choice, by=(By.DAY,)))
    before = await asked.archive.figures(asked.choice_before) if asked.compares else None
    buckets = asked.period.buckets()
    sums = by_bucket(sheet, buckets)
    return Report(
        "volume",
        say("Volume"),
        say("How much mail there was, and what became of it. Everything counts on the day its message came in."),
        asked.period,
        tables=(
            Table(
                "totals",
                say("All together"),
                glance_columns(asked.compares),
                glance(sheet.total, before.total if before else None, asked),
            ),
            _over_time(asked, buckets, sums),
        ),
        drawings=(drawing("volume", buckets, sums),),
        filters=asked.filters,
        **lag(sheet, *([before] if before else [])),
    )


def by_bucket(sheet: FigureSheet, buckets: Sequence[Bucket]) -> list[Sums]:
    """The sums of each bucket; the sheet's figures are by day."""
    days = {figure.keys[0]: figure.sums for figure in sheet.figures}
    return [sum((days[day] for day in range(bucket.first, bucket.stop) if day in days), NONE) for bucket in buckets]


def _over_time(asked: Asked, buckets: Sequence[Bucket], sums: Sequence[Sums]) -> Table:
    used = [state for state in STATES if any(getattr(one, state) for one in sums)]
    rows = []
    for bucket, one in reversed(list(zip(buckets, sums, strict=True))):
        days = terms(bucket.first, bucket.stop)
        whole = asked.search(days=days)
        states = [count(getattr(one, state), asked.search(STATUS[state], days=days)) for state in used]
        rows.append([Cell(span(bucket)), count(one.messages, whole), count(one.copies, whole), *states])
    columns = [
        Column("days", say("Days"), Form.TEXT),
        MESSAGES,
        COPIES,
        *(Column(state, WORDS[state]) for state in used),
    ]
    return Table("over-time", say("Over time"), columns, rows)


def span(bucket: Bucket) -> str:
    """`2026-11-24`, or `2026-11-01 to 2026-11-30`."""
    first, last = iso(bucket.first), iso(bucket.stop - 1)
    return first if first == last else say("%(first)s to %(last)s", first=first, last=last)


def drawing(key: str, buckets: Sequence[Bucket], sums: Sequence[Sums]) -> Drawing:
    """Stacked bars of what became of the copies."""
    series = [
        Series(name, tone, [sum(getattr(one, state) for state in states) for one in sums])
        for tone, (name, states) in enumerate(GROUPS)
    ]
    title = say("Recipients by day and what became of their mail").shown()
    described = say(
        "Stacked bars from %(first)s to %(last)s: %(parts)s. The table has each figure.",
        first=buckets[0].label,
        last=buckets[-1].label,
        parts=", ".join(f"{shown(one.name)} {grouped(sum(one.values))}" for one in series),
    ).shown()
    labels = [bucket.label for bucket in buckets]
    wide, narrow = (
        chart.stacked(f"{key}-{name}", title, described, labels, series, width=width, height=height)
        for name, width, height in (("wide", 1000, 260), ("narrow", 350, 230))
    )
    return Drawing(wide, narrow, legend(key, series))
