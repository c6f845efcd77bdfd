"""Writing new messages, and new deliveries of old ones: batch functions for the writer.

What a 250 needs and nothing else; listing and search come later (`index.py`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from relay.archive.api import Capture, Gone, NotFound
from relay.archive.insert import insert, insert_rows
from relay.archive.journal import append_events
from relay.archive.normalise import normalised
from relay.archive.rows import DELIVERY_COLUMNS, MESSAGE_COLUMNS, Row, delivery_row, message_row
from relay.archive.vault import sealed_frames, vault_of
from relay.model.delivery import Delivery
from relay.model.event import Event

_INSERT_MESSAGE = insert("message", ["seq", *MESSAGE_COLUMNS])
_INSERT_CONTENT = insert("content", ["message_seq", "n", "frame"])
_INSERT_DATA_KEY = insert("data_key", ["owner", "master", "wrapped"])
_INSERT_DELIVERY = insert("delivery", ["message_seq", "application", *DELIVERY_COLUMNS])
_INSERT_DELIVERY_ONCE = insert(
    "delivery", ["message_seq", "application", *DELIVERY_COLUMNS], conflict="ON CONFLICT (id) DO NOTHING"
)
_INSERT_QUEUE = insert("index_queue", ["seq"])
_BEFORE = (
    "SELECT coalesce(max(seq), 0),"
    " (SELECT json_group_array(id) FROM message WHERE id IN (SELECT value FROM json_each(?))) FROM message"
)


LARGE = 64 * 1024
"""Octets of a frame."""


def add_messages(database: sqlite3.Connection, captures: list[Capture]) -> list[int | None]:
    """Inserts the messages and returns their sequence numbers; None for one that was there already."""
    last, known = _before(database, captures)
    seqs: list[int | None] = []
    messages: list[Row] = []
    brought: dict[str, Row] = {}
    contents: list[Row] = []
    deliveries: list[Row] = []
    keys: list[Row] = []
    events: list[Event] = []
    vault = vault_of(database)
    for capture in captures:
        if capture.message.id in known:
            seqs.append(None)
            continue
        known.add(capture.message.id)
        last += 1
        seqs.append(last)
        row = brought[capture.message.id] = message_row(capture.message)
        messages.append((last, *row))
        frames: Sequence[bytes] = capture.content.frames
        if vault.is_on:
            frames, key = sealed_frames(vault, capture.message.id, frames)
            keys.append(key)
        contents.extend((last, n, frame) for n, frame in enumerate(frames))
        application = capture.message.application
        deliveries.extend((last, application, *delivery_row(delivery)) for delivery in capture.deliveries)
        events.extend(capture.events)
    insert_rows(database, _INSERT_MESSAGE, messages)
    insert_rows(database, _INSERT_DATA_KEY, keys)
    insert_rows(database, _INSERT_CONTENT, [row for row in contents if len(row[2]) < LARGE])
    # One by one: SQLite copies what is bound to a statement until it has run.
    database.executemany(_INSERT_CONTENT, [row for row in contents if len(row[2]) >= LARGE])
    insert_rows(database, _INSERT_DELIVERY, deliveries)
    insert_rows(database, _INSERT_QUEUE, [(seq,) for seq in seqs if seq is not None])
    append_events(database, events, brought)
    return seqs


def _before(database: sqlite3.Connection, captures: list[Capture]) -> tuple[int, set[str]]:
    """The last number, and those of the messages that are there already."""
    last, known = database.execute(_BEFORE, (json.dumps([capture.message.id for capture in captures]),)).fetchone()
    return last, set(json.loads(known))


@dataclass(frozen=True, slots=True)
class Addition:
    """The arguments of one `add_deliveries`."""

    deliveries: Sequence[Delivery]
    events: Sequence[Event]


def add_deliveries(database: sqlite3.Connection, additions: list[Addition]) -> list[dict[str, int]]:
    """Inserts deliveries of messages already kept; returns the sequence number of each message id."""
    return [_add(database, addition) for addition in additions]


def _add(database: sqlite3.Connection, addition: Addition) -> dict[str, int]:
    known: dict[str, tuple[int, str]] = {}
    for delivery in addition.deliveries:
        seq, application = known.get(delivery.message_id) or _sendable(database, delivery.message_id)
        known[delivery.message_id] = seq, application
        inserted = database.execute(_INSERT_DELIVERY_ONCE, (seq, application, *delivery_row(delivery))).rowcount
        if inserted:
            # The recipient becomes searchable at once; a message not yet indexed gets it from its deliveries then.
            database.execute(
                "UPDATE document SET recipients = recipients || ' ' || ? WHERE seq = ?",
                (normalised(delivery.recipient.address), seq),
            )
    append_events(database, addition.events)
    return {message_id: seq for message_id, (seq, _) in known.items()}


def _sendable(database: sqlite3.Connection, message_id: str) -> tuple[int, str]:
    """Number and application of a message that is to be sent again. Raises Gone."""
    seq, application = _seq_and_application(database, message_id)
    if is_deleted(database, seq):
        raise Gone(f"the content of {message_id} was deleted")
    return seq, application


def is_deleted(database: sqlite3.Connection, seq: int) -> bool:
    return database.execute("SELECT 1 FROM deletion WHERE message_seq = ?", (seq,)).fetchone() is not None


def message_seq(database: sqlite3.Connection, message_id: str) -> int:
    """The sequence number of a message. Raises NotFound."""
    return _seq_and_application(database, message_id)[0]


def _seq_and_application(database: sqlite3.Connection, message_id: str) -> tuple[int, str]:
    row = database.execute("SELECT seq, application FROM message WHERE id = ?", (message_id,)).fetchone()
    if row is None:
        raise NotFound(f"no message {message_id}")
    return int(row[0]), str(row[1])
