"""Openings spelt straight from rows are those that the rule makes, octet for octet, for whatever can be recorded."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.archive import capture, queue
from relay.archive.api import Capture
from relay.archive.content import stored
from relay.archive.leaves import opening_octets, openings
from relay.archive.migrations.run import upgrade
from relay.archive.rows import EVENT_COLUMNS, event_of, message_row
from relay.archive.spelling import spelt_openings
from relay.ledger.canonical import canonical
from relay.ledger.leaf import COMMITMENT_PREFIX
from relay.model.event import Event, Grade, Kind
from relay.model.message import Envelope, Message, Mode, Reception, Recipient, Trait
from relay.model.reply import Reply
from relay.model.signature import Algorithm, Alignment, Signature
from tests.support.archive_values import CONTENT, NOON, a_message, an_attempt, closed, deliveries_of, new_id

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ASCII = st.text(st.characters(max_codepoint=127), max_size=12)
EITHER = TEXT | ASCII
PERHAPS = st.none() | EITHER
WHOLE = st.integers(0, 2**63 - 1) | st.integers(0, 2**53 - 1)
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | EITHER
DATA = st.dictionaries(
    EITHER,
    st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(EITHER, inner, max_size=3)),
)
RECIPIENTS = st.lists(st.builds(Recipient, EITHER, PERHAPS, PERHAPS), max_size=3).map(tuple)
ENVELOPES = st.builds(
    Envelope, EITHER, RECIPIENTS, PERHAPS, st.booleans(), st.none() | WHOLE, PERHAPS, PERHAPS, PERHAPS
)
RECEPTIONS = st.builds(Reception, EITHER, EITHER, EITHER, EITHER, PERHAPS, PERHAPS, PERHAPS, PERHAPS)
MESSAGES = st.builds(
    lambda envelope, reception, size, **others: replace(
        a_message(1), id=new_id(), envelope=envelope, reception=reception, size=size, **others
    ),
    ENVELOPES,
    RECEPTIONS,
    WHOLE,
    application=EITHER,
    mode=st.sampled_from(Mode),
    traits=st.frozensets(st.sampled_from(Trait)),
    hops=st.integers(0, 50),
    tags=st.lists(EITHER, max_size=3).map(tuple),
)
SIGNATURES = st.lists(
    st.builds(Signature, EITHER, EITHER, st.sampled_from(Algorithm), EITHER, st.sampled_from(Alignment)), max_size=2
).map(tuple)
REPLIES = st.none() | st.builds(Reply, st.integers(200, 599), EITHER, PERHAPS, st.booleans())
ADDRESSES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        upgrade(made)
        yield made


def added(database: sqlite3.Connection, message: Message, *events: Event) -> None:
    content = stored(CONTENT)
    captured = Event(new_id(), message.received_at, Kind.CAPTURED, "relay", message.id)
    capture.add_messages(database, [Capture(message, content, deliveries_of(message), [captured, *events])])


def compare(database: sqlite3.Connection, ids: list[str], are_plain: bool = False) -> None:
    statement = f"SELECT {', '.join(EVENT_COLUMNS)} FROM event WHERE id IN ({', '.join('?' * len(ids))}) ORDER BY seq"
    rows = database.execute(statement, ids).fetchall()
    made = [canonical(opening) for opening in openings(database, [event_of(row) for row in rows])]
    assert rows
    assert opening_octets(database, rows) == made
    spelt = spelt_openings(database, rows)
    assert all(one == other for one, other in zip(spelt, made, strict=True) if one is not None)
    if are_plain:
        assert spelt == made


@given(MESSAGES)
def test_a_message_whatever_its_envelope(database: sqlite3.Connection, message: Message) -> None:
    database.execute("BEGIN")
    try:
        content, event = stored(CONTENT), Event(new_id(), NOON, Kind.CAPTURED, "relay", message.id)
        capture.add_messages(database, [Capture(message, content, [], [event])])
        compare(database, [event.id])
        # As it is made from what was not read again.
        rows = database.execute(f"SELECT {', '.join(EVENT_COLUMNS)} FROM event WHERE id = ?", (event.id,)).fetchall()
        (opening,) = opening_octets(database, rows, {message.id: message_row(message)})
        assert [opening] == opening_octets(database, rows)
        salt, commitment = database.execute("SELECT salt, commitment FROM leaf ORDER BY seq DESC").fetchone()
        assert hashlib.sha256(COMMITMENT_PREFIX + salt + opening).digest() == commitment
    finally:
        database.execute("ROLLBACK")


@given(DATA, EITHER, st.sampled_from(Grade))
def test_an_event_whatever_its_data(
    database: sqlite3.Connection, data: dict[str, object], actor: str, grade: Grade
) -> None:
    database.execute("BEGIN")
    try:
        message = replace(a_message(2), id=new_id())
        event = Event(new_id(), NOON, Kind.VIEWED, actor, message.id, grade=grade, data=data)
        capture.add_messages(database, [Capture(message, stored(CONTENT), [], [event])])
        compare(database, [event.id])
    finally:
        database.execute("ROLLBACK")


@given(REPLIES, SIGNATURES, PERHAPS, PERHAPS, st.booleans(), ADDRESSES)
def test_an_attempt_whatever_was_answered(
    database: sqlite3.Connection,
    reply: Reply | None,
    signatures: tuple[Signature, ...],
    peer: str | None,
    provider_id: str | None,
    is_uncertain: bool,
    address: str,
) -> None:
    database.execute("BEGIN")
    try:
        message = a_message(3, recipients=(address,))
        (delivery,) = deliveries_of(message)
        capture.add_messages(database, [Capture(message, stored(CONTENT), [delivery], [])])
        attempt = replace(
            closed(an_attempt(delivery), Reply(250, "ok")),
            reply=reply,
            signatures=signatures,
            peer=peer,
            provider_id=provider_id,
            is_uncertain=is_uncertain,
            wire_sha256=hashlib.sha256(CONTENT).digest(),
        )
        queue.begin_attempts(database, [queue.Beginning([attempt], [])])
        event = Event(new_id(), NOON, Kind.SENT, "relay", message.id, delivery.id, data={"attempt": attempt.id})
        capture.add_deliveries(database, [capture.Addition([], [event])])
        compare(database, [event.id])
    finally:
        database.execute("ROLLBACK")


def test_what_is_ordinary_is_spelt_from_rows(database: sqlite3.Connection) -> None:
    message = a_message(4, recipients=("a@example.com", "b@example.com"), tags=("invoice", "live"))
    event = Event(new_id(), NOON, Kind.SENT, "relay", message.id, deliveries_of(message)[0].id, data={"rate": 0.5})
    added(database, message, event)
    ids = [row[0] for row in database.execute("SELECT id FROM event WHERE message_id = ?", (message.id,))]
    compare(database, ids, are_plain=True)
    rows = database.execute(f"SELECT {', '.join(EVENT_COLUMNS)} FROM event WHERE id = ?", ids[:1]).fetchall()
    assert spelt_openings(database, rows, {message.id: message_row(message)}) == spelt_openings(database, rows)
    assert None not in spelt_openings(database, rows, {message.id: message_row(message)})
