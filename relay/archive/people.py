"""Selects for users, web sessions, API tokens and applications. Written by `accounts.py`."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.accounts import (
    APPLICATION_COLUMNS,
    SESSION_COLUMNS,
    TOKEN_COLUMNS,
    USER_COLUMNS,
    application_of,
)
from relay.archive.api import ApiToken, ApplicationRecord, User, WebSession

_user, _session, _token, _application = (
    schema.user.c,
    schema.web_session.c,
    schema.api_token.c,
    schema.application.c,
)
_USERS = select(*(_user[name] for name in USER_COLUMNS))
_SESSIONS = select(*(_session[name] for name in SESSION_COLUMNS))
_TOKENS = select(*(_token[name] for name in TOKEN_COLUMNS))
_APPLICATIONS = select(*(_application[name] for name in APPLICATION_COLUMNS))


async def users(connection: AsyncConnection) -> list[User]:
    return [User(*row) for row in await connection.execute(_USERS.order_by(_user.name))]


async def user(connection: AsyncConnection, name: str) -> User | None:
    row = (await connection.execute(_USERS.where(_user.name == name))).first()
    return None if row is None else User(*row)


async def session(connection: AsyncConnection, token_hash: bytes, now: int) -> WebSession | None:
    """None also when it ran out."""
    statement = _SESSIONS.where(_session.token_hash == token_hash, _session.expires_at > now)
    row = (await connection.execute(statement)).first()
    return None if row is None else WebSession(*row)


async def tokens(connection: AsyncConnection) -> list[ApiToken]:
    return [ApiToken(*row) for row in await connection.execute(_TOKENS.order_by(_token.created_at, _token.id))]


async def token(connection: AsyncConnection, token_hash: bytes, now: int) -> ApiToken | None:
    """None also when it ran out."""
    is_alive = or_(_token.expires_at.is_(None), _token.expires_at > now)
    row = (await connection.execute(_TOKENS.where(_token.token_hash == token_hash, is_alive))).first()
    return None if row is None else ApiToken(*row)


async def applications(connection: AsyncConnection) -> list[ApplicationRecord]:
    return [application_of(row) for row in await connection.execute(_APPLICATIONS.order_by(_application.name))]
