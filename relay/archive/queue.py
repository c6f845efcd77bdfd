"""The queue of deliveries: batch functions for the writer. What a lease, an attempt and a recovery mean is in
`relay.model.delivery` and in `api.py`; here is how they are kept.

A delivery is claimed while its `lease_owner` is set; then its state is `sending` and no one else may touch it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace

from relay.archive.api import ArchiveError, Capture, Closing, NotFound
from relay.archive.capture import add_messages
from relay.archive.insert import insert, update
from relay.archive.journal import append_events
from relay.archive.report import settle
from relay.archive.rows import (
    ATTEMPT_COLUMNS,
    DELIVERY_COLUMNS,
    attempt_row,
    compress,
    delivery_of,
    edits_data,
    reply_row,
)
from relay.archive.suppression import add as add_suppressed
from relay.archive.tracking import add_tokens
from relay.archive.vault import sealed_edits
from relay.model.delivery import Attempt, Delivery, State
from relay.model.event import Event, Kind
from relay.model.reply import local_reply
from relay.model.token import Token

_FIELDS = ", ".join(f"delivery.{name}" for name in DELIVERY_COLUMNS)
_INSERT_ATTEMPT = insert("attempt", ["message_seq", "edits", *ATTEMPT_COLUMNS], conflict="ON CONFLICT (id) DO NOTHING")
_INSERT_EDITS = insert(
    "edit_list",
    ["hash", "data", "message_seq"],
    # The data is empty where the message that had it alone was deleted.
    conflict="ON CONFLICT (hash) DO UPDATE SET is_shared = 1, "
    "data = CASE length(edit_list.data) WHEN 0 THEN excluded.data ELSE edit_list.data END "
    "WHERE edit_list.message_seq IS NOT excluded.message_seq",
)
_CLOSED = ("finished_at", "reply_code", "reply_enhanced", "reply_text", "reply_is_local", "is_uncertain")
_CLOSE_ATTEMPT = update(
    "attempt", [*_CLOSED, "peer", "tls_version", "tls_cipher", "provider_id"], "id = ? AND finished_at IS NULL"
)
_WRITTEN_BACK = [
    "state",
    "due_at",
    "expires_at",
    "attempts",
    "reply_code",
    "reply_enhanced",
    "reply_text",
    "reply_is_local",
    "upstream",
    "lane",
    "wanted_upstream",
    "why",
    "lease_owner",
    "lease_until",
]
_WRITE_BACK = update("delivery", _WRITTEN_BACK, "id = ?")
_WRITE_BACK_CLAIMED = update("delivery", _WRITTEN_BACK, "id = ? AND lease_owner IS NOT NULL")


@dataclass(frozen=True, slots=True)
class Renewal:
    """The arguments of one `renew`."""

    owner: str
    delivery_ids: Sequence[str]
    lease_until: int


def renew(database: sqlite3.Connection, renewals: list[Renewal]) -> list[None]:
    """Prolongs leases that the owner still has; others are left alone."""
    database.executemany(
        "UPDATE delivery SET lease_until = ? WHERE id = ? AND lease_owner = ?",
        [
            (renewal.lease_until, delivery_id, renewal.owner)
            for renewal in renewals
            for delivery_id in renewal.delivery_ids
        ],
    )
    return [None] * len(renewals)


@dataclass(frozen=True, slots=True)
class Beginning:
    """The arguments of one `begin_attempts`."""

    attempts: Sequence[Attempt]
    tokens: Sequence[Token]


def begin_attempts(database: sqlite3.Connection, batches: list[Beginning]) -> list[None]:
    """Inserts open attempts and tokens. One edit list is stored once, however many attempts share it."""
    stored: dict[tuple[int, int], bytes] = {}
    seqs = _seqs_of_deliveries(database, [attempt.delivery_id for one in batches for attempt in one.attempts])
    for beginning in batches:
        add_tokens(database, beginning.tokens)
        for attempt in beginning.attempts:
            if attempt.delivery_id not in seqs:
                raise NotFound(f"no delivery {attempt.delivery_id}")
            edits_hash = _store_edits(database, attempt, seqs[attempt.delivery_id], stored)
            database.execute(_INSERT_ATTEMPT, (seqs[attempt.delivery_id], edits_hash, *attempt_row(attempt)))
    return [None] * len(batches)


def _seqs_of_deliveries(database: sqlite3.Connection, ids: Sequence[str]) -> dict[str, int]:
    """The number of each delivery's message, in one step: each hands over the interpreter lock."""
    (found,) = database.execute(
        "SELECT json_group_object(id, message_seq) FROM delivery WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(ids),),
    ).fetchone()
    seqs: dict[str, int] = json.loads(found)
    return seqs


def _store_edits(
    database: sqlite3.Connection, attempt: Attempt, seq: int, stored: dict[tuple[int, int], bytes]
) -> bytes | None:
    """The hash of the attempt's edit list, now stored. `stored`: by message and identity of the tuples, what this
    batch stored."""
    if not attempt.edits:
        return None
    key = seq, id(attempt.edits)
    if key in stored:
        return stored[key]
    data = edits_data(attempt.edits)
    edits_hash = hashlib.sha256(data).digest()
    database.execute(_INSERT_EDITS, (edits_hash, sealed_edits(database, edits_hash, compress(data)), seq))
    stored[key] = edits_hash
    return edits_hash


@dataclass(frozen=True, slots=True)
class Finish:
    """The arguments of one `finish_attempts`."""

    closings: Sequence[Closing]
    notices: Sequence[Capture]
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class Told:
    """Sequence numbers by id: of messages with a changed delivery, and of messages that are new."""

    changed: dict[str, int]
    captured: dict[str, int]


def finish_attempts(database: sqlite3.Connection, batches: list[Finish]) -> list[Told]:
    """Closes attempts, writes the deliveries back without a lease, adds events and notices.

    A closing whose attempt is closed already is a repetition and changes nothing.
    """
    closings = [closing for finish in batches for closing in finish.closings]
    for closing in closings:
        if _close(database, closing.attempt):
            database.execute(_WRITE_BACK, _written_back(closing.delivery))
    settle(database, [closing.delivery.id for closing in closings])
    events = [[*(closing.event for closing in finish.closings), *finish.events] for finish in batches]
    append_events(database, [event for some in events for event in some])
    add_suppressed(database, [closing.suppression for closing in closings if closing.suppression])
    seqs = _message_seqs(database, [closing.delivery for closing in closings])
    return [_told(database, finish, seqs) for finish in batches]


def _told(database: sqlite3.Connection, finish: Finish, seqs: dict[str, int]) -> Told:
    ids = {closing.delivery.message_id for closing in finish.closings}
    return Told({message_id: seqs[message_id] for message_id in ids}, _add_notices(database, finish.notices))


def _add_notices(database: sqlite3.Connection, notices: Sequence[Capture]) -> dict[str, int]:
    if not notices:
        return {}
    seqs = add_messages(database, list(notices))
    return {notice.message.id: seq for notice, seq in zip(notices, seqs, strict=True) if seq is not None}


def _message_seqs(database: sqlite3.Connection, deliveries: Sequence[Delivery]) -> dict[str, int]:
    ids = list({delivery.message_id for delivery in deliveries})
    (found,) = database.execute(
        "SELECT json_group_object(id, seq) FROM message WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(ids),),
    ).fetchone()
    seqs: dict[str, int] = json.loads(found)
    for message_id in ids:
        if message_id not in seqs:
            raise NotFound(f"no message {message_id}")
    return seqs


def _close(database: sqlite3.Connection, attempt: Attempt) -> bool:
    """True if it was open. Raises NotFound if it was never begun."""
    if attempt.finished_at is None:
        raise ArchiveError(f"attempt {attempt.id} has no finished_at")
    values = (
        attempt.finished_at,
        *reply_row(attempt.reply),
        attempt.is_uncertain,
        attempt.peer,
        attempt.tls_version,
        attempt.tls_cipher,
        attempt.provider_id,
        attempt.id,
    )
    if database.execute(_CLOSE_ATTEMPT, values).rowcount:
        return True
    if database.execute("SELECT 1 FROM attempt WHERE id = ?", (attempt.id,)).fetchone() is None:
        raise NotFound(f"no attempt {attempt.id}")
    return False


def _written_back(delivery: Delivery) -> tuple[object, ...]:
    return (
        delivery.state.value,
        delivery.due_at,
        delivery.expires_at,
        delivery.attempts,
        *reply_row(delivery.reply),
        delivery.upstream,
        delivery.lane or "",
        delivery.wanted_upstream,
        delivery.why,
        None,
        None,
        delivery.id,
    )


@dataclass(frozen=True, slots=True)
class Release:
    """The arguments of one `release`."""

    deliveries: Sequence[Delivery]
    events: Sequence[Event]
    notices: Sequence[Capture]


def release(database: sqlite3.Connection, batches: list[Release]) -> list[Told]:
    """Writes claimed deliveries back without a lease. One that is not claimed (any more) is left alone."""
    return [_release(database, released) for released in batches]


def _release(database: sqlite3.Connection, released: Release) -> Told:
    written = [
        delivery
        for delivery in released.deliveries
        if database.execute(_WRITE_BACK_CLAIMED, _written_back(delivery)).rowcount
    ]
    settle(database, [delivery.id for delivery in written])
    ids = {delivery.id for delivery in written} | ({None} if written else set())
    append_events(database, [event for event in released.events if event.delivery_id in ids])
    changed = _message_seqs(database, written)
    return Told(changed, _add_notices(database, released.notices if written else ()))


@dataclass(frozen=True, slots=True)
class Recovery:
    """The arguments of one `recover`."""

    now: int
    new_event_ids: Sequence[str]
    owner: str | None
    retry_unconfirmed: bool


def recover(database: sqlite3.Connection, recoveries: list[Recovery]) -> list[list[tuple[int, Delivery]]]:
    """Ends leases that no one holds any more."""
    return [_recover(database, recovery) for recovery in recoveries]


def _recover(database: sqlite3.Connection, recovery: Recovery) -> list[tuple[int, Delivery]]:
    values: tuple[object, ...]
    if recovery.owner is None:
        condition, values = "lease_until <= ?", (recovery.now,)
    else:
        condition, values = "(lease_until <= ? OR lease_owner <> ?)", (recovery.now, recovery.owner)
    rows = database.execute(
        f"SELECT message.seq, message.id, {_FIELDS} FROM delivery JOIN message ON message.seq = delivery.message_seq "
        f"WHERE lease_owner IS NOT NULL AND {condition} ORDER BY lease_until, delivery.id LIMIT ?",
        (*values, len(recovery.new_event_ids)),
    ).fetchall()
    recovered = []
    for row, event_id in zip(rows, recovery.new_event_ids, strict=False):
        delivery, event = _resume(database, delivery_of(row[2:], row[1]), recovery.now, event_id)
        if delivery.state is State.UNCONFIRMED and not recovery.retry_unconfirmed:
            delivery = replace(delivery, due_at=None)
        database.execute(_WRITE_BACK, _written_back(delivery))
        append_events(database, [event])
        recovered.append((row[0], delivery))
    settle(database, [delivery.id for _, delivery in recovered])
    return recovered


def _resume(database: sqlite3.Connection, delivery: Delivery, now: int, event_id: str) -> tuple[Delivery, Event]:
    """The delivery after its lease was lost, and the event that says so; closes its open attempt."""
    opened = database.execute(
        "SELECT id, upstream FROM attempt WHERE delivery_id = ? AND finished_at IS NULL", (delivery.id,)
    ).fetchall()
    reply = local_reply(451, "4.4.2", "the attempt was interrupted; its outcome is not known")
    for row in opened:
        database.execute(_CLOSE_ATTEMPT, (now, *reply_row(reply), True, None, None, None, None, row[0]))
    if opened:
        attempt_id, upstream = opened[-1]
        attempts = delivery.attempts + 1
        delivery = replace(
            delivery, state=State.UNCONFIRMED, due_at=now, attempts=attempts, reply=reply, upstream=upstream
        )
        kind, data = Kind.UNCONFIRMED, {"attempt": attempt_id, "reason": "interrupted"}
    else:
        delivery = replace(delivery, state=State.QUEUED, due_at=now)
        kind, data = Kind.QUEUED, {"reason": "interrupted"}
    return delivery, Event(event_id, now, kind, "relay", delivery.message_id, delivery.id, data=data)
