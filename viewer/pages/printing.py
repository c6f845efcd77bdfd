"""The print view of one message, of some, or of a search, and its PDF. Nothing on it runs or fetches anything."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence

from aiohttp import web
from markupsafe import Markup

from relay.archive.api import Archive, NotFound
from relay.archive.query import parse_query
from relay.model.access import Permission
from relay.model.event import Kind
from relay.model.identifier import ULID_PATTERN
from relay.notary.evidence import Narrator
from viewer.api.parameters import query_text
from viewer.errors import FieldError
from viewer.journal import deed
from viewer.keys import CLOCK, NARRATE
from viewer.message import pdf, printing
from viewer.message.evidence_summary import Summary
from viewer.message.parsing import in_thread
from viewer.message.printing import MAX_ALL, MOST, Sheet, sheet
from viewer.message.worker import Worker
from viewer.pages.frames import document
from viewer.security import archive_of, require
from viewer.streams import download
from viewer.translation import say

routes = web.RouteTableDef()
WORKER: web.AppKey[Worker] = web.AppKey("pdf", Worker)
TIME_LIMIT = 60.0
MEMORY = 2 * 1024 * 1024 * 1024
MAX_PDF = 8_000_000
"""Characters of HTML of which a PDF is made."""
NO_PDF = say("No PDF could be made of this in the time and memory it may take. Print the view in your browser instead.")
NOT_INSTALLED = say(
    "PDFs need an extra of Mailwitness: pip install 'mailwitness[pdf]'. The print view can be saved as PDF too."
)
_ID = re.compile(ULID_PATTERN)


async def _running(app: web.Application) -> AsyncIterator[None]:
    worker = Worker("viewer.message.pdf", time_limit=TIME_LIMIT, memory=MEMORY)
    app[WORKER] = worker

    def narrate(*, made_by: str, made_at: int, query: str) -> Narrator:
        draw = worker.ask if pdf.IS_THERE else None
        return Summary(made_by=made_by, made_at=made_at, query=query, draw=draw)

    app[NARRATE] = narrate
    yield
    await app[WORKER].close()


def setup(app: web.Application) -> None:
    app.cleanup_ctx.append(_running)


@routes.get("/print")
async def show(request: web.Request) -> web.Response:
    """`message` (may come many times) or `q`: at most MOST messages, of a search the newest."""
    ids, is_cut = await _chosen(request)
    sheets = await _sheets(request, ids)
    await _record(request, ids, Kind.VIEWED, "print")
    tools = [Markup('<a href="{}">{}</a>').format(f"/messages/{ids[0]}" if len(ids) == 1 else "/", say("Back"))]
    if pdf.IS_THERE:
        tools.append(Markup('<a href="{}" download>PDF</a>').format(f"/print.pdf?{request.query_string}"))
    tools.append(Markup("<span>{}</span>").format(say("Print with Ctrl+P.")))
    if is_cut:
        tools.append(Markup("<b>{}</b>").format(say("More match: these are the newest %(most)s.", most=MOST)))
    html = await in_thread(request, lambda: printing.page(sheets, tools=Markup(" ").join(tools)))
    return document(html, printing.POLICY)


@routes.get("/print.pdf")
async def as_pdf(request: web.Request) -> web.Response:
    """The same as a PDF; 422 for what is too much, 501 where the library is missing."""
    if not pdf.IS_THERE:
        raise web.HTTPNotImplemented(text=NOT_INSTALLED)
    ids, _ = await _chosen(request)
    sheets = await _sheets(request, ids)
    if sum(one.weight for one in sheets) > MAX_PDF:
        raise web.HTTPUnprocessableEntity(text=NO_PDF)
    question = await in_thread(request, lambda: json.dumps(printing.pieces(sheets)).encode())
    made = await request.app[WORKER].ask(question)
    if made is None:
        raise web.HTTPUnprocessableEntity(text=NO_PDF)
    await _record(request, ids, Kind.DOWNLOADED, "pdf")
    return download(made, "application/pdf", f"{ids[0]}.pdf" if len(ids) == 1 else "mailwitness-messages.pdf")


async def _chosen(request: web.Request) -> tuple[list[str], bool]:
    """The ids of the messages meant, and whether more match. More than one is taken away only by who may export."""
    require(request, Permission.BODY)
    named = list(dict.fromkeys(request.query.getall("message", [])))
    if len(named) > MOST or not all(_ID.fullmatch(one) for one in named):
        raise FieldError("message", say("must be the id of a message, %(most)s at most", most=MOST))
    if len(named) == 1:
        return named, False
    require(request, Permission.EXPORT)
    if named:
        return named, False
    if "q" not in request.query:
        raise FieldError("message", say("name at least one message, or give a search as q"))
    query = parse_query(query_text(request.query["q"]), now=request.app[CLOCK]())
    page = await archive_of(request).search(query, limit=MOST + 1)
    if not page.rows:
        raise web.HTTPNotFound(text=say("No message matches this search."))
    return [row.id for row in page.rows[:MOST]], len(page.rows) > MOST


async def _sheets(request: web.Request, ids: Sequence[str]) -> list[Sheet]:
    """Raises NotFound for an id that is not kept, 422 for more than can be shown on one page."""
    archive, sheets, weight = archive_of(request), [], 0
    for message_id in ids:
        stored = await archive.message(message_id)
        content = await _content(archive, message_id)
        made = await in_thread(request, lambda stored=stored, content=content: sheet(stored, content))  # type: ignore[misc]
        weight += made.weight
        if weight > MAX_ALL:
            raise web.HTTPUnprocessableEntity(
                text=say("These messages are too large for one print view; choose fewer.")
            )
        sheets.append(made)
    return sheets


async def _content(archive: Archive, message_id: str) -> bytes | None:
    """None for a content that was deleted: its facts are printed all the same."""
    try:
        return await archive.content(message_id)
    except NotFound:
        return None


async def _record(request: web.Request, ids: Sequence[str], kind: Kind, what: str) -> None:
    if request.method != "HEAD":
        await archive_of(request).add_events([deed(request, kind, message_id, what=what) for message_id in ids])
