"""What people decide about deliveries that wait, and about sending as a whole: the writer's batch functions.

See `api/queue.py`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from relay.archive.accounts import is_repeated, put_settings, stored_setting
from relay.archive.api.queue import Waiting
from relay.archive.capture import message_seq
from relay.archive.insert import update
from relay.archive.journal import append_events
from relay.archive.standing import with_setting
from relay.model.event import Event
from relay.model.switch import Switches

SWITCHES = "switches"
"""The key of the setting."""
_CHANGED = ["state", "due_at", "expires_at", "priority", "lane", "wanted_upstream", "why"]
_CHANGE = update("delivery", _CHANGED, "id = ? AND lease_owner IS NULL AND state = ? AND attempts = ?")


@dataclass(frozen=True, slots=True)
class Decision:
    """The arguments of one `change_waiting`."""

    changes: Sequence[Waiting]
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class Decided:
    """What one decision changed: the deliveries, and the numbers of their messages."""

    delivery_ids: list[str]
    message_seqs: dict[str, int]


def change_waiting(database: sqlite3.Connection, decisions: list[Decision]) -> list[Decided]:
    return [_decide(database, decision) for decision in decisions]


def _decide(database: sqlite3.Connection, decision: Decision) -> Decided:
    changed = [change.delivery for change in decision.changes if _change(database, change)]
    ids = [delivery.id for delivery in changed]
    append_events(database, [event for event in decision.events if event.delivery_id in set(ids)])
    messages = {delivery.message_id for delivery in changed}
    return Decided(ids, {message_id: message_seq(database, message_id) for message_id in messages})


def _change(database: sqlite3.Connection, change: Waiting) -> bool:
    delivery = change.delivery
    values = (
        delivery.state.value,
        delivery.due_at,
        delivery.expires_at,
        int(delivery.priority),
        delivery.lane or "",
        delivery.wanted_upstream,
        delivery.why,
    )
    found = database.execute(_CHANGE, (*values, delivery.id, change.expected_state.value, delivery.attempts))
    return bool(found.rowcount)


@dataclass(frozen=True, slots=True)
class Turning:
    """The arguments of one `put_switches`."""

    switches: Switches
    event: Event
    before: Switches


def put_switches(database: sqlite3.Connection, turnings: list[Turning]) -> list[bool]:
    return [_turn(database, turning) for turning in turnings]


def _turn(database: sqlite3.Connection, turning: Turning) -> bool:
    found = Switches.of_json(stored_setting(database, SWITCHES))
    if found != turning.before:
        return is_repeated(database, turning.event)
    put_settings(database, [(SWITCHES, turning.switches.as_json())])
    append_events(database, [with_setting(turning.event, SWITCHES, turning.switches.as_json())])
    return True


@dataclass(frozen=True, slots=True)
class SettingChange:
    """The arguments of one `change_setting`."""

    key: str
    before: Any
    after: Any
    events: Sequence[Event]


def change_settings(database: sqlite3.Connection, changes: list[SettingChange]) -> list[bool]:
    return [_change_setting(database, change) for change in changes]


def _change_setting(database: sqlite3.Connection, change: SettingChange) -> bool:
    if stored_setting(database, change.key) != change.before:
        return any(is_repeated(database, event) for event in change.events)
    put_settings(database, [(change.key, change.after)])
    append_events(database, [with_setting(event, change.key, change.after) for event in change.events])
    return True
