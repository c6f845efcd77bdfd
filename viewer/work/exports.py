"""The pages of export jobs: begin one, see how far it is, fetch its file, remove it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp_jinja2
from aiohttp import web

from relay.archive.query import parse_query
from relay.model.access import Permission
from relay.model.event import Kind
from relay.rendition.export import CONTENT_TYPES
from viewer.api.parameters import query_text
from viewer.journal import deed, record
from viewer.keys import CLOCK, ID, NEW_ID
from viewer.security import archive_of, require
from viewer.streams import attachment, stream
from viewer.translation import say
from viewer.work.export import PIECE, checked_count
from viewer.work.jobs import JOBS, Job

routes = web.RouteTableDef()


def setup(app: web.Application) -> None:
    app.add_routes(routes)


@routes.post("/exports")
async def begin(request: web.Request) -> web.Response:
    """Starts an export of the search `q` as `format`; the answer names the page that shows its progress."""
    person = require(request, Permission.EXPORT)
    form = await request.post()
    q, wanted = query_text(str(form.get("q", ""))), str(form.get("format", "zip"))
    query = parse_query(q, now=request.app[CLOCK]())
    total = await checked_count(archive_of(request), query, wanted)
    job = request.app[JOBS].begin(request.app[NEW_ID](), person.name, q, query, wanted, total, archive_of(request))
    await archive_of(request).add_events([deed(request, Kind.EXPORTED, query=q, format=wanted, count=total)])
    if wants_json(request):
        return web.json_response(job.as_json(), status=202)
    return web.Response(status=303, headers={"Location": f"/exports/{job.id}"})


@routes.get("/exports")
async def show_all(request: web.Request) -> web.Response:
    person = require(request, Permission.EXPORT)
    jobs = request.app[JOBS].of(person.name)
    if wants_json(request):
        return web.json_response({"exports": [job.as_json() for job in jobs]})
    return aiohttp_jinja2.render_template("exports.html", request, {"jobs": jobs})


@routes.get(f"/exports/{ID}")
async def show(request: web.Request) -> web.Response:
    job = _own_job(request)
    if wants_json(request):
        return web.json_response(job.as_json())
    return aiohttp_jinja2.render_template("export.html", request, {"job": job})


@routes.get(f"/exports/{ID}/file")
async def fetch(request: web.Request) -> web.StreamResponse:
    """The finished file; once it has been sent whole, it is removed."""
    job = _own_job(request)
    if job.state != "finished":
        raise web.HTTPConflict(text=say("This export is not finished; there is no file to fetch."))
    await record(request, Kind.DOWNLOADED, what=say("export"), query=job.q, format=job.format, count=job.done)
    headers = {
        "Content-Type": CONTENT_TYPES.get(job.format, "application/zip"),
        "Content-Length": str(job.size),
        "Content-Disposition": attachment(job.filename),
    }
    response = await stream(request, _file_pieces(job.path), headers)
    if request.method == "GET" and response.body_length >= job.size:
        job.advance(job.done, "fetched")
        request.app[JOBS].remove(job)
    return response


@routes.post(f"/exports/{ID}/remove")
async def remove(request: web.Request) -> web.Response:
    request.app[JOBS].remove(_own_job(request))
    if wants_json(request):
        return web.json_response({})
    return web.Response(status=303, headers={"Location": "/exports"})


def _own_job(request: web.Request) -> Job:
    person = require(request, Permission.EXPORT)
    return request.app[JOBS].get(request.match_info["id"], person.name)


async def _file_pieces(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece


def wants_json(request: web.Request) -> bool:
    return "application/json" in request.headers.get("Accept", "")
