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
from relay.archive.cipher import PAYLOAD
from relay.archive.rows import decompress
from relay.archive.vault import payload_owner, vault_of

_READ = "made from contents by the indexer, for grid and search: made again from them at any time"
_SIGN_IN = "how people sign in now; each change is an event"
_STANDING = "how things are set now; each change is an event, with before and after"

NO_EVIDENCE = {
    **dict.fromkeys(
        (
            *("listing", "summary", "document", "message_tag", "message_reference", "fragment", "addressed"),
            *("mailing", "mailed"),
        ),
        _READ,
    ),
    **dict.fromkeys(("second_factor", "recovery_code", "passkey", "identity"), _SIGN_IN),
    **dict.fromkeys(
        (*("application", "api_token", "user", "role", "user_group"), *("setting", "suppression")), _STANDING
    ),
    "tag_change": "which tags people put on or took off: each change is an event, with the tags",
    "deletion_request": "who asked for a deletion and what became of it: both are events",
    **dict.fromkeys(
        ("legal_hold", "held_message"), "what must be kept now, and what was: each change of a hold is an event"
    ),
    "erasure": "who asked for a person to be forgotten and what became of it: each is an event",
    "erasing": "has a row only inside a transaction that erases",
    "term": "how long contents must be kept, as the configuration said it",
    "token": "codes in links; what came of one is an event",
    "fetch": "opinions about who fetched what, judged again as rules change; opens and clicks told are events",
    "alembic_version": "the schema's number; the schema itself is compared",
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
"""Tables whose content proves nothing and is not checked here, and why. Full-text indexes go with `document`."""

CHECKED = frozenset(
    {
        *("message", "content", "delivery", "attempt", "edit_list", "event", "payload", "report", "deletion"),
        *("leaf", "node", "tree", "checkpoint", "stamp", "data_key"),
    }
)
"""The others."""

UNWITNESSED = {
    "payload.is_mapped": "how far it was read",
    "payload.problem": "why it could not be read",
    "payload.nonce": "told the same request twice from two",
    "report.event_key": "tells the same report twice from two",
    "report.kind": "as read from the payload, which is witnessed; its event has the kind",
    "report.detail": "as read from the payload, which is witnessed",
    "report.named_message": "as read from the payload, which is witnessed",
    "report.named_delivery": "as read from the payload, which is witnessed",
    "report.provider_id": "as read from the payload, which is witnessed",
    "report.header_message_id": "as read from the payload, which is witnessed",
    "report.is_machine": "as read from the payload, which is witnessed; its event has it too",
    "report.address_key": "for an index: by whom reports that were matched to nothing are found",
    "edit_list.message_seq": "which message may take it away when it is deleted",
    "edit_list.is_shared": "that none may",
    "checkpoint.at": "when we say that it was signed; a time stamp says it for others",
    "stamp.at": "when it came, by our clock; the authority's time is in the response, which it signed",
    "stamp.authority": "what the configuration calls it; who signed is in the response",
    "stamp.chain": "by which others may judge the authority; what it signed with is in the response",
    "deletion.reason": "its event has it",
    "deletion.asked_by": "its event has it",
    "message.recipient_count": "counted for an index",
    "delivery.id": "of one that was only captured no event speaks",
    "delivery.notify": "that of the envelope in its message, repeated",
    "delivery.orcpt": "that of the envelope in its message, repeated",
    "delivery.created_at": "from when it is counted in the queue; its first event has the time",
    "delivery.due_at": "when it is to be tried next",
    "delivery.expires_at": "how long it is to be tried",
    "delivery.lease_owner": "who is at work on it",
    "delivery.lease_until": "how long",
    "delivery.priority": "in which order it is sent",
    "delivery.lane": "where it waits",
    "delivery.wanted_upstream": "what a person chose; the choice is an event",
    "delivery.original": "the address in whose place a test address gets it; it is in the envelope",
    "delivery.why": "the words of an event, repeated",
    "delivery.complained_at": "compared where there is a report",
    "delivery.unsubscribed_at": "compared where there is a report",
}
"""Columns of those whose value nothing vouches for, and why that is so."""

UNCOUNTED = {
    "stamp": "one that was taken away proves nothing any more, and nothing else rests on it",
    "data_key": "one too many opens nothing",
}
"""Tables in which nothing says how many rows there should be, and why that is so."""

MOST = 1000
"""Faults of one kind that are told."""


def check_tables(database: sqlite3.Connection, messages: int, events: int) -> Iterator[Fault]:
    """Of the messages and events with sequence numbers up to these."""
    bounds = {"messages": messages, "events": events}
    for where, words, statement in _PAIRS:
        for (id_,) in database.execute(f"{statement} LIMIT {MOST}", bounds):
            yield Fault(f"{where} {id_}", words)
    yield from check_keys(database)
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
        "message number",
        "is under a legal hold, and no event says so",
        "SELECT message_seq FROM held_message JOIN message ON message.seq = message_seq WHERE message_seq <= :messages"
        " AND :events AND NOT EXISTS (SELECT 1 FROM event WHERE event.message_id = message.id"
        " AND event.message_id IS NOT NULL AND kind = 'hold-placed' AND json_extract(data, '$.hold') = hold_id)",
    ),
    (
        "event",
        "says that a message is under a legal hold, and it is not",
        "SELECT event.id FROM event JOIN message ON message.id = event.message_id WHERE kind = 'hold-placed'"
        " AND event.seq <= :events AND :messages AND NOT EXISTS (SELECT 1 FROM held_message"
        " WHERE message_seq = message.seq AND hold_id = json_extract(event.data, '$.hold')) AND NOT EXISTS ("
        "SELECT 1 FROM event AS later WHERE later.message_id = event.message_id AND later.message_id IS NOT NULL"
        " AND later.kind = 'hold-lifted' AND later.seq > event.seq"
        " AND json_extract(later.data, '$.hold') = json_extract(event.data, '$.hold'))",
    ),
    (
        "legal hold",
        "no event says that it was ended",
        "SELECT id FROM legal_hold WHERE ended_at IS NOT NULL AND :messages >= 0 AND :events AND NOT EXISTS ("
        "SELECT 1 FROM event WHERE kind = 'hold-ended' AND json_extract(data, '$.hold') = legal_hold.id)",
    ),
    (
        "report",
        "names another source than its payload",
        "SELECT report.id FROM report JOIN payload ON payload.id = payload_id"
        " WHERE report.source IS NOT payload.source",
    ),
    (
        "edits",
        "belong to no attempt",
        "SELECT hex(hash) FROM edit_list WHERE NOT EXISTS (SELECT 1 FROM attempt WHERE attempt.edits = hash)",
    ),
)


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
