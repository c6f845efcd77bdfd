"""Tables against each other and against the journal: nothing recorded without its event, no event without its record.

What stands in an event is checked by its leaf (`leaves.py`); here, that the tables tell the same.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator

from relay.archive.audit.fault import Fault
from relay.archive.rows import decompress

NO_EVIDENCE = {
    "alembic_version": "the schema's number, checked with the structure",
    "index_queue": "work that the indexer has before it",
    "web_session": "who is signed in just now; sign-ins are events",
    "preference": "how somebody likes their grid",
    "saved_view": "a search with a name",
    "notification": "what is to be told to a program; what happened is in events",
    "endpoint": "how far a program was told",
    "repetition": "what was sent of late, for the guard against duplicates",
    "idempotency": "keys of requests, kept for a day",
    "figure": "sums, counted again from the events",
    "figure_day": "days to be counted again",
    "figure_cursor": "how far was counted",
}
"""Tables whose content proves nothing and is not checked here, and why."""

MOST = 1000
"""Faults of one kind that are told."""


def check_tables(database: sqlite3.Connection, messages: int, events: int) -> Iterator[Fault]:
    """Of the messages and events with sequence numbers up to these."""
    bounds = {"messages": messages, "events": events}
    for where, words, statement in _PAIRS:
        for (id_,) in database.execute(f"{statement} LIMIT {MOST}", bounds):
            yield Fault(f"{where} {id_}", words)
    yield from _check_payloads(database)
    yield from _check_reports(database, messages)


_PAIRS = (
    (
        "message",
        "no event says that it was captured",
        "SELECT id FROM message WHERE seq <= :messages AND :events AND NOT EXISTS ("
        "SELECT 1 FROM event WHERE event.message_id = message.id AND event.message_id IS NOT NULL AND seq <= :events"
        " AND kind IN ('captured', 'imported'))",
    ),
    (
        "event",
        "says that a message was captured, which is not there",
        "SELECT id FROM event WHERE kind IN ('captured', 'imported') AND seq <= :events AND NOT EXISTS ("
        "SELECT 1 FROM message WHERE message.id = event.message_id)",
    ),
    (
        "attempt",
        "no event says how it ended",
        "SELECT attempt.id FROM attempt JOIN message ON message.seq = message_seq WHERE finished_at IS NOT NULL"
        " AND message_seq <= :messages AND NOT EXISTS (SELECT 1 FROM event WHERE event.message_id = message.id"
        " AND event.message_id IS NOT NULL AND json_extract(event.data, '$.attempt') = attempt.id)"
        " AND finished_at <= (SELECT max(at) FROM event WHERE seq <= :events)",
    ),
    (
        "event",
        "is about an attempt that is not there",
        "SELECT event.id FROM event WHERE kind IN ('sent', 'deferred', 'failed', 'expired', 'unconfirmed')"
        " AND seq <= :events AND json_extract(data, '$.attempt') IS NOT NULL AND NOT EXISTS ("
        "SELECT 1 FROM attempt WHERE attempt.id = json_extract(event.data, '$.attempt'))",
    ),
    (
        "event",
        "is about a delivery that is not there",
        "SELECT id FROM event WHERE delivery_id IS NOT NULL AND seq <= :events AND NOT EXISTS ("
        "SELECT 1 FROM delivery WHERE delivery.id = event.delivery_id)",
    ),
    (
        "message number",
        "was marked as deleted, and no event says so",
        "SELECT message_seq FROM deletion JOIN message ON message.seq = message_seq WHERE message_seq <= :messages"
        " AND NOT EXISTS (SELECT 1 FROM event WHERE event.message_id = message.id AND event.message_id IS NOT NULL"
        " AND kind = 'deleted' AND at = deleted_at AND actor = deleted_by)",
    ),
    (
        "event",
        "says that a content was deleted, and nothing marks it so",
        "SELECT event.id FROM event JOIN message ON message.id = event.message_id WHERE kind = 'deleted'"
        " AND event.seq <= :events AND NOT EXISTS (SELECT 1 FROM deletion WHERE message_seq = message.seq)",
    ),
    (
        "event",
        "tells of a report that is not there",
        "SELECT id FROM event WHERE json_extract(data, '$.payload') IS NOT NULL AND seq <= :events AND NOT EXISTS ("
        "SELECT 1 FROM report WHERE report.id = event.id)",
    ),
    (
        "edits",
        "belong to no attempt",
        "SELECT hex(hash) FROM edit_list WHERE NOT EXISTS (SELECT 1 FROM attempt WHERE attempt.edits = hash)",
    ),
)


def _check_payloads(database: sqlite3.Connection) -> Iterator[Fault]:
    statement = "SELECT id, body, body_sha256, body_size, return_token, digest FROM payload"
    for id_, body, sha256, size, return_token, digest in database.execute(statement):
        if not body:
            continue
        try:
            octets = decompress(body)
            known = hashlib.sha256(return_token.encode() + b"\0" + octets).digest()
        except Exception as error:  # of the decompressor, or a value of another type
            yield Fault(f"payload {id_}", f"cannot be read: {error}")
            continue
        if (hashlib.sha256(octets).digest(), len(octets), known) != (sha256, size, digest):
            yield Fault(f"payload {id_}", "does not have the recorded SHA-256 and size")


_COMPARED = (
    *(("status", "status"), ("diagnostic", "diagnostic"), ("bounce", "bounce"), ("explanation", "explanation")),
    *(("action", "action"), ("recipient", "recipient")),
)
"""Columns of a report, and where its event has the same."""


def _check_reports(database: sqlite3.Connection, messages: int) -> Iterator[Fault]:
    """A report that was matched has an event with its id, which says the same of it."""
    columns = ", ".join(f"report.{column}" for column, _ in _COMPARED)
    statement = (
        f"SELECT report.id, report.at, report.delivery_id, report.payload_id, {columns}, event.id, event.at,"
        " event.delivery_id, event.data FROM report LEFT JOIN event ON event.id = report.id"
        " WHERE report.message_seq IS NOT NULL AND report.message_seq <= ?"
    )
    for id_, at, delivery_id, payload_id, *rest in database.execute(statement, (messages,)):
        *values, event_id, event_at, event_delivery, data = rest
        where = f"report {id_}"
        if event_id is None:
            yield Fault(where, "no event tells of it")
            continue
        told = json.loads(data)
        said = [told.get(name, "") or "" for _, name in _COMPARED]
        same = (at, delivery_id, payload_id) == (event_at, event_delivery, told.get("payload"))
        if not same or [value or "" for value in values] != said:
            yield Fault(where, "does not say what its event says")
