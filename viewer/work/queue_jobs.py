"""Changes of many waiting deliveries, as a task: each batch is a commit with its events."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import web

from relay.archive.api import NotFound
from viewer.translation import joined
from viewer.work.choosing import Choice
from viewer.work.operations import OPERATIONS, Hand, Order, Outcome, deliveries, told
from viewer.work.tasks import TASKS, Steps, Task


@dataclass(slots=True, kw_only=True)
class Change(Task):
    """One operation on all that a choice means."""

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


def begin(app: web.Application, user: str, hand: Hand, order: Order, choice: Choice, total: int) -> Change:
    """Raises FieldError when the person has too many under way."""
    change_id = hand.new_id()
    change = Change(
        id=change_id,
        user=user,
        total=total,
        created_at=hand.clock(),
        name=order.name,
        address=f"/queue/jobs/{change_id}",
        title=joined(" ", [OPERATIONS[order.name].button, deliveries(total)]),
        order=order,
        choice=choice,
    )
    app[TASKS].begin(change, _steps(change, hand))
    return change


async def _steps(change: Change, hand: Hand) -> Steps:
    async for rows in change.choice.batches(hand.archive, change.created_at):
        await hand.carry_out(change.order, rows, change.outcome)
        change.outcome.refusals.clear()
        yield len(rows)


def of(app: web.Application, user: str) -> list[Change]:
    """The person's own, newest first."""
    return [task for task in app[TASKS].of(user) if isinstance(task, Change)]


def get(app: web.Application, change_id: str, user: str) -> Change:
    """The person's own. Raises NotFound."""
    task = app[TASKS].get(change_id, user)
    if not isinstance(task, Change):
        raise NotFound(change_id)
    return task
