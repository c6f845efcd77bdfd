"""Writing notifications: batch functions for the writer. What is promised is in `api/notification.py`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from relay.archive.api import NotFound
from relay.archive.api.notification import Outcome, Replay
from relay.archive.insert import insert, insert_rows
from relay.archive.journal import append_events
from relay.archive.rows import Row
from relay.model.event import Event
from relay.model.notification import Notification, Standing

NOTIFICATION_COLUMNS = [
    "id",
    "endpoint",
    "event_seq",
    "created_at",
    "begun_at",
    "standing",
    "attempts",
    "due_at",
    "tried_at",
    "status",
    "error",
]
FORGOTTEN = 2000
"""Rows deleted at a time."""

_INSERT = insert("notification", NOTIFICATION_COLUMNS).replace("INSERT", "INSERT OR IGNORE", 1)
_INSERT_ENDPOINT = insert("endpoint", ["name", "url", "event_seq", "is_failing", "error"])
_REMOVED = "the endpoint is not in the configuration any more"
_AMONG = "IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class Addition:
    notifications: Sequence[Notification]
    cursors: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Replaying:
    wanted: Replay
    now: int
    event: Event


def use_endpoints(database: sqlite3.Connection, batches: list[Mapping[str, str]]) -> list[None]:
    for endpoints in batches:
        (last,) = database.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
        known = dict(database.execute("SELECT name, url FROM endpoint"))
        for name, url in endpoints.items():
            if name not in known:
                database.execute(_INSERT_ENDPOINT, (name, url, last, 0, ""))
            elif known[name] != url:
                database.execute(
                    "UPDATE endpoint SET url = ?, gone_at = NULL, event_seq = CASE WHEN gone_at IS NULL THEN event_seq "
                    "ELSE ? END WHERE name = ?",
                    (url, last, name),
                )
        for name in known.keys() - endpoints.keys():
            database.execute("DELETE FROM endpoint WHERE name = ?", (name,))
            database.execute(
                "UPDATE notification SET standing = ?, due_at = NULL, error = ? WHERE endpoint = ? AND standing = ?",
                (Standing.FAILED.value, _REMOVED, name, Standing.WAITING.value),
            )
    return [None] * len(batches)


def add_notifications(database: sqlite3.Connection, additions: list[Addition]) -> list[None]:
    """Crash before the commit: the cursors stand where they did, and the same events are looked at again."""
    for addition in additions:
        insert_rows(database, _INSERT, [_row(notification) for notification in addition.notifications])
        for name, seq in addition.cursors.items():
            database.execute("UPDATE endpoint SET event_seq = max(event_seq, ?) WHERE name = ?", (seq, name))
    return [None] * len(additions)


def finish_notifications(database: sqlite3.Connection, batches: list[Sequence[Outcome]]) -> list[None]:
    for outcome in (outcome for outcomes in batches for outcome in outcomes):
        tried = outcome.notification
        database.execute(
            "UPDATE notification SET standing = ?, attempts = ?, due_at = ?, tried_at = ?, status = ?, error = ? "
            "WHERE id = ? AND begun_at = ?",
            (
                *(tried.standing.value, tried.attempts, tried.due_at, tried.tried_at, tried.status, tried.error),
                *(tried.id, tried.begun_at),
            ),
        )
        _note(database, outcome)
    return [None] * len(batches)


def _note(database: sqlite3.Connection, outcome: Outcome) -> None:
    """What the try says of the endpoint itself."""
    tried = outcome.notification
    if tried.standing is Standing.DELIVERED:
        database.execute(
            "UPDATE endpoint SET delivered_at = ?, is_failing = 0, error = '', error_at = NULL WHERE name = ?",
            (tried.tried_at, tried.endpoint),
        )
        return
    database.execute(
        "UPDATE endpoint SET error = ?, error_at = ? WHERE name = ?", (tried.error, tried.tried_at, tried.endpoint)
    )
    if outcome.is_gone:
        database.execute(
            "UPDATE endpoint SET gone_at = ? WHERE name = ? AND gone_at IS NULL", (tried.tried_at, tried.endpoint)
        )
    if outcome.failure is not None:
        fresh = database.execute(
            "UPDATE endpoint SET is_failing = 1 WHERE name = ? AND is_failing = 0", (tried.endpoint,)
        )
        if fresh.rowcount:
            append_events(database, [outcome.failure])


def replay(database: sqlite3.Connection, replayings: list[Replaying]) -> list[int]:
    return [_replay(database, one) for one in replayings]


def _replay(database: sqlite3.Connection, one: Replaying) -> int:
    wanted = one.wanted
    if database.execute("SELECT 1 FROM endpoint WHERE name = ?", (wanted.endpoint,)).fetchone() is None:
        raise NotFound(f"no endpoint {wanted.endpoint}")
    condition = f"id {_AMONG}"
    value: str | int = json.dumps(wanted.ids)
    if wanted.is_failed:
        condition, value = "standing = ?", Standing.FAILED.value
    elif wanted.since is not None:
        condition, value = "created_at >= ? AND event_seq > 0", wanted.since
    changed = database.execute(
        "UPDATE notification SET standing = ?, begun_at = ?, due_at = ?, attempts = 0, error = '', status = NULL "
        f"WHERE endpoint = ? AND {condition}",
        (Standing.WAITING.value, one.now, one.now, wanted.endpoint, value),
    ).rowcount
    (last,) = database.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
    database.execute(
        "UPDATE endpoint SET gone_at = NULL, event_seq = ? WHERE name = ? AND gone_at IS NOT NULL",
        (last, wanted.endpoint),
    )
    if changed:
        append_events(database, [replace(one.event, data={**one.event.data, "count": changed})])
    return changed


def try_endpoints(database: sqlite3.Connection, trials: list[Notification]) -> list[None]:
    for trial in trials:
        if database.execute("SELECT 1 FROM endpoint WHERE name = ?", (trial.endpoint,)).fetchone() is None:
            raise NotFound(f"no endpoint {trial.endpoint}")
        database.execute(_INSERT, _row(trial))
    return [None] * len(trials)


def forget_notifications(database: sqlite3.Connection, times: list[int]) -> list[None]:
    database.execute(
        "DELETE FROM notification WHERE id IN (SELECT id FROM notification WHERE standing = ? AND created_at < ? "
        f"LIMIT {FORGOTTEN})",
        (Standing.DELIVERED.value, max(times)),
    )
    return [None] * len(times)


def notification_of(row: Row) -> Notification:
    return Notification(row[0], row[1], row[2], row[3], row[4], Standing(row[5]), *row[6:11])


def _row(notification: Notification) -> Row:
    values = {name: getattr(notification, name) for name in NOTIFICATION_COLUMNS}
    values["standing"] = notification.standing.value
    return list(values.values())
