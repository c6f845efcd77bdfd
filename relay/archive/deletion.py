"""Taking contents away, and the requests for it: batch functions for the writer. See `api.deletion.Deletions`.

The row in `deletion` comes first: by it alone the triggers let go of what they keep for ever otherwise. The writer's
connection has secure_delete on, so that freed pages are overwritten in the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace

from relay.archive import index
from relay.archive.api import NotFound
from relay.archive.capture import is_deleted, message_seq
from relay.archive.holds import kept_by
from relay.archive.insert import insert
from relay.archive.journal import append_events
from relay.archive.rows import Row, summary_of
from relay.archive.scrub import forget_fragments, forget_words
from relay.archive.vault import destroy_keys, destroy_payload_keys, opened_summary
from relay.model.deletion import Fate, Order, Outcome, Request, Standing, remains
from relay.model.event import Event
from relay.model.summary import Summary

REQUEST_COLUMNS = ("id", "asked_at", "asked_by", "reason", "standing", "decided_at", "decided_by", "answer")
_DELETE = insert("deletion", ("message_seq", "deleted_at", "deleted_by", "asked_by", "reason"))
_ASK = insert("deletion_request", ("message_seq", *REQUEST_COLUMNS), conflict="ON CONFLICT DO NOTHING")
WAITING = (
    "SELECT id FROM delivery WHERE message_seq = ? AND (state IN ('queued', 'deferred', 'held')"
    " OR (state = 'unconfirmed' AND due_at IS NOT NULL))"
)
_AT_WORK = "SELECT 1 FROM delivery WHERE message_seq = ? AND (lease_owner IS NOT NULL OR state = 'sending') LIMIT 1"
_CANCEL = (
    "UPDATE delivery SET due_at = NULL, why = CASE state WHEN 'unconfirmed' THEN 'not tried again: deleted' END,"
    " state = CASE state WHEN 'unconfirmed' THEN state ELSE 'cancelled' END WHERE id = ?"
)
_EMPTY_EDITS = (
    "UPDATE edit_list SET data = x'' WHERE message_seq = ?1 AND is_shared = 0"
    " AND hash IN (SELECT edits FROM attempt WHERE message_seq = ?1)"
)
_EMPTY_PAYLOADS = (
    "UPDATE payload SET body = x'' WHERE length(body) > 0 AND is_mapped = 1"
    " AND id IN (SELECT payload_id FROM report WHERE message_seq = ?)"
    " AND NOT EXISTS (SELECT 1 FROM report WHERE report.payload_id = payload.id AND (report.message_seq IS NULL"
    " OR report.message_seq NOT IN (SELECT message_seq FROM deletion)))"
)


@dataclass(frozen=True, slots=True)
class Deleted:
    """What one `delete_content` did: the outcomes, and the sequence numbers of what is gone now."""

    outcomes: list[Outcome]
    seqs: dict[str, int]


@dataclass(frozen=True, slots=True)
class Asking:
    request: Request
    event: Event


@dataclass(frozen=True, slots=True)
class Refusing:
    request_id: str
    answer: str
    event: Event


def may_delete(database: sqlite3.Connection, seq: int, at: int) -> str:
    """Why this message must be kept, in a sentence for whoever asks; '' if nothing stands against it.

    The one place that decides it, for everyone: a legal hold, the term for which it must be kept (triggers of the
    schema see to these two as well), and that it is not at work. `at`: UTC microseconds.
    """
    if words := kept_by(database, seq, at):
        return words
    is_at_work = database.execute(_AT_WORK, (seq,)).fetchone() is not None
    return "It is being sent at this moment: try again when it has ended." if is_at_work else ""


def may_erase(database: sqlite3.Connection, seq: int, at: int) -> str:
    """The same for taking a person out: besides, what still waits to be sent must be sent as it is."""
    words = may_delete(database, seq, at)
    if words or not database.execute(f"{WAITING} LIMIT 1", (seq,)).fetchone():
        return words
    return "It still waits to be sent."


def delete_contents(database: sqlite3.Connection, batches: list[list[Order]]) -> list[Deleted]:
    return [_delete_all(database, orders) for orders in batches]


def _delete_all(database: sqlite3.Connection, orders: list[Order]) -> Deleted:
    done = Deleted([], {})
    for order in orders:
        seq = message_seq(database, order.message_id)
        outcome = _delete(database, seq, order)
        done.outcomes.append(outcome)
        if outcome.fate is Fate.DELETED:
            done.seqs[order.message_id] = seq
    if done.seqs:
        forget_words(database)
    return done


def _delete(database: sqlite3.Connection, seq: int, order: Order) -> Outcome:
    if is_deleted(database, seq):
        return Outcome(order.message_id, Fate.GONE)
    asked_by, words = _asked_by(database, order)
    words = words or may_delete(database, seq, order.event.at)
    waiting = [row[0] for row in database.execute(WAITING, (seq,))]
    cancellations = {event.delivery_id: event for event in order.cancellations}
    if not words and not cancellations.keys() >= set(waiting):
        words = "A delivery of it came to wait meanwhile: try again."
    if words:
        return Outcome(order.message_id, Fate.REFUSED, words)
    event = order.event
    reason = str(event.data.get("reason", ""))
    database.execute(_DELETE, (seq, event.at, event.actor, asked_by, reason))
    _decide(database, "message_seq = ? AND standing = 'open'", seq, Standing.APPROVED, event, "")
    database.executemany(_CANCEL, [(delivery_id,) for delivery_id in waiting])
    _take_away(database, seq, order.message_id)
    append_events(database, [*(cancellations[delivery_id] for delivery_id in waiting), event])
    return Outcome(order.message_id, Fate.DELETED)


def _take_away(database: sqlite3.Connection, seq: int, message_id: str) -> None:
    """What was in the message goes; what the index still needs to list it is written anew."""
    row = database.execute("SELECT data FROM summary WHERE seq = ?", (seq,)).fetchone()
    before = summary_of(opened_summary(database, message_id, row[0])) if row else Summary()
    after = remains(before)
    database.execute("DELETE FROM content WHERE message_seq = ?", (seq,))
    database.execute(_EMPTY_EDITS, (seq,))
    database.execute(_EMPTY_PAYLOADS, (seq,))
    destroy_keys(database, seq, message_id)
    index.put_summary(database, message_id, after)
    forget_fragments(database, sorted(set(_fragments(before)) - set(_fragments(after))))


def _fragments(summary: Summary) -> list[tuple[str, str]]:
    addresses = [one.address for one in (*summary.senders, *summary.to, *summary.cc)]
    return index.fragments(addresses, summary)


def empty_payloads(database: sqlite3.Connection, seqs: Iterable[int]) -> None:
    """What comes back about deleted messages, later too, goes once it was read: a bounce may have the content in it."""
    for seq in seqs:
        if is_deleted(database, seq):
            database.execute(_EMPTY_PAYLOADS, (seq,))
            destroy_payload_keys(database, seq)


# -- requests ------------------------------------------------------------------------------------------------------
def _asked_by(database: sqlite3.Connection, order: Order) -> tuple[str, str]:
    """Who asked for it, and why it cannot be approved ('' if it can)."""
    if order.request_id is None:
        return order.event.actor, ""
    request = _request(database, order.request_id)
    if request.message_id != order.message_id or request.standing is not Standing.OPEN:
        return request.asked_by, "The request is not open any more."
    if request.asked_by == order.event.actor:
        return request.asked_by, "Whoever asks for it cannot approve it: another person has to."
    return request.asked_by, ""


def ask_deletions(database: sqlite3.Connection, askings: list[Asking]) -> list[bool]:
    return [_ask(database, asking.request, asking.event) for asking in askings]


def _ask(database: sqlite3.Connection, request: Request, event: Event) -> bool:
    seq = message_seq(database, request.message_id)
    if is_deleted(database, seq):
        return False
    row = (request.id, request.asked_at, request.asked_by, request.reason, request.standing.value, None, None, "")
    if not database.execute(_ASK, (seq, *row)).rowcount:
        return database.execute("SELECT 1 FROM deletion_request WHERE id = ?", (request.id,)).fetchone() is not None
    append_events(database, [replace(event, data={**event.data, "asked": request.id})])
    return True


def refuse_deletions(database: sqlite3.Connection, refusings: list[Refusing]) -> list[bool]:
    return [_refuse(database, refusing) for refusing in refusings]


def _refuse(database: sqlite3.Connection, refusing: Refusing) -> bool:
    _request(database, refusing.request_id)
    where = "id = ? AND standing = 'open'"
    if not _decide(database, where, refusing.request_id, Standing.REFUSED, refusing.event, refusing.answer):
        return False
    append_events(database, [refusing.event])
    return True


def _decide(
    database: sqlite3.Connection, where: str, value: object, standing: Standing, event: Event, answer: str
) -> int:
    return database.execute(
        f"UPDATE deletion_request SET standing = ?, decided_at = ?, decided_by = ?, answer = ? WHERE {where}",
        (standing.value, event.at, event.actor, answer, value),
    ).rowcount


def _request(database: sqlite3.Connection, request_id: str) -> Request:
    """Raises NotFound."""
    columns = ", ".join(f"deletion_request.{name}" for name in REQUEST_COLUMNS)
    row = database.execute(
        f"SELECT {columns}, message.id FROM deletion_request JOIN message ON message.seq = message_seq"
        " WHERE deletion_request.id = ?",
        (request_id,),
    ).fetchone()
    if row is None:
        raise NotFound(f"no deletion request {request_id}")
    return request_of(row)


def request_of(row: Row) -> Request:
    """From REQUEST_COLUMNS and the message's id."""
    id_, asked_at, asked_by, reason, standing, decided_at, decided_by, answer, message_id = row
    return Request(id_, message_id, asked_at, asked_by, reason, Standing(standing), decided_at, decided_by, answer)
