"""One application: its volume, how its mail fares, where it goes, what failed of late, and who says how it is set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiohttp import web

from relay.archive.api import NotFound
from relay.archive.query import Query, Term, quoted
from relay.model.access import Permission
from relay.model.figure import By, Facet, Figure
from viewer.figures.asked import COPIES, LOST, STATUS, Asked, count, glance, glance_columns, lag
from viewer.figures.table import Cell, Column, Form, Report, Table, rate
from viewer.figures.volume import by_bucket, drawing
from viewer.keys import CONFIG
from viewer.security import archive_of, signed_in_user
from viewer.translation import Saying, say
from viewer.work import modes
from viewer.work.modes import ModeOf

PLACES = 15
NAMES = (
    *("messages", "copies", "delivered", "sent", "waiting", "held", "captured", "suppressed", "bounced", "failed"),
    *("complained", "opened", "prefetched", "clicked"),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds for it, and who says so."""

    name: Saying
    value: str
    origin: Saying


async def application(asked: Asked) -> Report:
    """Of `asked.application`."""
    sheet = await asked.archive.figures(replace(asked.choice, by=(By.DAY,)))
    before = await asked.archive.figures(asked.choice_before) if asked.compares else None
    places = await asked.archive.figures(
        replace(asked.choice, by=(By.VALUE,), facet=Facet.PLACE, limit=asked.limit(PLACES))
    )
    buckets = asked.period.buckets()
    return Report(
        "application",
        asked.application,
        say("What this application sends, how it fares, and how it is set."),
        asked.period,
        tables=(
            Table(
                "totals",
                say("All together"),
                glance_columns(asked.compares),
                glance(sheet.total, before.total if before else None, asked, NAMES),
            ),
            _places(asked, places.figures),
        ),
        drawings=(drawing("application", buckets, by_bucket(sheet, buckets)),),
        filters={name: value for name, value in asked.filters.items() if name != "application"},
        **lag(sheet, places, *([before] if before else [])),
    )


def _places(asked: Asked, figures: Sequence[Figure]) -> Table:
    columns = [
        Column("domain", say("Domain of the recipient"), Form.TEXT),
        COPIES,
        LOST,
        Column("open_rate", say("Opened"), Form.RATE),
    ]
    rows = []
    for figure in figures:
        name, sums = str(figure.keys[0]), figure.sums
        q = asked.search(f"recipient:{quoted('@' + name)}")
        rows.append(
            [
                Cell(name),
                count(sums.copies, q),
                rate(sums.lost, sums.ended, q=f"{STATUS['lost']} {q}"),
                rate(sums.opened, sums.tracked, q=f"{STATUS['opened']} {q}"),
            ]
        )
    return Table("places", say("Where it goes"), columns, rows, empty=say("Nothing in this period."), most=PLACES)


async def settings(request: web.Request, name: str) -> list[Setting]:
    """How it is set, for those who may change it."""
    config, archive = request.app[CONFIG], archive_of(request)
    if not signed_in_user(request).may(Permission.ADMINISTER):
        return []
    origins = {one.name: one for one in await modes.every(request)}
    its = origins.get(name)
    found = [_mode(its)] if its else []
    written = next((one for one in config.application if one.name == name), None)
    if written is not None:
        origin = say("the configuration file")
        found.append(Setting(say("SMTP user"), written.username or "–", origin))
        found.append(Setting(say("May send as"), ", ".join(written.senders) or str(say("anyone")), origin))
        return found
    record = next((one for one in await archive.applications() if one.name == name), None)
    if record is not None:
        origin = say("added here")
        found.append(Setting(say("SMTP user"), record.username, origin))
        found.append(Setting(say("May send as"), ", ".join(record.senders) or str(say("anyone")), origin))
        found.append(Setting(say("Tags"), ", ".join(record.tags) or "–", origin))
    return found


def _mode(its: ModeOf) -> Setting:
    if its.is_switched:
        return Setting(say("Mode"), its.now.value, say("switched here"))
    return Setting(
        say("Mode"), its.now.value, say("the configuration file") if its.origin == "file" else say("added here")
    )


async def require_known(request: web.Request, name: str, report: Report) -> None:
    """Raises NotFound where neither configuration nor mail knows the name."""
    names = {one.name for one in request.app[CONFIG].application}
    names |= {one.name for one in await archive_of(request).applications()}
    if name in names or any(cell.value for row in report.tables[0].rows for cell in row[1:2]):
        return
    if not (await archive_of(request).search(Query(Term("application", name)), limit=1)).rows:
        raise NotFound(f"no application {name}")
