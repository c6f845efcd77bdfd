"""Exports: a search as one file, streamed; and export jobs, whose progress can be watched and whose file is fetched.

The formats are `relay.rendition.export`'s. That an export was made is recorded before its first octet leaves.
A job's file lies in `<archive.path>/exports`, readable by us only, until it has been fetched or a day has passed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import aiohttp_jinja2
from aiohttp import web

from relay import maillog
from relay.archive.api import Archive, NotFound, Sort, StoredMessage
from relay.archive.query import Query, parse_query
from relay.model.event import Kind
from relay.rendition.export import CONTENT_TYPES, WRITERS, Record, Writer, moment
from viewer.api.parameters import query_text
from viewer.errors import FieldError
from viewer.journal import deed, record
from viewer.keys import ARCHIVE, CLOCK, CONFIG, ID, NEW_ID
from viewer.people import Permission
from viewer.security import require
from viewer.streams import attachment, stream

PAGE = 200
MOST = 10_000_000
DAY = 24 * 3600 * 1_000_000
MOST_RUNNING = 2
"""Jobs at a time; more wait."""
MOST_EACH = 20
"""Jobs of one person that are kept, finished ones among them."""
PIECE = 256 * 1024

routes = web.RouteTableDef()


async def export(
    archive: Archive, query: Query, writer: Writer, progress: Callable[[int], None] = lambda done: None
) -> AsyncIterator[bytes]:
    """The octets of the file: the matching messages in order of capture, but none captured after the call.

    `progress` is told the number of messages written so far.
    """
    number = 0
    try:
        async for stored in matching(archive, query):
            number += 1
            yield await asyncio.to_thread(writer.begin, _record(number, stored))
            if writer.wants_content:
                async for piece in archive.content_chunks(stored.message.id):
                    yield await asyncio.to_thread(writer.feed, piece)
            yield await asyncio.to_thread(writer.end)
            progress(number)
        yield await asyncio.to_thread(writer.finish)
    finally:
        writer.abandon()


async def matching(archive: Archive, query: Query) -> AsyncIterator[StoredMessage]:
    """The messages that match, oldest first, up to the latest one captured before the call."""
    last = (await archive.health()).last_seq
    cursor: str | None = None
    while True:
        page = await archive.search(query, sort=Sort("date", descending=False), cursor=cursor, limit=PAGE)
        for row in page.rows:
            if row.seq <= last:
                with contextlib.suppress(NotFound):
                    yield await archive.message(row.id)
        cursor = page.next
        if cursor is None:
            return


def _record(number: int, stored: StoredMessage) -> Record:
    message, summary = stored.message, stored.summary
    states = sorted({delivery.state.value for delivery in stored.deliveries})
    return Record(
        number=number,
        id=message.id,
        received_at=message.received_at,
        sender=message.envelope.sender,
        author=", ".join(str(author) for author in summary.senders) if summary else "",
        recipients=tuple(recipient.address for recipient in message.envelope.recipients),
        subject=summary.subject if summary else "",
        application=message.application,
        status=", ".join(states),
        references=tuple(reference.code for reference in summary.references) if summary else (),
        tags=summary.tags if summary else message.tags,
        attachment_count=summary.attachment_count if summary else 0,
        size=message.size,
        sha256=message.sha256.hex(),
        header_message_id=summary.header_message_id if summary else "",
        parent_id=message.parent_id or "",
    )


async def checked_count(archive: Archive, query: Query, form: str) -> int:
    """How many messages the export will have. Raises FieldError for a format that cannot hold them."""
    if form not in WRITERS:
        raise FieldError("format", f"must be one of {', '.join(WRITERS)}")
    count = await archive.count(query, at_most=MOST)
    if form == "eml" and count != 1:
        raise FieldError("format", f"eml holds one message and {count} match; use zip or mbox")
    return count


def filename(now: int, form: str) -> str:
    """`mailwitness-20261124T134639Z.zip`."""
    return f"mailwitness-{moment(now):%Y%m%dT%H%M%SZ}.{form}"


# -- jobs ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Job:
    """One export under way or finished. `state`: waiting, running, finished, failed, cancelled, fetched."""

    id: str
    user: str
    q: str
    format: str
    total: int
    created_at: int
    path: Path
    filename: str
    done: int = 0
    size: int = 0
    state: str = "waiting"
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_over(self) -> bool:
        return self.state not in ("waiting", "running")

    def advance(self, done: int, state: str = "running") -> None:
        """Wakes those who watch."""
        self.done, self.state = done, state
        self.changed.set()
        self.changed = asyncio.Event()

    def as_json(self) -> dict[str, object]:
        names = ("id", "q", "format", "total", "done", "size", "state", "filename")
        return {name: getattr(self, name) for name in names}


class Jobs:
    """All export jobs of this process; files of an earlier one are removed at the start."""

    def __init__(self, folder: Path, archive: Archive, clock: Callable[[], int]) -> None:
        self._folder = folder
        self._archive = archive
        self._clock = clock
        self._turns = asyncio.Semaphore(MOST_RUNNING)
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in self._folder.iterdir():
            if path.is_file():
                path.unlink()

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for job in list(self._jobs.values()):
            self.remove(job)

    def begin(self, job_id: str, user: str, q: str, query: Query, form: str, total: int) -> Job:
        """Starts a job. Raises FieldError when the person has too many."""
        self.expire()
        mine = [job for job in self._jobs.values() if job.user == user]
        if len(mine) >= MOST_EACH:
            raise FieldError("format", "you have too many exports waiting; fetch or remove some")
        now = self._clock()
        job = Job(job_id, user, q, form, total, now, self._folder / f"{job_id}.{form}", filename(now, form))
        self._jobs[job_id] = job
        self._tasks[job_id] = asyncio.create_task(self._run(job, query))
        return job

    def get(self, job_id: str, user: str) -> Job:
        """The person's own job. Raises NotFound."""
        self.expire()
        job = self._jobs.get(job_id)
        if job is None or job.user != user:
            raise NotFound(job_id)
        return job

    def of(self, user: str) -> list[Job]:
        """The person's jobs, newest first."""
        self.expire()
        return sorted((job for job in self._jobs.values() if job.user == user), key=lambda job: job.id, reverse=True)

    def remove(self, job: Job) -> None:
        """Forgets the job and removes its file; one that is running is cancelled."""
        if (task := self._tasks.pop(job.id, None)) is not None:
            task.cancel()
        self._jobs.pop(job.id, None)
        job.path.unlink(missing_ok=True)
        if not job.is_over:
            job.advance(job.done, "cancelled")

    def expire(self) -> None:
        for job in [job for job in self._jobs.values() if job.created_at < self._clock() - DAY]:
            self.remove(job)

    async def _run(self, job: Job, query: Query) -> None:
        try:
            async with self._turns:
                job.advance(0)
                await self._write(job, query)
            job.advance(job.done, "finished")
        except Exception as error:  # the top of a job
            maillog.room_failed("viewer", error)
            job.path.unlink(missing_ok=True)
            job.advance(job.done, "failed")
        finally:
            self._tasks.pop(job.id, None)

    async def _write(self, job: Job, query: Query) -> None:
        with await asyncio.to_thread(_created, job.path) as file:
            async for piece in export(self._archive, query, WRITERS[job.format](), job.advance):
                await asyncio.to_thread(file.write, piece)
                job.size += len(piece)


def _created(path: Path) -> BinaryIO:
    """A new file that only we can read."""
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


JOBS: web.AppKey[Jobs] = web.AppKey("jobs", Jobs)


def setup(app: web.Application) -> None:
    app[JOBS] = Jobs(app[CONFIG].archive.path / "exports", app[ARCHIVE], app[CLOCK])
    app.cleanup_ctx.append(_life)
    app.add_routes(routes)


async def _life(app: web.Application) -> AsyncIterator[None]:
    await asyncio.to_thread(app[JOBS].open)
    yield
    await app[JOBS].close()


@routes.post("/exports")
async def begin(request: web.Request) -> web.Response:
    """Starts an export of the search `q` as `format`; the answer names the page that shows its progress."""
    person = require(request, Permission.EXPORT)
    form = await request.post()
    q, wanted = query_text(str(form.get("q", ""))), str(form.get("format", "zip"))
    query = parse_query(q, now=request.app[CLOCK]())
    total = await checked_count(request.app[ARCHIVE], query, wanted)
    job = request.app[JOBS].begin(request.app[NEW_ID](), person.name, q, query, wanted, total)
    await request.app[ARCHIVE].add_events([deed(request, Kind.EXPORTED, query=q, format=wanted, count=total)])
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
        raise web.HTTPConflict(text=f"This export is {job.state}; there is no file to fetch yet.")
    await record(request, Kind.DOWNLOADED, what="export", query=job.q, format=job.format, count=job.done)
    headers = {
        "Content-Type": CONTENT_TYPES[job.format],
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
