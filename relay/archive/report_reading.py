"""Selects that answer the reading methods about payloads and reports."""

from __future__ import annotations

import json

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.api import NotFound
from relay.archive.api.report import StoredReport
from relay.archive.cipher import PAYLOAD
from relay.archive.reading import opened
from relay.archive.report import PAYLOAD_COLUMNS, REPORT_COLUMNS, report_of
from relay.archive.rows import Row, decompress
from relay.archive.vault import Vault, payload_owner
from relay.model.event import Grade
from relay.model.report import Payload

_payload, _report, _message = schema.payload.c, schema.report.c, schema.message.c
_PAYLOAD = [_payload[name] for name in PAYLOAD_COLUMNS]
_REPORT = [_report[name] for name in REPORT_COLUMNS]


async def reports(connection: AsyncConnection, message_id: str) -> list[StoredReport]:
    joined = schema.report.join(schema.payload, _payload.id == _report.payload_id)
    seq = select(_message.seq).where(_message.id == message_id).scalar_subquery()
    statement = (
        select(_payload.source, _payload.grade, _payload.verdict, _report.delivery_id, *_REPORT)
        .select_from(joined)
        .where(_report.message_seq == seq, text("report.message_seq IS NOT NULL"))
        .order_by(_report.at, _report.id)
    )
    rows = await connection.execute(statement)
    return [StoredReport(report_of(row[4:]), row[0], Grade(row[1]), row[2], row[3]) for row in rows]


async def told_of(connection: AsyncConnection, payload_id: str) -> list[str | None]:
    joined = schema.report.outerjoin(schema.message, _message.seq == _report.message_seq)
    statement = select(_message.id).select_from(joined).where(_report.payload_id == payload_id).distinct()
    return [row[0] for row in await connection.execute(statement.order_by(_message.id))]


async def payload(connection: AsyncConnection, vault: Vault, payload_id: str) -> Payload:
    row = (await connection.execute(select(*_PAYLOAD).where(_payload.id == payload_id))).first()
    if row is None:
        raise NotFound(f"no payload {payload_id}")
    return await _payload_of(connection, vault, row)


async def unmapped(
    connection: AsyncConnection, vault: Vault, limit: int, after: str, has_problem: bool
) -> list[Payload]:
    problem = text("problem <> ''") if has_problem else text("problem = ''")
    statement = select(*_PAYLOAD).where(text("is_mapped = 0"), _payload.id > after, problem)
    rows = (await connection.execute(statement.order_by(_payload.id).limit(limit))).all()
    return [await _payload_of(connection, vault, row) for row in rows]


async def unmatched_payloads(connection: AsyncConnection, since: int, limit: int) -> list[str]:
    has_unmatched = select(_report.id).where(_report.payload_id == _payload.id, _report.message_seq.is_(None))
    statement = select(_payload.id).where(_payload.received_at >= since, has_unmatched.exists())
    return list(await connection.scalars(statement.order_by(_payload.received_at.desc()).limit(limit)))


async def _payload_of(connection: AsyncConnection, vault: Vault, row: Row) -> Payload:
    body = await opened(connection, vault, payload_owner(row[0]), PAYLOAD, row[9])
    return Payload(
        id=row[0],
        received_at=row[1],
        source=row[2],
        grade=Grade(row[3]),
        verdict=row[4],
        headers=json.loads(row[5]),
        # Empty: deleted with the content of the message that it is about.
        body=decompress(body) if body else b"",
        peer=row[6],
        return_token=row[7],
        nonce=row[8],
    )
