"""Deliveries against what they are the sum of: events, attempts and reports. They are the one thing that changes."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping

from relay.archive.api.audit import Fault
from relay.archive.report import standing_of
from relay.archive.rows import DELIVERY_COLUMNS, Row, delivery_of, recipient_of
from relay.archive.spelling import BROUGHT_IN
from relay.model.delivery import REPORTED_STATES, Delivery, State
from relay.model.event import Kind
from relay.model.message import IMPORT, Mode

_WAITING = frozenset({State.QUEUED, State.SENDING})
_LEFT_BY: Mapping[Kind, frozenset[State]] = {
    Kind.QUEUED: _WAITING,
    Kind.HELD: frozenset({State.HELD}),
    Kind.SENT: frozenset({State.SENT}),
    Kind.DEFERRED: frozenset({State.DEFERRED, State.SENDING}),
    Kind.UNCONFIRMED: frozenset({State.UNCONFIRMED, State.SENDING}),
    Kind.FAILED: frozenset({State.FAILED}),
    Kind.EXPIRED: frozenset({State.FAILED}),
    Kind.SUPPRESSED: frozenset({State.SUPPRESSED}),
    Kind.DUPLICATE: frozenset({State.CANCELLED}),
    # After a try that may have gone out, the state says so still; nothing more is tried.
    Kind.CANCELLED: frozenset({State.CANCELLED, State.DEFERRED, State.UNCONFIRMED}),
}
"""Where a delivery can stand after the last of these events about it."""
_LEFT_BY_NONE = frozenset({State.CAPTURED, State.HELD, State.SUPPRESSED, State.CANCELLED}) | _WAITING
_UNTRIED: list[object] = [None] * 5
_ONE = re.compile(r'\["[^"\\\x00-\x1f]*"\]')
"""An envelope with one recipient, without parameters."""
_REPORTED = REPORTED_STATES | {State.SENT}

_DELIVERIES = (
    "SELECT message.seq, message.id, message.recipients, message.application, delivery.application,"
    " EXISTS (SELECT 1 FROM deletion WHERE deletion.message_seq = message.seq),"
    " EXISTS (SELECT 1 FROM report WHERE report.delivery_id = delivery.id AND report.delivery_id IS NOT NULL),"
    " CASE message.peer WHEN 'import' THEN 'import' ELSE message.mode END,"
    f" {', '.join(f'delivery.{name}' for name in DELIVERY_COLUMNS)} FROM message"
    " LEFT JOIN delivery ON delivery.message_seq = message.seq WHERE message.seq BETWEEN ? AND ?"
)
_EVENTS = (
    'SELECT message.seq, event.delivery_id, event.kind, CASE instr(data, \'"attempt":"\') WHEN 0 THEN NULL'
    ' ELSE substr(data, instr(data, \'"attempt":"\') + 11, 26) END'
    " FROM message JOIN event ON event.message_id = message.id"
    " WHERE message.seq BETWEEN ? AND ? AND event.message_id IS NOT NULL ORDER BY event.seq"
)
"""With the attempt that it tells of, as the journal writes its data."""
_ATTEMPTS = (
    "SELECT message_seq, delivery_id, id, upstream, reply_code, reply_enhanced, reply_text, reply_is_local FROM attempt"
    " WHERE message_seq BETWEEN ? AND ? AND finished_at IS NOT NULL ORDER BY number, finished_at"
)


def check_deliveries(database: sqlite3.Connection, first: int, last: int) -> Iterator[Fault]:
    """Of the messages with these sequence numbers."""
    # By message and delivery: one that was moved to another message has nothing there that speaks of it.
    named: dict[tuple[int, str], str] = {}
    latest: dict[tuple[int, str], Kind] = {}
    brought: set[int] = set()
    told: set[str] = set()
    for seq, delivery_id, kind, attempt_id in database.execute(_EVENTS, (first, last)):
        if delivery_id is None:
            if kind in BROUGHT_IN:
                brought.add(seq)
            continue
        told.add(attempt_id)
        named.setdefault((seq, delivery_id), kind)
        if kind in _LEFT_BY:
            latest[seq, delivery_id] = Kind(kind)
    tried: Counter[tuple[int, str]] = Counter()
    replies: dict[tuple[int, str], list[object]] = {}
    for seq, delivery_id, attempt_id, *reply in database.execute(_ATTEMPTS, (first, last)):
        if attempt_id not in told:
            yield Fault(f"attempt {attempt_id}", "no event says how it ended")
        tried[seq, delivery_id] += 1
        replies[seq, delivery_id] = reply
    counts: Counter[tuple[str, str, str]] = Counter()
    silent: Counter[tuple[str, str]] = Counter()
    for row in database.execute(_DELIVERIES, (first, last)):
        seq, message_id, recipients, application, own_application, is_deleted, is_reported, mode, *values = row
        id_ = values[0]
        key = seq, id_
        if seq not in brought:
            yield Fault(f"message {message_id}", "no event says that it was captured")
        # Of an imported message none was made.
        if not is_deleted and mode != IMPORT:
            counts[message_id, recipients, mode] += id_ is not None
        if id_ is None:
            continue
        if mode != Mode.REDIRECT and named.get(key, Kind.CANCELLED) == Kind.CANCELLED:
            silent[message_id, recipients] += 1
        # What is right is seen without making values of it: that takes most of the time.
        is_right = (
            not is_reported
            and (key in named or recipients == f'["{values[1]}"]')
            and own_application == application
            and values[8] == tried[key]
            and [values[13], *values[9:13]] == replies.get(key, _UNTRIED)
            and values[4] in (_LEFT_BY[latest[key]] if key in latest else _LEFT_BY_NONE)
            and values[19] is None
            and values[20] is None
            and values[21] is None
        )
        if not is_right:
            reply = replies.get(key, _UNTRIED)
            yield from _faults(database, row[1:], key in named, latest.get(key), tried[key], reply)
    yield from _missing(counts)
    for (message_id, recipients), count in silent.items():
        # Those of the envelope came with the message; of each that was added later an event says so.
        if count > 1 and count > recipients.count('"') // 2:
            yield Fault(f"message {message_id}", "has a delivery more than recipients in its envelope, unexplained")


def _faults(
    database: sqlite3.Connection, row: Row, is_named: bool, kind: Kind | None, tried: int, reply: Row
) -> Iterator[Fault]:
    """The long way, in words."""
    message_id, recipients, application, own_application, is_deleted, is_reported, _, *values = row
    where = f"delivery {values[0]}"
    try:
        delivery = delivery_of(values, message_id)
        envelope = [recipient_of(value).address for value in json.loads(recipients)]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        yield Fault(where, f"cannot be read: {error}")
        return
    known = is_named or is_deleted or not {delivery.recipient.address, delivery.original}.isdisjoint(envelope)
    if not known:
        yield Fault(where, "its recipient is not one of the envelope, and no event speaks of it")
    if own_application != application:
        yield Fault(where, "is of another application than its message")
    if delivery.attempts != tried:
        yield Fault(where, f"counts {delivery.attempts} attempts, {tried} are recorded")
    elif [values[13], *values[9:13]] != reply:
        yield Fault(where, "has another answer, or upstream, than its latest attempt")
    try:
        yield from _check_state(database, where, delivery, kind, is_reported)
    except (ValueError, TypeError) as error:
        yield Fault(where, f"the reports about it cannot be read: {error}")


def _missing(counts: Mapping[tuple[str, str, str], int]) -> Iterator[Fault]:
    """Messages that have fewer deliveries than recipients: each was given one when it was kept."""
    for (id_, recipients, mode), count in counts.items():
        if count and _ONE.fullmatch(recipients):
            continue
        try:
            # Named twice in an envelope, somebody gets it once; redirected, the test addresses do.
            addresses = {recipient_of(value).address.lower() for value in json.loads(recipients)}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            yield Fault(f"message {id_}", f"its envelope cannot be read: {error}")
            continue
        if count < (min(1, len(addresses)) if mode == Mode.REDIRECT else len(addresses)):
            yield Fault(f"message {id_}", "has fewer deliveries than recipients in its envelope")


def _check_state(
    database: sqlite3.Connection, where: str, delivery: Delivery, kind: Kind | None, is_reported: bool
) -> Iterator[Fault]:
    allowed = _LEFT_BY_NONE if kind is None else _LEFT_BY[kind]
    if delivery.state not in (allowed | _REPORTED if is_reported else allowed):
        last = "no event says so" if kind is None else f"the last event about it is {kind}"
        yield Fault(where, f"stands as {delivery.state}, but {last}")
    elif is_reported and standing_of(database, delivery) != delivery:
        yield Fault(where, "does not stand as the reports about it say")
    elif not is_reported and (delivery.grade, delivery.bounce, delivery.source) != (None, None, None):
        yield Fault(where, "stands as if there were a report about it")
