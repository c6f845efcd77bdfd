"""Tables against each other and against the journal: nothing recorded without its event, no event without its record.

What stands in an event is checked by its leaf (`leaves.py`); here, that the tables tell the same.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator

from relay.archive.api.audit import Fault
from relay.archive.audit.keys import check_keys
from relay.archive.audit.standing import check_standing
from relay.archive.cipher import PAYLOAD
from relay.archive.rows import decompress
from relay.archive.vault import payload_owner, vault_of

MOST = 1000
"""Faults of one kind that are told of a portion."""

_Pairs = tuple[tuple[str, str, str], ...]

# That each message and attempt has its event is seen where deliveries are checked.
_OF_MESSAGES: _Pairs = (
    (
        "message number",
        "does not count the recipients of its envelope",
        "SELECT seq FROM message WHERE seq BETWEEN :first AND :last AND recipient_count IS NOT"
        " CASE WHEN json_valid(recipients) THEN json_array_length(recipients) END",
    ),
    (
        "message number",
        "was marked as deleted, and no event says so",
        "SELECT message_seq FROM deletion JOIN message ON message.seq = message_seq"
        " WHERE message_seq BETWEEN :first AND :last"
        " AND NOT EXISTS (SELECT 1 FROM event WHERE event.message_id = message.id AND event.message_id IS NOT NULL"
        " AND kind = 'deleted' AND at = deleted_at AND actor = deleted_by)",
    ),
    (
        "message number",
        "its facts were marked as erased, and no event says so",
        "SELECT message_seq FROM deletion JOIN message ON message.seq = message_seq WHERE erased_at IS NOT NULL"
        " AND message_seq BETWEEN :first AND :last AND NOT EXISTS (SELECT 1 FROM event"
        " WHERE event.message_id = message.id AND event.message_id IS NOT NULL AND kind = 'erased' AND at = erased_at)",
    ),
)

_OF_EVENTS: _Pairs = (
    (
        "event",
        "says that a content was deleted, and nothing marks it so",
        "SELECT event.id FROM event JOIN message ON message.id = event.message_id WHERE kind = 'deleted'"
        " AND event.seq BETWEEN :first AND :last AND NOT EXISTS (SELECT 1 FROM deletion"
        " WHERE message_seq = message.seq)",
    ),
    (
        "event",
        "says that the facts of a message were erased, and nothing marks it so",
        "SELECT event.id FROM event JOIN message ON message.id = event.message_id WHERE kind = 'erased'"
        " AND event.seq BETWEEN :first AND :last AND NOT EXISTS (SELECT 1 FROM deletion"
        " WHERE message_seq = message.seq AND erased_at IS NOT NULL)",
    ),
    (
        "event",
        "tells of a report that is not there",
        "SELECT id FROM event WHERE seq BETWEEN :first AND :last AND instr(data, '\"payload\"')"
        " AND json_extract(data, '$.payload') IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM report WHERE report.id = event.id)",
    ),
    (
        "event",
        "tells of a fetch that is not there, or is another",
        "SELECT id FROM event WHERE seq BETWEEN :first AND :last AND kind IN ('opened', 'clicked')"
        " AND NOT EXISTS (SELECT 1 FROM fetch WHERE fetch.id = coalesce(json_extract(data, '$.fetch'), event.id)"
        " AND fetch.at = coalesce(json_extract(data, '$.fetched_at'), event.at)"
        " AND fetch.delivery_id = event.delivery_id)"
        # Of many fetches of a copy one row stands for those of an hour, with the number of the first.
        " AND NOT EXISTS (SELECT 1 FROM fetch WHERE fetch.delivery_id = event.delivery_id AND hour IS NOT NULL)",
    ),
)
"""What a leaf commits to, as the message, attempt or delivery of an event, is missed where leaves are checked."""

_CLOSED = " AND event.seq IN (SELECT seq FROM leaf WHERE seq BETWEEN :first AND :last AND salt IS NULL)"
"""A leaf that can be opened no more does not tell what it was about."""
_OF_CLOSED: _Pairs = (
    (
        "event",
        "says that a message was captured, which is not there",
        "SELECT id FROM event WHERE kind IN ('captured', 'imported') AND NOT EXISTS ("
        f"SELECT 1 FROM message WHERE message.id = event.message_id){_CLOSED}",
    ),
    (
        "event",
        "is about an attempt that is not there",
        "SELECT event.id FROM event WHERE kind IN ('sent', 'deferred', 'failed', 'expired', 'unconfirmed')"
        " AND json_extract(data, '$.attempt') IS NOT NULL AND NOT EXISTS ("
        f"SELECT 1 FROM attempt WHERE attempt.id = json_extract(event.data, '$.attempt')){_CLOSED}",
    ),
    (
        "event",
        "is about a delivery that is not there",
        "SELECT id FROM event WHERE delivery_id IS NOT NULL AND NOT EXISTS ("
        f"SELECT 1 FROM delivery WHERE delivery.id = event.delivery_id){_CLOSED}",
    ),
)

_OF_ALL: _Pairs = (
    (
        "report",
        "names another source than its payload",
        "SELECT report.id FROM report JOIN payload ON payload.id = payload_id"
        " WHERE report.source IS NOT payload.source",
    ),
    (
        "edits",
        "belong to no attempt",
        "SELECT hex(hash) FROM edit_list WHERE hash NOT IN (SELECT edits FROM attempt WHERE edits IS NOT NULL)",
    ),
    (
        "token",
        "is of another message than its delivery",
        "SELECT token.id FROM token JOIN delivery ON delivery.id = token.delivery_id"
        " WHERE token.message_seq IS NOT delivery.message_seq",
    ),
    (
        "fetch",
        "is of another copy than its token",
        "SELECT fetch.id FROM fetch JOIN token ON token.id = fetch.token_id WHERE (fetch.delivery_id,"
        " fetch.message_seq, fetch.kind) IS NOT (token.delivery_id, token.message_seq, token.kind)",
    ),
)


def check_tables(database: sqlite3.Connection, messages: int, events: int) -> Iterator[Fault]:
    """What cannot be looked at in portions; of the messages and events with sequence numbers up to these."""
    yield from _paired(database, _OF_ALL, {})
    yield from check_keys(database)
    yield from _check_payloads(database)
    yield from _check_reports(database, messages)
    yield from check_standing(database, events)


def check_records(database: sqlite3.Connection, first: int, last: int) -> Iterator[Fault]:
    """Of the messages with these sequence numbers: nothing is recorded without an event."""
    yield from _paired(database, _OF_MESSAGES, {"first": first, "last": last})


def check_facts(database: sqlite3.Connection, first: int, last: int) -> Iterator[Fault]:
    """Of the events with these sequence numbers: what they tell of is there."""
    yield from _paired(database, (*_OF_EVENTS, *_OF_CLOSED), {"first": first, "last": last})


def _paired(database: sqlite3.Connection, pairs: _Pairs, bounds: dict[str, int]) -> Iterator[Fault]:
    for where, words, statement in pairs:
        for (id_,) in database.execute(f"{statement} LIMIT {MOST}", bounds):
            yield Fault(f"{where} {id_}", words)


def _check_payloads(database: sqlite3.Connection) -> Iterator[Fault]:
    statement = (
        "SELECT id, body, body_sha256, body_size, return_token, digest, EXISTS (SELECT 1 FROM report"
        " JOIN deletion ON deletion.message_seq = report.message_seq WHERE report.payload_id = payload.id) OR id IN"
        " (SELECT json_each.value FROM event, json_each(event.data, '$.payloads') WHERE kind = 'erased') FROM payload"
    )
    for id_, body, sha256, size, return_token, digest, is_deleted in database.execute(statement):
        if not body:
            if not is_deleted:
                yield Fault(f"payload {id_}", "is empty, and no message that it is about was deleted")
            continue
        try:
            octets = decompress(vault_of(database).find(database, payload_owner(id_), PAYLOAD, body))
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
        " event.delivery_id, event.data, coalesce(message.id = event.message_id, 0) FROM report"
        " LEFT JOIN event ON event.id = report.id LEFT JOIN message ON message.seq = report.message_seq"
        " WHERE event.id IS NOT NULL OR report.message_seq <= ?"
    )
    for id_, at, delivery_id, payload_id, *rest in database.execute(statement, (messages,)):
        *values, event_id, event_at, event_delivery, data, is_same_message = rest
        where = f"report {id_}"
        if event_id is None:
            yield Fault(where, "no event tells of it")
            continue
        told = json.loads(data)
        said = [told.get(name, "") or "" for _, name in _COMPARED]
        same = (at, delivery_id, payload_id) == (event_at, event_delivery, told.get("payload"))
        if not same or not is_same_message or [value or "" for value in values] != said:
            yield Fault(where, "does not say what its event says")
