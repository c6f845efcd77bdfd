"""Rows of the grid, read for the messages of one page only: never the content, never all deliveries.

All that a page shows is asked for at once, by statements whose text never changes: to put them together anew and to go
to the reader's thread for each took longer than the looks.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import engagement, schema
from relay.archive.api import Listing, Reported
from relay.archive.api.reindexing import Progress
from relay.archive.index import SHOWN
from relay.archive.readers import reader_of
from relay.archive.reading import ENDS, progress_of
from relay.archive.rows import Row, recipient_of, references_of
from relay.model.bounce import BounceClass
from relay.model.delivery import REPORTED_STATES, State
from relay.model.event import Grade
from relay.model.fetch import Verdict
from relay.model.message import IMPORT
from relay.model.token import TokenKind

_message, _listing, _delivery = schema.message.c, schema.listing.c, schema.delivery.c
_deletion, _mailed = schema.deletion.c, schema.mailed.c

_COLUMNS = (
    _message.seq,
    _message.id,
    _message.received_at,
    _message.sender,
    _message.application,
    _message.size,
    _message.parent_id,
    _message.recipient_count,
    _message.tags,
    _deletion.deleted_at,
    _listing.sender,
    _listing.recipients,
    _listing.subject,
    _listing.snippet,
    _listing.tags,
    _listing.reference_codes,
    _listing.attachment_count,
    _mailed.is_automatic,
    _mailed.mailing,
    _message.peer,
)


_Verdicts = dict[tuple[int, TokenKind], list[Verdict]]


@dataclass(slots=True)
class _Fates:
    """What became of one message's deliveries."""

    states: dict[State, int] = field(default_factory=dict)
    reports: list[Reported] = field(default_factory=list)
    complained: int = 0
    unsubscribed: int = 0


_SEQS = select(func.json_each(bindparam("seqs")).table_valued("value").c.value)


def _text(statement: Select[Any]) -> str:
    return str(statement.compile(dialect=dialect(paramstyle="named")))


def _rows() -> Select[Any]:
    joined = schema.message.outerjoin(schema.listing, _listing.seq == _message.seq)
    joined = joined.outerjoin(schema.deletion, _deletion.message_seq == _message.seq)
    joined = joined.outerjoin(schema.mailed, _mailed.seq == _message.seq)
    return select(*_COLUMNS).select_from(joined).where(_message.seq.in_(_SEQS))


def _deliveries() -> Select[Any]:
    """What became of the deliveries, counted by message."""
    told = (_delivery.message_seq, _delivery.state, _delivery.bounce, _delivery.grade, _delivery.source)
    counted = select(*told, func.count(), func.count(_delivery.complained_at), func.count(_delivery.unsubscribed_at))
    return counted.where(_delivery.message_seq.in_(_SEQS)).group_by(*told)


_STATEMENTS = (_text(_rows()), _text(_deliveries()), engagement.VERDICTS)
_ENDS = _text(ENDS)


async def listings(connection: AsyncConnection, seqs: Sequence[int]) -> list[Listing]:
    """The grid rows of the messages with these sequence numbers, in the given order."""
    return (await listings_now(connection, seqs))[0] if seqs else []


async def listings_now(connection: AsyncConnection, seqs: Sequence[int]) -> tuple[list[Listing], Progress]:
    """The same, and how far the archive has come, in one trip to the reader."""
    given = {"seqs": json.dumps(list(seqs))}

    def asked(database: sqlite3.Connection) -> tuple[list[list[Any]], Sequence[Any]]:
        rows = [database.execute(statement, given).fetchall() for statement in _STATEMENTS]
        return rows, database.execute(_ENDS).fetchone()

    (found, deliveries, fetches), ends = await (await reader_of(connection)).ask(asked)
    rows = {row[0]: row for row in found}
    fates, verdicts = _fates(deliveries), engagement.verdicts_of(fetches)
    unindexed = [seq for seq, row in rows.items() if row[10] is None]
    envelopes = await _envelopes(connection, unindexed)
    drawn = [_listing_of(rows[seq], fates.get(seq, _Fates()), envelopes.get(seq, ()), verdicts) for seq in seqs]
    return drawn, progress_of(ends)


def _fates(deliveries: Sequence[Any]) -> dict[int, _Fates]:
    """By message, from the rows of `_deliveries`."""
    fates: dict[int, _Fates] = {}
    for seq, value, bounce, grade, source, count, complained, unsubscribed in deliveries:
        fate, state = fates.setdefault(seq, _Fates()), State(value)
        fate.states[state] = fate.states.get(state, 0) + count
        fate.complained += complained
        fate.unsubscribed += unsubscribed
        if state in REPORTED_STATES and grade:
            fate.reports.append(
                Reported(state, BounceClass(bounce) if bounce else None, Grade(grade), source or "", count)
            )
    return fates


async def _envelopes(connection: AsyncConnection, seqs: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The first recipients of messages that are not indexed yet."""
    if not seqs:
        return {}
    rows = await connection.execute(select(_message.seq, _message.recipients).where(_message.seq.in_(seqs)))
    return {seq: tuple(recipient_of(value).address for value in json.loads(text)[:SHOWN]) for seq, text in rows}


def _listing_of(row: Row, fates: _Fates, envelope: tuple[str, ...], verdicts: _Verdicts) -> Listing:
    seq, id_, received_at, sender, application, size, parent_id, count, tags, deleted_at, author, recipients, *rest = (
        row
    )
    is_indexed = author is not None
    *rest, is_automatic, mailing, peer = rest
    subject, snippet, all_tags, references, attachments = rest if is_indexed else ("", "", tags, "[]", 0)
    return Listing(
        id=id_,
        seq=seq,
        received_at=received_at,
        sender=author if is_indexed else sender,
        recipients=tuple(json.loads(recipients)) if is_indexed else envelope,
        recipient_count=count,
        subject=subject,
        snippet=snippet,
        application=application,
        states=fates.states,
        references=references_of(json.loads(references)) if references != "[]" else (),
        tags=tuple(json.loads(all_tags)) if all_tags != "[]" else (),
        size=size,
        attachment_count=attachments,
        parent_id=parent_id,
        reports=tuple(fates.reports),
        complained=fates.complained,
        unsubscribed=fates.unsubscribed,
        is_automatic=bool(is_automatic),
        mailing=mailing,
        is_deleted=deleted_at is not None,
        is_imported=peer == IMPORT,
        opened=frozenset(verdicts.get((seq, TokenKind.OPEN), ())),
        clicked=frozenset(verdicts.get((seq, TokenKind.CLICK), ())),
    )
