"""The reports as JSON and CSV; what was sent to one recipient; the bounce desk's way to the suppression list."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from relay.archive.api.figure import Sending
from relay.model.access import Permission
from relay.model.event import Kind as EventKind
from viewer.api.parameters import MOST_ROWS, choice, json_object, number
from viewer.api.shape import Json, time, time_or_none
from viewer.errors import FieldError
from viewer.figures import naming
from viewer.figures.asked import asked
from viewer.figures.bounces import CLASSES, Kind
from viewer.figures.catalogue import MAKE
from viewer.figures.comparison import KINDS
from viewer.figures.naming import NAMES
from viewer.figures.senders import KINDS as SENDERS
from viewer.figures.suppressing import suppress
from viewer.figures.table import Cell, Column, Form, Report, Table, as_csv, as_json
from viewer.journal import record
from viewer.pages.domains import known
from viewer.pages.recipient import entries_of
from viewer.security import archive_of, require
from viewer.streams import attachment, stream
from viewer.translation import say

routes = web.RouteTableDef()

REPORT = f"{{report:{'|'.join(MAKE)}}}"
ADDRESS = r"{address:[^{}/]{1,320}}"
PORTION = 200
CSV = "text/csv; charset=utf-8"
SUPPRESS_NAMES = frozenset({"domain", "class", "reason", "application"})


@routes.get(f"/api/figures/{REPORT}")
async def show(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    return web.json_response(as_json(await _made(request)))


@routes.get(f"/api/figures/{REPORT}/csv")
async def file(request: web.Request) -> web.Response:
    """One table of the report; `table` names it, else the first."""
    require(request, Permission.READ)
    report = await _made(request)
    wanted = request.query.get("table", "")
    table = report.table(wanted)
    if table is None and wanted:
        names = ", ".join(one.name for one in report.tables)
        raise FieldError("table", say("must be one of %(names)s", names=names or "–"))
    body = as_csv(table or Table("", "", (), ()))
    name = f"{report.name}-{report.period.first_date}-{report.period.last_date}.csv"
    return web.Response(body=body, headers={"Content-Type": CSV, "Content-Disposition": attachment(name)})


async def _made(request: web.Request) -> Report:
    """The report; what one report alone makes use of must be right for the others too."""
    choice(request, "kind", tuple(KINDS))
    choice(request, "by", tuple(SENDERS))
    return await MAKE[request.match_info["report"]](request)


@routes.post("/api/figures/domains/{name:[^/{}]{1,253}}/check")
async def check(request: web.Request) -> web.Response:
    """What the DNS says now of a domain that mail was sent from."""
    require(request, Permission.READ)
    _, keys = await known(request)
    facts = await naming.facts(request.app[NAMES].lookup, request.match_info["name"], keys)
    found = [
        {"what": fact.what, "name": fact.name, "record": fact.record, "tone": fact.tone, "verdict": str(fact.verdict)}
        for fact in facts
    ]
    return web.json_response({"facts": found})


@routes.post("/api/figures/bounces/suppress")
async def suppress_line(request: web.Request) -> web.Response:
    """`{"domain": …, "class": …, "reason": …, "application": …}`: all recipients of one line of the bounce desk."""
    require(request, Permission.SUPPRESS)
    given = await json_object(request, SUPPRESS_NAMES)
    for name in SUPPRESS_NAMES:
        if not isinstance(given.get(name, ""), str):
            raise FieldError(name, say("must be a text"))
    for name in ("domain", "class", "reason"):
        if name not in given:
            raise FieldError(name, say("is missing"))
    if given["class"] not in CLASSES:
        raise FieldError("class", say("must be one of %(names)s", names=", ".join(CLASSES)))
    kind = Kind(given["domain"], given["class"], given["reason"], "")
    return web.json_response(
        {"suppressed": await suppress(request, asked(request), kind, given.get("application", ""))}
    )


@routes.get(f"/api/recipients/{ADDRESS}")
async def recipient(request: web.Request) -> web.Response:
    """All that was sent to one address, a page at a time, with the sum of it."""
    require(request, Permission.READ)
    archive, address = archive_of(request), request.match_info["address"]
    limit = number(request, "limit", 50, 1, MOST_ROWS)
    try:
        page = await archive.sendings_to(address, cursor=request.query.get("cursor"), limit=limit)
    except ValueError as error:
        raise FieldError("cursor", str(error)) from None
    sums = await archive.sums_to(address)
    return web.json_response(
        {
            "address": address,
            "states": {state.value: count for state, count in sums.states.items()},
            "opened": sums.opened,
            "clicked": sums.clicked,
            "first_at": time_or_none(sums.first_at),
            "last_at": time_or_none(sums.last_at),
            "is_cut": sums.is_cut,
            "suppressions": [entry.id for entry in await entries_of(request, address)],
            "sendings": [_sending(one) for one in page.sendings],
            "next": page.next,
        }
    )


@routes.get(f"/api/recipients/{ADDRESS}/csv")
async def recipient_file(request: web.Request) -> web.StreamResponse:
    require(request, Permission.EXPORT)
    address = request.match_info["address"]
    await record(request, EventKind.EXPORTED, what="recipient", query=address, format="csv")
    headers = {"Content-Type": CSV, "Content-Disposition": attachment("recipient.csv")}
    return await stream(request, _lines(request, address), headers)


async def _lines(request: web.Request, address: str) -> AsyncIterator[bytes]:
    keys = ("received_at", "message_id", "application", "sender", "subject", "state", "opened", "clicked", "reply")
    columns = [Column(key, "", Form.TEXT) for key in keys]
    cursor: str | None = None
    yield as_csv(Table("", "", columns, ()))
    while True:
        page = await archive_of(request).sendings_to(address, cursor=cursor, limit=PORTION)
        rows = [[Cell(_text(value)) for value in _flat(one)] for one in page.sendings]
        # Without the byte order mark and the heads of the columns, which stand once.
        yield as_csv(Table("", "", (), rows)).removeprefix(b"\xef\xbb\xbf\r\n")
        cursor = page.next
        if cursor is None:
            return


def _flat(one: Sending) -> list[object]:
    told = _sending(one)
    names = ("received_at", "message_id", "application", "sender", "subject", "state", "opened", "clicked", "reply")
    return [told[name] for name in names]


def _text(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _sending(one: Sending) -> Json:
    delivery = one.delivery
    return {
        "message_id": delivery.message_id,
        "delivery_id": delivery.id,
        "received_at": time(one.received_at),
        "application": one.application,
        "sender": one.sender,
        "subject": one.subject,
        "state": delivery.state.value,
        "opened": one.opened,
        "clicked": one.clicked,
        "reply": str(delivery.reply) if delivery.reply else "",
        "complained_at": time_or_none(delivery.complained_at),
        "unsubscribed_at": time_or_none(delivery.unsubscribed_at),
    }
