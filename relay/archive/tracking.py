"""Writing tokens and fetches: batch functions for the writer. What is promised is in `api/engagement.py`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relay.archive.api import NotFound
from relay.archive.api.engagement import INDIVIDUAL
from relay.archive.insert import insert
from relay.archive.journal import append_events
from relay.archive.rows import Row, to_json
from relay.archive.suppression import add as add_suppressed
from relay.model.event import Event, Grade, Kind
from relay.model.fetch import Fetch, Judgement, Verdict
from relay.model.suppressing import Copy, SuppressionRules, unsubscribed
from relay.model.token import Token, TokenKind

TOKEN_COLUMNS = ["id", "delivery_id", "kind", "created_at", "url", "part"]
FETCH_COLUMNS = [
    "id",
    "token_id",
    "at",
    "method",
    "address",
    "user_agent",
    "verdict",
    "reason",
    "rules_version",
    "count",
    "signals",
    "network",
]
HOUR = 3600 * 1_000_000
"""Microseconds."""

_INSERT_TOKEN = insert("token", ["message_seq", *TOKEN_COLUMNS], conflict="ON CONFLICT (id) DO NOTHING")
_INSERT_FETCH = insert("fetch", [*FETCH_COLUMNS, "delivery_id", "message_seq", "kind", "hour", "last_id"])
_AMONG = "IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a token stands."""

    token_id: str
    delivery_id: str
    message_seq: int
    message_id: str
    kind: TokenKind
    url: str


@dataclass(frozen=True, slots=True)
class Keeping:
    """The arguments of one `add_fetches`."""

    fetches: Sequence[Fetch]
    rules: SuppressionRules


Seqs = dict[str, int]
"""Message id -> sequence number, of messages with a new event."""


def add_tokens(database: sqlite3.Connection, tokens: Sequence[Token]) -> None:
    """Inserts the tokens that are not there yet. Raises NotFound if a delivery is not there."""
    for token in tokens:
        row = database.execute("SELECT message_seq FROM delivery WHERE id = ?", (token.delivery_id,)).fetchone()
        if row is None:
            raise NotFound(f"no delivery {token.delivery_id}")
        values = (token.id, token.delivery_id, token.kind.value, token.created_at, token.url, token.part)
        database.execute(_INSERT_TOKEN, (row[0], *values))


def add_fetches(database: sqlite3.Connection, batches: list[Keeping]) -> list[Seqs]:
    """Keeps each batch; returns the messages that got an event."""
    return [_add(database, keeping.fetches, keeping.rules) for keeping in batches]


def _add(database: sqlite3.Connection, fetches: Sequence[Fetch], rules: SuppressionRules) -> Seqs:
    token_ids = {fetch.token_id for fetch in fetches}
    places = _places(database, token_ids)
    if len(places) < len(token_ids):
        raise NotFound("a fetch of a token that does not exist")
    known = _among(database, "SELECT id FROM fetch WHERE id", (fetch.id for fetch in fetches))
    kept = dict(
        database.execute(
            f"SELECT token_id, count(*) FROM fetch WHERE token_id {_AMONG} AND hour IS NULL GROUP BY token_id",
            (json.dumps(list(token_ids)),),
        )
    )
    verdicts = _verdicts(database, token_ids)
    rows: list[Row] = []
    piles: dict[tuple[str, Verdict, int], list[Fetch]] = {}
    events: list[Event] = []
    asked: list[tuple[Fetch, _Place]] = []
    for fetch in fetches:
        if fetch.id in known:
            continue
        known.add(fetch.id)
        place = places[fetch.token_id]
        if place.kind is TokenKind.UNSUBSCRIBE and fetch.method == "POST":
            asked.append((fetch, place))
        if kept.get(fetch.token_id, 0) < INDIVIDUAL:
            kept[fetch.token_id] = kept.get(fetch.token_id, 0) + 1
            rows.append(_row(fetch, place))
        else:
            piles.setdefault((fetch.token_id, fetch.verdict, fetch.at // HOUR), []).append(fetch)
        if (said := (fetch.token_id, _said(fetch, place))) not in verdicts:
            verdicts.add(said)
            events.append(_event(fetch.id, fetch.at, place, fetch))
    database.executemany(_INSERT_FETCH, rows)
    for (token_id, verdict, hour), members in piles.items():
        _pile(database, places[token_id], verdict, hour, members)
    append_events(database, events)
    if asked:
        events += _unsubscribe(database, asked, rules)
    return _seqs(places.values(), events)


_ASKED = "asked"
"""In the place of a verdict: the fetch unsubscribes, whatever else was fetched with its token before."""


def _said(fetch: Fetch, place: _Place) -> str:
    return _ASKED if place.kind is TokenKind.UNSUBSCRIBE and fetch.method == "POST" else fetch.verdict.value


def _unsubscribe(
    database: sqlite3.Connection, asked: list[tuple[Fetch, _Place]], rules: SuppressionRules
) -> list[Event]:
    """Marks the deliveries and, by rule, puts their recipients on the suppression list; the events of that."""
    entries = []
    for fetch, place in asked:
        database.execute(
            "UPDATE delivery SET unsubscribed_at = ? WHERE id = ? AND unsubscribed_at IS NULL",
            (fetch.at, place.delivery_id),
        )
        address, application = database.execute(
            "SELECT delivery.recipient, message.application FROM delivery "
            "JOIN message ON message.seq = delivery.message_seq WHERE delivery.id = ?",
            (place.delivery_id,),
        ).fetchone()
        copy = Copy(address, application, place.message_id, place.delivery_id)
        entry = unsubscribed(fetch.id, rules, copy=copy, actor="recipient", now=fetch.at)
        entries += [entry] if entry is not None else []
    return add_suppressed(database, entries)


def _pile(database: sqlite3.Connection, place: _Place, verdict: Verdict, hour: int, members: list[Fetch]) -> None:
    """Adds the members to the count of the one row of their token, verdict and hour.

    A repeated batch makes the same pile, whose last fetch is then the row's `last_id`: it is not counted again.
    """
    first, last = members[0], members[-1]
    total = sum(fetch.count for fetch in members)
    row = database.execute(
        "SELECT id, last_id FROM fetch WHERE token_id = ? AND verdict = ? AND hour = ?",
        (place.token_id, verdict.value, hour),
    ).fetchone()
    if row is None:
        database.execute(_INSERT_FETCH, _row(first, place, total, hour, last.id))
    elif row[1] != last.id:
        database.execute("UPDATE fetch SET count = count + ?, last_id = ? WHERE id = ?", (total, last.id, row[0]))


def judge(database: sqlite3.Connection, batches: list[Sequence[Judgement]]) -> list[Seqs]:
    """Replaces opinions; returns the messages that got an event."""
    return [_judge(database, judgements) for judgements in batches]


def _judge(database: sqlite3.Connection, judgements: Sequence[Judgement]) -> Seqs:
    found = {}
    columns = ", ".join(FETCH_COLUMNS)
    for judgement in judgements:
        row = database.execute(f"SELECT {columns} FROM fetch WHERE id = ?", (judgement.fetch_id,)).fetchone()
        if row is not None:
            found[judgement] = fetch_of(row)
    places = _places(database, {fetch.token_id for fetch in found.values()})
    events = []
    for judgement, fetch in found.items():
        if judgement.verdict is not fetch.verdict:
            verdicts = _verdicts(database, [fetch.token_id])
            if (fetch.token_id, judgement.verdict.value) not in verdicts:
                events.append(_event(judgement.id, judgement.at, places[fetch.token_id], judgement, fetch))
        database.execute(
            "UPDATE fetch SET verdict = ?, reason = ?, rules_version = ? WHERE id = ?",
            (judgement.verdict.value, judgement.reason, judgement.rules_version, fetch.id),
        )
    append_events(database, events)
    return _seqs(places.values(), events)


# -- the event that tells of it ------------------------------------------------------------------------------
def _event(event_id: str, at: int, place: _Place, opinion: Fetch | Judgement, judged: Fetch | None = None) -> Event:
    """`judged`: the fetch about which the opinion has changed. The token itself is not told: who has it can fetch."""
    data: dict[str, object] = {"verdict": opinion.verdict.value, "reason": opinion.reason}
    if place.kind is not TokenKind.OPEN:
        data |= {"url": place.url} if place.url else {}
    if place.kind is TokenKind.HONEYPOT:
        data["honeypot"] = True
    if judged is not None:
        data |= {"was": judged.verdict.value, "fetch": judged.id, "fetched_at": judged.at}
    kind = _kind(place.kind, judged or opinion)
    grade = Grade.OWN if kind is Kind.UNSUBSCRIBED else Grade.HEURISTIC
    return Event(event_id, at, kind, "relay", place.message_id, place.delivery_id, grade, data)


def _kind(kind: TokenKind, fetch: Fetch | Judgement) -> Kind:
    if kind is TokenKind.OPEN:
        return Kind.OPENED
    is_asked = kind is TokenKind.UNSUBSCRIBE and isinstance(fetch, Fetch) and fetch.method == "POST"
    return Kind.UNSUBSCRIBED if is_asked else Kind.CLICKED


def _seqs(places: Iterable[_Place], events: Sequence[Event]) -> Seqs:
    ids = {event.message_id for event in events}
    return {place.message_id: place.message_seq for place in places if place.message_id in ids}


# -- rows ----------------------------------------------------------------------------------------------------
def _row(
    fetch: Fetch, place: _Place, count: int | None = None, hour: int | None = None, last: str | None = None
) -> Row:
    return (
        fetch.id,
        fetch.token_id,
        fetch.at,
        fetch.method,
        fetch.address,
        fetch.user_agent,
        fetch.verdict.value,
        fetch.reason,
        fetch.rules_version,
        fetch.count if count is None else count,
        to_json([list(pair) for pair in fetch.signals]),
        fetch.network,
        place.delivery_id,
        place.message_seq,
        place.kind.value,
        hour,
        last,
    )


def fetch_of(row: Row) -> Fetch:
    id_, token_id, at, method, address, agent, verdict, reason, version, count, signals, network = row
    pairs = () if signals == "[]" else tuple((name, value) for name, value in json.loads(signals))
    return Fetch(id_, token_id, at, method, address, agent, Verdict(verdict), reason, version, count, pairs, network)


def token_of(row: Row, message_id: str) -> Token:
    return Token(row[0], row[1], message_id, TokenKind(row[2]), row[3], row[4], row[5])


def _places(database: sqlite3.Connection, token_ids: Iterable[str]) -> dict[str, _Place]:
    rows = database.execute(
        "SELECT token.id, token.delivery_id, token.message_seq, message.id, token.kind, token.url FROM token "
        f"JOIN message ON message.seq = token.message_seq WHERE token.id {_AMONG}",
        (json.dumps(list(token_ids)),),
    )
    return {row[0]: _Place(row[0], row[1], row[2], row[3], TokenKind(row[4]), row[5]) for row in rows}


def _verdicts(database: sqlite3.Connection, token_ids: Iterable[str]) -> set[tuple[str, str]]:
    rows = database.execute(
        "SELECT DISTINCT token_id, CASE WHEN kind = 'unsubscribe' AND method = 'POST' THEN ? ELSE verdict END "
        f"FROM fetch WHERE token_id {_AMONG}",
        (_ASKED, json.dumps(list(token_ids))),
    )
    return {(row[0], row[1]) for row in rows}


def _among(database: sqlite3.Connection, query: str, values: Iterable[str]) -> set[str]:
    return {row[0] for row in database.execute(f"{query} {_AMONG}", (json.dumps(list(values)),))}
