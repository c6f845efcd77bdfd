"""Screening: which deliveries are recorded and not sent, and why. Nothing here sends; `Screener` only asks.

    first that applies                                     state        event
    in mode redirect, and no test address                  suppressed   suppressed
    denied by `deny_recipients`                            suppressed   suppressed
    not among `allow_recipients`, where there are any      suppressed   suppressed
    on the suppression list                                suppressed   suppressed
    the same content, to the same recipient, a moment ago  cancelled    duplicate

The lists of `[delivery]` count for every application, its own beside them. The guard against duplicates asks before
the first attempt alone: a retry repeats itself. Who sends a kept message again means to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from relay.config import Application
from relay.config import Delivery as DeliveryTable
from relay.model.address_rule import any_names
from relay.model.delivery import Delivery, State
from relay.model.event import Event, Kind
from relay.model.message import Message, Mode
from relay.model.redirect import is_target


@dataclass(frozen=True, slots=True)
class Verdict:
    """A delivery that is not sent: as it is then, and the event that says so."""

    delivery: Delivery
    event: Event


def refusal(address: str, settings: DeliveryTable, application: Application | None) -> str:
    """Why nothing is sent to `address`, by the lists of the configuration; '' if they do not say so."""
    for table, whose in (
        (settings, "delivery"),
        (application, f"application {application.name}" if application else ""),
    ):
        if table is None:
            continue
        if any_names(table.deny_recipients, address):
            return f"deny_recipients of {whose} names {address}"
        if table.allow_recipients and not any_names(table.allow_recipients, address):
            return f"allow_recipients of {whose} does not name {address}"
    return ""


def screened(
    deliveries: Sequence[Delivery],
    mode: Mode,
    suppressed: Mapping[str, str],
    settings: DeliveryTable,
    application: Application | None,
) -> dict[str, str]:
    """By id of each delivery that is not to be sent: why, in words."""
    targets = application.redirect_to if application is not None else ()
    found = {}
    for delivery in deliveries:
        address = delivery.recipient.address
        why = refusal(address, settings, application) or suppressed.get(delivery.id, "")
        if mode is Mode.REDIRECT and delivery.original is None and not is_target(address, targets):
            why = "mode redirect: only the test addresses of the application are sent to"
        if why:
            found[delivery.id] = why
    return found


def is_guarded(delivery: Delivery, message: Message) -> bool:
    """Whether the guard against duplicates asks: not after a first try, not where a person sends something again."""
    is_first = delivery.attempts == 0 and delivery.created_at == message.received_at
    return is_first and message.parent_id is None


def suppressed(delivery: Delivery, why: str, *, event_id: str, now: int) -> Verdict:
    return _verdict(delivery, State.SUPPRESSED, Kind.SUPPRESSED, why, {}, event_id, now)


def duplicate(delivery: Delivery, earlier: str, window: int, *, event_id: str, now: int) -> Verdict:
    """`earlier`: id of the delivery that it repeats; `window` in seconds."""
    why = f"a duplicate: the same content went to this recipient within {window} s"
    return _verdict(delivery, State.CANCELLED, Kind.DUPLICATE, why, {"earlier": earlier}, event_id, now)


def _verdict(
    delivery: Delivery, state: State, kind: Kind, why: str, data: Mapping[str, Any], event_id: str, now: int
) -> Verdict:
    event = Event(event_id, now, kind, "relay", delivery.message_id, delivery.id, data={"why": why, **data})
    return Verdict(replace(delivery, state=state, due_at=None, why=why), event)
