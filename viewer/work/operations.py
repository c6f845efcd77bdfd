"""What people do with deliveries that wait: retry now, cancel, reroute, release, reject; one, some, or all that match.

What an operation makes of a delivery is in `relay.model.operation`; here it is carried out for many, each with an
event that names who asked. One that somebody else, or the courier, was quicker with is left alone and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import web

from relay.archive.api import Archive, Waiting
from relay.archive.api.waiting import WaitingRow
from relay.model import operation
from relay.model.access import Permission
from relay.model.delivery import MICROSECONDS, Delivery
from relay.model.event import Event
from relay.model.operation import Operated, Refusal
from viewer.keys import CLOCK, CONFIG, NEW_ID
from viewer.security import archive_of, client_address, require, signed_in_user
from viewer.translation import joined, known, say, say_n, sentence


@dataclass(frozen=True, slots=True)
class Words:
    """How an operation is shown. `%(n)s` is a number of deliveries: `1 delivery`, `12 deliveries`."""

    button: str
    icon: str
    question: str
    consequence: str
    done: str
    is_grave: bool = False

    def asked(self, count: int) -> str:
        """The question before so many deliveries are changed."""
        return say(self.question, n=deliveries(count))


OPERATIONS: Mapping[str, Words] = {
    "retry": Words(
        say("Retry now"),
        "resend",
        say("Retry %(n)s now?"),
        say("Each is tried at once, whatever its schedule."),
        say("%(n)s due"),
    ),
    "reroute": Words(
        say("Reroute"),
        "route",
        say("Send %(n)s another way?"),
        say("Each is due at once by the upstream chosen here, whatever the routes say. What is held stays held."),
        say("%(n)s rerouted"),
    ),
    "cancel": Words(
        say("Cancel"),
        "cancelled",
        say("Cancel %(n)s?"),
        say("Nothing more is tried. What may have left already stays unconfirmed; cancelling cannot call it back."),
        say("%(n)s cancelled"),
        is_grave=True,
    ),
    "release": Words(
        say("Approve"),
        "sent",
        say("Approve %(n)s?"),
        say("Each is sent now, and cannot be called back then."),
        say("%(n)s approved"),
    ),
    "reject": Words(
        say("Reject"),
        "cancelled",
        say("Reject %(n)s?"),
        say("They are never sent; the messages stay in the archive."),
        say("%(n)s rejected"),
        is_grave=True,
    ),
}
PERMISSIONS: Mapping[str, Permission] = dict.fromkeys(OPERATIONS, Permission.RELEASE) | {"retry": Permission.RESEND}
NEEDS_UPSTREAM = frozenset({"retry", "reroute", "release"})
"""Operations that make no sense where nothing can be sent."""


@dataclass(frozen=True, slots=True)
class Order:
    """An operation asked for. `upstream`: of reroute, None for the routes' own choice."""

    name: str
    actor: str
    address: str
    upstream: str | None = None


@dataclass(slots=True)
class Outcome:
    """`left`: how many were not changed, by the sentence that says why."""

    changed: list[str] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)
    refusals: dict[str, str] = field(default_factory=dict)
    """By id of the delivery."""


@dataclass(frozen=True, slots=True)
class Hand:
    """Carries orders out, in a request or after it."""

    archive: Archive
    clock: Callable[[], int]
    new_id: Callable[[], str]
    expire_after: int
    """Microseconds."""

    async def carry_out(self, order: Order, rows: Sequence[WaitingRow], outcome: Outcome) -> None:
        """Changes those of `rows` that the operation can change, in one commit. Raises ArchiveUnavailable."""
        changes: list[Waiting] = []
        events: list[Event] = []
        for row in rows:
            made = self._made(order, row.delivery)
            if isinstance(made, Refusal):
                _leave(outcome, row.delivery.id, str(made))
                continue
            after, kind = made
            changes.append(Waiting(after, row.delivery.state))
            data = {"operation": order.name, "address": order.address}
            if order.name == "reroute":
                data["upstream"] = order.upstream or say("as the routes say")
            events.append(Event(self.new_id(), self.clock(), kind, order.actor, after.message_id, after.id, data=data))
        changed = set(await self.archive.change_waiting(changes, events)) if changes else set()
        for change in changes:
            if change.delivery.id in changed:
                outcome.changed.append(change.delivery.id)
            else:
                _leave(outcome, change.delivery.id, say("It changed meanwhile."))

    def _made(self, order: Order, delivery: Delivery) -> Operated:
        now = self.clock()
        match order.name:
            case "retry":
                return operation.retry_now(delivery, now)
            case "reroute":
                return operation.reroute(delivery, now, order.upstream)
            case "release":
                return operation.release(delivery, now, self.expire_after)
            case "reject":
                return operation.reject(delivery)
            case _:
                return operation.cancel(delivery)


def _leave(outcome: Outcome, delivery_id: str, reason: str) -> None:
    outcome.left[reason] += 1
    outcome.refusals[delivery_id] = reason


def hand_of(request: web.Request) -> Hand:
    """The hand of whoever asks: it reaches as far as they may see."""
    app = request.app
    return Hand(archive_of(request), app[CLOCK], app[NEW_ID], app[CONFIG].delivery.expire_after * MICROSECONDS)


def order_of(request: web.Request, name: str, upstream: str | None = None) -> Order:
    """The order of whoever asks. Raises 403 if they may not give it."""
    require(request, PERMISSIONS[name])
    address = str(client_address(request) or "unix")
    return Order(name, signed_in_user(request).actor, address, upstream)


def allowed(request: web.Request, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the operations that whoever asks may carry out."""
    person = signed_in_user(request)
    return tuple(name for name in names if person.may(PERMISSIONS[name]))


def deliveries(count: int) -> str:
    """`1 delivery`, `1,234 deliveries`."""
    return say_n("%(num)s delivery", "%(num)s deliveries", count)


def told(order: Order, outcome: Outcome) -> str:
    """What was done, in sentences: `12 deliveries due. 2 left alone: It is being sent at this moment.`"""
    done = say(OPERATIONS[order.name].done, n=deliveries(len(outcome.changed)))
    left = [say("%(n)s left alone: %(why)s", n=n, why=known(why)) for why, n in outcome.left.most_common(3)]
    return joined(" ", [sentence(done), *left])
