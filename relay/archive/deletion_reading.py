"""Selects about what people took away: tombstones, and the requests for them."""

from __future__ import annotations

from sqlalchemy import Select, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.api import NotFound
from relay.archive.deletion import REQUEST_COLUMNS, request_of
from relay.model.deletion import Deletion, Request

_deletion, _request, _message = schema.deletion.c, schema.deletion_request.c, schema.message.c


async def deletion(connection: AsyncConnection, seq: int) -> Deletion | None:
    columns = (_deletion.deleted_at, _deletion.deleted_by, _deletion.asked_by, _deletion.reason, _deletion.erased_at)
    statement = select(*columns)
    row = (await connection.execute(statement.where(_deletion.message_seq == seq))).one_or_none()
    return None if row is None else Deletion(*row)


async def request(connection: AsyncConnection, request_id: str) -> Request:
    row = (await connection.execute(_requests().where(_request.id == request_id))).one_or_none()
    if row is None:
        raise NotFound(f"no deletion request {request_id}")
    return request_of(tuple(row))


async def requests(connection: AsyncConnection, only_open: bool, before: str | None, limit: int) -> list[Request]:
    statement = _requests().order_by(_request.id.desc()).limit(limit)
    if only_open:
        statement = statement.where(_request.standing == "open")
    if before is not None:
        statement = statement.where(_request.id < before)
    return [request_of(tuple(row)) for row in await connection.execute(statement)]


async def open_request(connection: AsyncConnection, message_id: str) -> Request | None:
    statement = _requests().where(_message.id == message_id, text("deletion_request.standing = 'open'"))
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else request_of(tuple(row))


def _requests() -> Select[tuple[object, ...]]:
    joined = schema.deletion_request.join(schema.message, _message.seq == _request.message_seq)
    return select(*(_request[name] for name in REQUEST_COLUMNS), _message.id).select_from(joined)
