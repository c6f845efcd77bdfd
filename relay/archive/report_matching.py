"""Which delivery a report is about. What is tried in which order is in `api/report.py`; the rules here:

- A report names a recipient, or the copy had but one: of a copy for several, an unnamed one is the message's.
- Addresses are compared without case. An address that is none of ours belongs to the copy if that went to one only
  (forwarding and rewriting change addresses on the way); never if all that is known is the header's Message-ID, which
  every recipient knows, and others may have.
- A redirected copy is known by whom it went to, not by whom it was meant for.
- Of several deliveries to the same recipient (resent), the latest that had been tried when it happened.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from relay.model.report import Report
from relay.model.suppression import suppression_key

SLACK = 3600 * 1_000_000
"""Microseconds by which a reporter's clock may be behind ours."""


@dataclass(frozen=True, slots=True)
class Match:
    """`delivery_id` None: of the message, of no one recipient."""

    message_seq: int
    delivery_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    id: str
    message_seq: int
    recipient: str
    created_at: int
    attempts: int
    state: str


_FIELDS = (
    "delivery.id, delivery.message_seq, delivery.recipient, delivery.created_at, delivery.attempts, delivery.state"
)
_HEADER_CANDIDATES = 50
"""Messages with one Message-ID that are looked at: the newest."""


def match(database: sqlite3.Connection, report: Report, return_token: str) -> Match | None:
    """None: nothing that the report names is ours."""
    for candidates in (
        _of_token(database, report, return_token),
        _of_identifier(database, report.delivery_id),
        _of_identifier(database, report.message_id),
        _of_provider_id(database, report.provider_id),
    ):
        if candidates:
            return _choose(report, candidates)
    named = _named(report, _of_header(database, report.header_message_id))
    return _matched(_latest(report, named)) if named else None


def _choose(report: Report, candidates: Sequence[_Candidate]) -> Match:
    named = _named(report, candidates) if report.recipient else candidates
    if len({suppression_key(one.recipient) for one in named}) == 1:
        return _matched(_latest(report, named))
    if len(candidates) == 1:
        return _matched(candidates[0])
    return Match(candidates[0].message_seq)


def _matched(candidate: _Candidate) -> Match:
    return Match(candidate.message_seq, candidate.id)


def _named(report: Report, candidates: Sequence[_Candidate]) -> list[_Candidate]:
    key = suppression_key(report.recipient)
    return [one for one in candidates if suppression_key(one.recipient) == key]


def _latest(report: Report, candidates: Sequence[_Candidate]) -> _Candidate:
    def order(one: _Candidate) -> tuple[bool, bool, int, str]:
        has_left = one.attempts > 0 or one.state == "sending"
        return has_left, one.created_at <= report.at + SLACK, one.created_at, one.id

    return max(candidates, key=order)


# -- candidates ----------------------------------------------------------------------------------------------
def _of_token(database: sqlite3.Connection, report: Report, return_token: str) -> list[_Candidate]:
    """The token's delivery; where the report names another recipient of the same copy, that one's."""
    if not return_token:
        return []
    own = _select(
        database,
        "JOIN token ON token.delivery_id = delivery.id WHERE token.id = ? AND token.kind = 'return'",
        (return_token.lower(),),
    )
    if not own or not report.recipient or _named(report, own):
        return own
    others = _select(database, "WHERE message_seq = ?", (own[0].message_seq,))
    return _named(report, others) or own


def _of_identifier(database: sqlite3.Connection, identifier: str) -> list[_Candidate]:
    """Our identifier, as it came back: a delivery's, or a message's."""
    if not identifier:
        return []
    return _select(database, "WHERE delivery.id = ?", (identifier,)) or _select(
        database, "JOIN message ON message.seq = delivery.message_seq WHERE message.id = ?", (identifier,)
    )


def _of_provider_id(database: sqlite3.Connection, provider_id: str) -> list[_Candidate]:
    bare = provider_id.strip().removeprefix("<").removesuffix(">")
    if not bare:
        return []
    return _select(
        database,
        "WHERE delivery.id IN (SELECT delivery_id FROM attempt WHERE provider_id IN (?, ?) "
        "AND provider_id IS NOT NULL)",
        (bare, f"<{bare}>"),
    )


def _of_header(database: sqlite3.Connection, header_message_id: str) -> list[_Candidate]:
    bare = header_message_id.strip().removeprefix("<").removesuffix(">")
    if not bare:
        return []
    return _select(
        database,
        "WHERE delivery.message_seq IN (SELECT seq FROM listing WHERE header_message_id = ? "
        "AND header_message_id <> '' ORDER BY seq DESC LIMIT ?)",
        (bare, _HEADER_CANDIDATES),
    )


def _select(database: sqlite3.Connection, where: str, values: tuple[object, ...]) -> list[_Candidate]:
    rows = database.execute(f"SELECT {_FIELDS} FROM delivery {where}", values)
    return [_Candidate(*row) for row in rows]
