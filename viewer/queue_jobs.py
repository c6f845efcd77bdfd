"""Changes of many waiting deliveries, carried out in the background, watched while they run, and stopped when asked.

What was changed stays changed when one is stopped or fails: each batch is a commit with its events. Jobs are this
process's; a restart ends them between two batches.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web

from relay import maillog
from relay.archive.api import NotFound
from viewer.choosing import Choice
from viewer.errors import FieldError
from viewer.operations import Hand, Order, Outcome, hand_of, told
from viewer.progress import DAY, Progress

MOST_EACH = 20
"""Jobs of one person that are remembered for a day."""


@dataclass(slots=True, kw_only=True)
class Change(Progress):
    """One operation on all that a choice means. `done`: looked at, changed or left alone."""

    order: Order
    choice: Choice
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def told(self) -> str:
        return told(self.order, self.outcome)

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "operation": self.order.name,
            "total": self.total,
            "done": self.done,
            "changed": len(self.outcome.changed),
            "left": dict(self.outcome.left),
            "state": self.state,
        }


class Changes:
    """All changes of many of this process, one at a time: they share the archive's one writer."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self._turn = asyncio.Lock()
        self._changes: dict[str, Change] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, user: str, order: Order, choice: Choice, total: int) -> Change:
        """Raises FieldError when the person has too many under way."""
        self._expire()
        if sum(change.user == user and not change.is_over for change in self._changes.values()) >= MOST_EACH:
            raise FieldError("operation", "you have too many changes under way; stop some")
        change = Change(
            id=self._hand.new_id(), user=user, total=total, created_at=self._hand.clock(), order=order, choice=choice
        )
        self._changes[change.id] = change
        self._tasks[change.id] = asyncio.create_task(self._run(change))
        return change

    def get(self, change_id: str, user: str) -> Change:
        """The person's own. Raises NotFound."""
        self._expire()
        change = self._changes.get(change_id)
        if change is None or change.user != user:
            raise NotFound(change_id)
        return change

    def of(self, user: str) -> list[Change]:
        """The person's own, newest first."""
        self._expire()
        return sorted((one for one in self._changes.values() if one.user == user), key=lambda one: one.id, reverse=True)

    def stop(self, change: Change) -> None:
        """Ends it after the batch that is being written."""
        if not change.is_over:
            change.advance(change.done, "cancelled")

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _expire(self) -> None:
        now = self._hand.clock()
        self._changes = {
            key: one for key, one in self._changes.items() if not one.is_over or one.created_at > now - DAY
        }

    async def _run(self, change: Change) -> None:
        try:
            async with self._turn:
                async for rows in change.choice.batches(self._hand.archive, change.created_at):
                    if change.is_over:
                        return
                    await self._hand.carry_out(change.order, rows, change.outcome)
                    change.outcome.refusals.clear()
                    if not change.is_over:
                        change.advance(change.done + len(rows))
            if not change.is_over:
                change.advance(change.done, "finished")
        except Exception as error:  # the top of a job
            maillog.room_failed("viewer", error)
            change.advance(change.done, "failed")
        finally:
            self._tasks.pop(change.id, None)


CHANGES: web.AppKey[Changes] = web.AppKey("changes", Changes)


def setup(app: web.Application) -> None:
    app[CHANGES] = Changes(hand_of(app))
    app.cleanup_ctx.append(_life)


async def _life(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[CHANGES].close()
