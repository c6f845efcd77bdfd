"""Payloads and reports in the writer's transactions: kept, matched, counted once, applied to deliveries.

What is promised is in `api/report.py`; which delivery a report is about in `report_matching.py`; what it makes of it
in `model/standing.py`. `settle` is for whoever writes deliveries back after an attempt.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relay.archive import suppression
from relay.archive.api import NotFound
from relay.archive.api.report import Keeping
from relay.archive.deletion import empty_payloads
from relay.archive.insert import insert, update
from relay.archive.journal import append_events
from relay.archive.report_matching import Match, match
from relay.archive.rows import DELIVERY_COLUMNS, Row, compress, delivery_of, reported_row, to_json
from relay.archive.vault import sealed_payload
from relay.model.bounce import BounceClass
from relay.model.delivery import Delivery
from relay.model.erasure import is_placeholder
from relay.model.event import Event, Grade, Kind
from relay.model.report import Applied, Payload, Report, ReportKind
from relay.model.standing import DECISIVE, Statement, standing
from relay.model.suppressing import Copy, SuppressionRules, cause_of
from relay.model.suppression import suppression_key

PAYLOAD_COLUMNS = [
    "id",
    "received_at",
    "source",
    "grade",
    "verdict",
    "headers",
    "peer",
    "return_token",
    "nonce",
    "body",
]
REPORT_COLUMNS = [
    "id",
    "payload_id",
    "event_key",
    "at",
    "kind",
    "recipient",
    "named_delivery",
    "named_message",
    "provider_id",
    "header_message_id",
    "bounce",
    "status",
    "diagnostic",
    "explanation",
    "action",
    "is_machine",
    "detail",
]
EARLIER = 100
"""Reports about an address that the rule for soft bounces looks back at."""

_INSERT_PAYLOAD = insert("payload", [*PAYLOAD_COLUMNS, "digest", "is_mapped", "problem", "body_sha256", "body_size"])
_INSERT_REPORT = insert("report", [*REPORT_COLUMNS, "source"], conflict="ON CONFLICT (source, event_key) DO NOTHING")
_REPORT_FIELDS = ", ".join(REPORT_COLUMNS)
_FIELDS = ", ".join(f"delivery.{name}" for name in DELIVERY_COLUMNS)
_STANDING = ["state", "due_at", "why", "bounce", "grade", "source", "complained_at", "unsubscribed_at"]
_WRITE_STANDING = update("delivery", _STANDING, "id = ?")
_DECISIVE = ", ".join(f"'{kind.value}'" for kind in sorted(DECISIVE))
_KINDS = {kind: Kind.REPORTED if kind is ReportKind.OTHER else Kind(kind.value) for kind in ReportKind}

Seqs = dict[str, int]
"""Message id -> sequence number, of messages with a new event."""


# -- payloads ------------------------------------------------------------------------------------------------
def add_payloads(database: sqlite3.Connection, payloads: list[Payload]) -> list[Keeping]:
    """The writer's batch function of `add_payload`."""
    return [_keep(database, payload) for payload in payloads]


def _keep(database: sqlite3.Connection, payload: Payload) -> Keeping:
    digest = hashlib.sha256(payload.return_token.encode() + b"\0" + payload.body).digest()
    if database.execute("SELECT 1 FROM payload WHERE id = ?", (payload.id,)).fetchone():
        return Keeping.NEW
    if database.execute("SELECT 1 FROM payload WHERE source = ? AND digest = ?", (payload.source, digest)).fetchone():
        return Keeping.KNOWN
    if (
        payload.nonce
        and database.execute(
            "SELECT 1 FROM payload WHERE source = ? AND nonce = ? AND nonce <> ''", (payload.source, payload.nonce)
        ).fetchone()
    ):
        return Keeping.SPENT
    values = (
        payload.id,
        payload.received_at,
        payload.source,
        payload.grade.value,
        payload.verdict,
        to_json(dict(payload.headers)),
        payload.peer,
        payload.return_token,
        payload.nonce,
        sealed_payload(database, payload.id, compress(payload.body)),
    )
    body_sha256 = hashlib.sha256(payload.body).digest()
    database.execute(_INSERT_PAYLOAD, (*values, digest, False, "", body_sha256, len(payload.body)))
    return Keeping.NEW


def mapping_failed(database: sqlite3.Connection, failures: list[tuple[str, str]]) -> list[None]:
    """The writer's batch function of `mapping_failed`: (payload's id, problem)."""
    database.executemany(
        "UPDATE payload SET problem = ? WHERE id = ? AND is_mapped = 0", [(text, id_) for id_, text in failures]
    )
    return [None] * len(failures)


# -- reports -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ReportMapping:
    """The arguments of one `add_reports`."""

    payload_id: str
    reports: Sequence[Report]
    rules: SuppressionRules
    is_last: bool


@dataclass(frozen=True, slots=True)
class Rematching:
    """The arguments of one `match_reports`."""

    payload_ids: Sequence[str]
    rules: SuppressionRules


@dataclass(frozen=True, slots=True)
class Outcome:
    """What reports did. `seqs`: the messages they are about, for those who show them."""

    applied: list[Applied]
    seqs: Seqs


@dataclass(frozen=True, slots=True)
class _Source:
    """What a report has from its payload."""

    payload_id: str
    received_at: int
    name: str
    grade: Grade
    verdict: str
    return_token: str


def add_reports(database: sqlite3.Connection, mappings: list[ReportMapping]) -> list[Outcome]:
    """The writer's batch function of `add_reports`."""
    return [_add(database, mapping) for mapping in mappings]


def _add(database: sqlite3.Connection, mapping: ReportMapping) -> Outcome:
    source = _source(database, mapping.payload_id)
    if source is None:
        raise NotFound(f"no payload {mapping.payload_id}")
    outcome = Outcome([], {})
    for report in mapping.reports:
        if database.execute(_INSERT_REPORT, (*_report_row(report), source.name)).rowcount:
            _apply(database, report, source, mapping.rules, outcome)
        else:
            outcome.applied.append(Applied(report, False))
    if mapping.is_last:
        database.execute("UPDATE payload SET is_mapped = 1, problem = '' WHERE id = ?", (mapping.payload_id,))
    empty_payloads(database, outcome.seqs.values())
    return outcome


def match_reports(database: sqlite3.Connection, rematchings: list[Rematching]) -> list[Outcome]:
    """The writer's batch function of `match_reports`."""
    return [_rematch(database, rematching) for rematching in rematchings]


def _rematch(database: sqlite3.Connection, rematching: Rematching) -> Outcome:
    outcome = Outcome([], {})
    for payload_id in rematching.payload_ids:
        source = _source(database, payload_id)
        if source is None:
            continue
        rows = database.execute(
            f"SELECT {_REPORT_FIELDS} FROM report WHERE payload_id = ? AND message_seq IS NULL ORDER BY rowid",
            (payload_id,),
        ).fetchall()
        for row in rows:
            _apply(database, report_of(row), source, rematching.rules, outcome)
    empty_payloads(database, outcome.seqs.values())
    outcome.applied[:] = [one for one in outcome.applied if one.message_id is not None]
    return outcome


def _source(database: sqlite3.Connection, payload_id: str) -> _Source | None:
    row = database.execute(
        "SELECT id, received_at, source, grade, verdict, return_token FROM payload WHERE id = ?", (payload_id,)
    ).fetchone()
    return None if row is None else _Source(row[0], row[1], row[2], Grade(row[3]), row[4], row[5])


def _apply(
    database: sqlite3.Connection, report: Report, source: _Source, rules: SuppressionRules, outcome: Outcome
) -> None:
    """Matches a report that is kept; what it is about is then as it says, and an event tells of it."""
    found = match(database, report, source.return_token)
    if found is None:
        outcome.applied.append(Applied(report, True))
        return
    message_id, application = database.execute(
        "SELECT id, application FROM message WHERE seq = ?", (found.message_seq,)
    ).fetchone()
    delivery = _attach(database, report, found, message_id)
    append_events(database, [_event(report, source, message_id, found.delivery_id)])
    if delivery is not None:
        _suppress(database, report, source, rules, delivery, application)
    outcome.seqs[message_id] = found.message_seq
    outcome.applied.append(Applied(report, True, message_id, delivery))


def _attach(database: sqlite3.Connection, report: Report, found: Match, message_id: str) -> Delivery | None:
    """Writes down what the report is about; returns its delivery as it then stands."""
    attach = "UPDATE report SET message_seq = ?, delivery_id = ?, address_key = ? WHERE id = ?"
    if found.delivery_id is None:
        database.execute(attach, (found.message_seq, None, None, report.id))
        return None
    (address,) = database.execute("SELECT recipient FROM delivery WHERE id = ?", (found.delivery_id,)).fetchone()
    database.execute(attach, (found.message_seq, found.delivery_id, suppression_key(address), report.id))
    return _fold(database, found.delivery_id, message_id)


def _suppress(
    database: sqlite3.Connection,
    report: Report,
    source: _Source,
    rules: SuppressionRules,
    delivery: Delivery,
    application: str,
) -> None:
    if is_placeholder(delivery.recipient.address):
        return  # nobody knows any more whom it is about
    copy = Copy(delivery.recipient.address, application, delivery.message_id, delivery.id)
    earlier = _earlier(database, report, copy.address) if rules.soft_bounces else []
    entry = cause_of(report, earlier, rules, copy=copy, source=source.name, grade=source.grade, now=source.received_at)
    if entry is not None:
        suppression.add(database, [entry])


def _earlier(database: sqlite3.Connection, report: Report, address: str) -> list[Report]:
    rows = database.execute(
        f"SELECT {_REPORT_FIELDS} FROM report WHERE address_key = ? AND id <> ? AND kind IN ('bounced', 'delivered') "
        "ORDER BY at DESC LIMIT ?",
        (suppression_key(address), report.id, EARLIER),
    )
    return [report_of(row) for row in rows]


# -- deliveries ----------------------------------------------------------------------------------------------
def settle(database: sqlite3.Connection, delivery_ids: Iterable[str]) -> None:
    """Deliveries that were written back without regard to reports stand again as these say.

    One look into an index for each, if there is any report at all.
    """
    ids = list(delivery_ids)
    if not ids or database.execute("SELECT 1 FROM report LIMIT 1").fetchone() is None:
        return
    rows = database.execute(
        "SELECT delivery.id, message.id FROM delivery JOIN message ON message.seq = delivery.message_seq "
        "WHERE delivery.id IN (SELECT value FROM json_each(?)) "
        "AND EXISTS (SELECT 1 FROM report WHERE report.delivery_id = delivery.id)",
        (json.dumps(ids),),
    ).fetchall()
    for delivery_id, message_id in rows:
        _fold(database, delivery_id, message_id)


def _fold(database: sqlite3.Connection, delivery_id: str, message_id: str) -> Delivery:
    row = database.execute(f"SELECT {_FIELDS} FROM delivery WHERE id = ?", (delivery_id,)).fetchone()
    delivery = delivery_of(row, message_id)
    after = standing_of(database, delivery)
    if after != delivery:
        database.execute(_WRITE_STANDING, (*_standing_row(after), delivery_id))
    return after


def standing_of(database: sqlite3.Connection, delivery: Delivery) -> Delivery:
    """Where it stands after all reports about it."""
    statements = [
        Statement(at, ReportKind(kind), key, Grade(grade), source, BounceClass(bounce) if bounce else None)
        for at, kind, key, grade, source, bounce in database.execute(
            "SELECT report.at, report.kind, report.event_key, payload.grade, payload.source, report.bounce "
            f"FROM report JOIN payload ON payload.id = report.payload_id WHERE report.delivery_id = ? "
            f"AND report.kind IN ({_DECISIVE})",
            (delivery.id,),
        )
    ]
    return standing(delivery, statements)


def _standing_row(delivery: Delivery) -> Row:
    return (
        delivery.state.value,
        delivery.due_at,
        delivery.why,
        *reported_row(delivery),
    )


def _event(report: Report, source: _Source, message_id: str, delivery_id: str | None) -> Event:
    data: dict[str, Any] = {
        "source": source.name,
        "verdict": source.verdict,
        "status": report.status,
        "diagnostic": report.diagnostic,
        "bounce": report.bounce.value if report.bounce else "",
        "explanation": report.explanation,
        "action": report.action,
        "payload": source.payload_id,
        "provider_event": report.detail.get("event", ""),
        "recipient": report.recipient,
        "url": report.detail.get("url", ""),
        "is_machine": report.is_machine,
        "received_at": source.received_at,
    }
    data = {name: value for name, value in data.items() if value not in ("", None)}
    kind = _KINDS[report.kind]
    return Event(report.id, report.at, kind, source.name, message_id, delivery_id, source.grade, data)


# -- rows ----------------------------------------------------------------------------------------------------
def _report_row(report: Report) -> Row:
    return (
        report.id,
        report.payload_id,
        report.event_key,
        report.at,
        report.kind.value,
        report.recipient,
        report.delivery_id,
        report.message_id,
        report.provider_id,
        report.header_message_id,
        report.bounce.value if report.bounce else None,
        report.status,
        report.diagnostic,
        report.explanation,
        report.action,
        report.is_machine,
        to_json(dict(report.detail)),
    )


def report_of(row: Row) -> Report:
    """The report as it was read; the values are in the order of `REPORT_COLUMNS`."""
    detail: Mapping[str, Any] = json.loads(row[16])
    return Report(
        id=row[0],
        payload_id=row[1],
        at=row[3],
        kind=ReportKind(row[4]),
        event_key=row[2],
        recipient=row[5],
        delivery_id=row[6],
        message_id=row[7],
        provider_id=row[8],
        header_message_id=row[9],
        bounce=BounceClass(row[10]) if row[10] else None,
        status=row[11],
        diagnostic=row[12],
        explanation=row[13],
        action=row[14],
        is_machine=None if row[15] is None else bool(row[15]),
        detail=detail,
    )
