"""Export jobs: exports written to a file in the background, watched while they run, fetched when they are done.

A job's file lies in `<archive.path>/exports`, readable by us only, until it has been fetched or a day has passed. Jobs
are this process's: after a restart there are none, and what files there were are removed. An erasure of a person takes
the files away too, and retention that took something (`relay/notary/beside.py`): such a job is `removed`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from aiohttp import web

from relay import maillog
from relay.archive.api import Archive, NotFound
from relay.archive.query import Query
from relay.notary.beside import EXPORTS
from relay.rendition.export import WRITERS
from viewer.errors import FieldError
from viewer.keys import CLOCK, CONFIG
from viewer.translation import say
from viewer.work.export import export, filename
from viewer.work.progress import DAY, Progress

MOST_RUNNING = 2
"""Jobs at a time; more wait."""
MOST_EACH = 20
"""Jobs of one person that are kept, finished ones among them."""


@dataclass(slots=True, kw_only=True)
class Job(Progress):
    """One export under way or finished."""

    q: str
    format: str
    path: Path
    filename: str
    size: int = 0
    is_begun: bool = False
    """Its file was made; where there is none now, an erasure or retention took it away."""

    @property
    def is_removed(self) -> bool:
        return self.is_begun and not self.path.exists()

    def as_json(self) -> dict[str, object]:
        names = ("id", "q", "format", "total", "done", "size", "state", "filename")
        return {name: getattr(self, name) for name in names}


Produce = Callable[[Job], AsyncIterator[bytes]]
"""Makes the octets of a job's file, and tells the job how far it is."""


class Jobs:
    """All export jobs of this process; files of an earlier one are removed at the start."""

    def __init__(self, folder: Path, clock: Callable[[], int]) -> None:
        self._folder = folder
        self._clock = clock
        self._turns = asyncio.Semaphore(MOST_RUNNING)
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in self._folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for job in list(self._jobs.values()):
            self.remove(job)

    def begin(self, job_id: str, user: str, q: str, query: Query, form: str, total: int, archive: Archive) -> Job:
        """Starts a job on the archive as the person sees it. Raises FieldError when they have too many."""
        name = filename(self._clock(), form)
        return self.make(
            job_id, user, q, form, total, name, lambda job: export(archive, query, WRITERS[form](), job.advance)
        )

    def make(self, job_id: str, user: str, q: str, form: str, total: int, name: str, produce: Produce) -> Job:
        """The same for a file that `produce` gives, to be called `name`."""
        self.expire()
        mine = [job for job in self._jobs.values() if job.user == user]
        if len(mine) >= MOST_EACH:
            raise FieldError("format", say("you have too many exports waiting; fetch or remove some"))
        now = self._clock()
        job = Job(
            id=job_id,
            user=user,
            q=q,
            format=form,
            total=total,
            created_at=now,
            path=self._folder / f"{job_id}.{form}",
            filename=name,
        )
        self._jobs[job_id] = job
        self._tasks[job_id] = asyncio.create_task(self._run(job, produce))
        return job

    def get(self, job_id: str, user: str) -> Job:
        """The person's own job. Raises NotFound."""
        self._look()
        job = self._jobs.get(job_id)
        if job is None or job.user != user:
            raise NotFound(job_id)
        return job

    def of(self, user: str) -> list[Job]:
        """The person's jobs, newest first."""
        self._look()
        return sorted((job for job in self._jobs.values() if job.user == user), key=lambda job: job.id, reverse=True)

    def remove(self, job: Job) -> None:
        """Forgets the job and removes its file; one that is running is cancelled."""
        if (task := self._tasks.pop(job.id, None)) is not None:
            task.cancel()
        self._jobs.pop(job.id, None)
        job.path.unlink(missing_ok=True)
        if not job.is_over:
            job.advance(job.done, "cancelled")

    def _look(self) -> None:
        """The jobs are as their files are."""
        self.expire()
        for job in self._jobs.values():
            if job.state == "finished" and job.is_removed:
                job.advance(job.done, "removed")

    def expire(self) -> None:
        for job in [job for job in self._jobs.values() if job.created_at < self._clock() - DAY]:
            self.remove(job)

    async def _run(self, job: Job, produce: Produce) -> None:
        try:
            async with self._turns:
                job.advance(0)
                await self._write(job, produce)
            job.advance(job.done, "removed" if job.is_removed else "finished")
        except Exception as error:  # the top of a job
            maillog.room_failed("viewer", error)
            # One that is made in a folder first fails when that folder is taken away.
            state = "removed" if job.is_removed else "failed"
            job.path.unlink(missing_ok=True)
            job.advance(job.done, state)
        finally:
            self._tasks.pop(job.id, None)

    async def _write(self, job: Job, produce: Produce) -> None:
        with await asyncio.to_thread(_created, job.path) as file:
            job.is_begun = True
            async for piece in produce(job):
                await asyncio.to_thread(file.write, piece)
                job.size += len(piece)


def _created(path: Path) -> BinaryIO:
    """A new file that only we can read."""
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


JOBS: web.AppKey[Jobs] = web.AppKey("jobs", Jobs)


def setup(app: web.Application) -> None:
    app[JOBS] = Jobs(app[CONFIG].archive.path / EXPORTS, app[CLOCK])
    app.cleanup_ctx.append(_life)


async def _life(app: web.Application) -> AsyncIterator[None]:
    await asyncio.to_thread(app[JOBS].open)
    yield
    await app[JOBS].close()
