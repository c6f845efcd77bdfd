"""Work on many messages or deliveries in the background: one runner for all of it, watched and stopped when asked.

What was done stays done when a task is stopped or fails: each step is a commit with its events. Tasks are this
process's; a restart ends them between two steps. Does not know what a step does (`bulk.py`, `queue_jobs.py`); exports,
which leave a file, are in `jobs.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from aiohttp import web

from relay import maillog
from relay.archive.api import NotFound
from relay.model.access import Permission
from viewer.errors import FieldError
from viewer.security import require
from viewer.translation import say
from viewer.work.progress import DAY, Progress

MOST_EACH = 20
"""Tasks of one person that may be under way."""

Steps = AsyncGenerator[int]
"""Does the work step by step and gives after each how many were looked at. Closed between two steps when stopped."""


@dataclass(slots=True, kw_only=True)
class Task(Progress):
    """Work on `total` things. `done`: looked at, changed or left alone."""

    name: str
    """Of the kind or operation, as in the address."""
    address: str
    """Of the page that shows it."""
    title: str
    """What is asked for, with its number: `Send again: 12 messages`."""
    is_stopping: bool = False
    """Somebody wants it to end; it does after the step that is being done."""

    @property
    def told(self) -> str:
        """What has been done so far, in sentences."""
        return ""


class Tasks:
    """All tasks of this process, one at a time: they share the archive's one writer with the mail that comes in."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._tasks: dict[str, Task] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    def begin(self, task: Task, steps: Steps) -> None:
        """Raises FieldError when the person has too many under way."""
        self._expire(task.created_at)
        if sum(one.user == task.user and not one.is_over for one in self._tasks.values()) >= MOST_EACH:
            raise FieldError("operation", say("you have too many changes under way; stop some"))
        self._tasks[task.id] = task
        self._running[task.id] = asyncio.create_task(self._run(task, steps))

    def get(self, task_id: str, user: str) -> Task:
        """The person's own. Raises NotFound."""
        task = self._tasks.get(task_id)
        if task is None or task.user != user:
            raise NotFound(task_id)
        return task

    def of(self, user: str) -> list[Task]:
        """The person's own, newest first."""
        return sorted((one for one in self._tasks.values() if one.user == user), key=lambda one: one.id, reverse=True)

    def stop(self, task: Task) -> None:
        """Ends it after the step that is being done; at once where it waits for its turn."""
        task.is_stopping = True
        if task.state == "waiting":
            task.advance(task.done, "cancelled")

    async def close(self) -> None:
        running = list(self._running.values())
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _expire(self, now: int) -> None:
        self._tasks = {key: one for key, one in self._tasks.items() if not one.is_over or one.created_at > now - DAY}

    async def _run(self, task: Task, steps: Steps) -> None:
        try:
            async with self._turn, aclosing(steps):
                if task.is_over:
                    return
                task.advance(0)
                while not task.is_stopping and (looked_at := await anext(steps, None)) is not None:
                    task.advance(task.done + looked_at)
            task.advance(task.done, "cancelled" if task.is_stopping else "finished")
        except Exception as error:  # the top of a task
            maillog.room_failed("viewer", error)
            task.advance(task.done, "failed")
        finally:
            self._running.pop(task.id, None)


TASKS: web.AppKey[Tasks] = web.AppKey("tasks", Tasks)


def own_task(request: web.Request) -> Task:
    """The task that the address names, of the person who asks. Raises NotFound."""
    return request.app[TASKS].get(request.match_info["id"], require(request, Permission.READ).name)


def setup(app: web.Application) -> None:
    app[TASKS] = Tasks()
    app.cleanup_ctx.append(_life)


async def _life(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[TASKS].close()
