"""Selects for users, roles, groups, web sessions, API tokens and applications. Writing: `roster.py`, `accounts.py`."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.accounts import (
    APPLICATION_COLUMNS,
    SESSION_COLUMNS,
    TOKEN_COLUMNS,
    application_of,
    token_of,
)
from relay.archive.api import ApiToken, ApplicationRecord, User, WebSession
from relay.archive.api.people import Account
from relay.archive.roster import GROUP_COLUMNS, ROLE_COLUMNS, USER_COLUMNS, group_of, role_of, user_of
from relay.model.access import Group, Role

_user, _session, _token, _application = (
    schema.user.c,
    schema.web_session.c,
    schema.api_token.c,
    schema.application.c,
)
_USERS = select(*(_user[name] for name in USER_COLUMNS))
_ROLES = select(*(schema.role.c[name] for name in ROLE_COLUMNS)).order_by(schema.role.c.name)
_GROUPS = select(*(schema.user_group.c[name] for name in GROUP_COLUMNS)).order_by(schema.user_group.c.name)
_SESSIONS = select(*(_session[name] for name in SESSION_COLUMNS))
_TOKENS = select(*(_token[name] for name in TOKEN_COLUMNS))
_APPLICATIONS = select(*(_application[name] for name in APPLICATION_COLUMNS))


async def users(connection: AsyncConnection) -> list[User]:
    return [user_of(row) for row in await connection.execute(_USERS.order_by(_user.name))]


async def user(connection: AsyncConnection, name: str) -> User | None:
    row = (await connection.execute(_USERS.where(_user.name == name))).first()
    return None if row is None else user_of(row)


async def roles(connection: AsyncConnection) -> list[Role]:
    return [role_of(row) for row in await connection.execute(_ROLES)]


async def groups(connection: AsyncConnection) -> list[Group]:
    return [group_of(row) for row in await connection.execute(_GROUPS)]


async def account(connection: AsyncConnection, name: str) -> Account | None:
    """A user with what may be found of their groups, and all roles."""
    found = await user(connection, name)
    if found is None:
        return None
    joined = [group for group in await groups(connection) if group.name in found.groups]
    return Account(found, tuple(joined), tuple(await roles(connection)))


async def session(connection: AsyncConnection, token_hash: bytes, now: int) -> WebSession | None:
    """None also when it ran out."""
    statement = _SESSIONS.where(_session.token_hash == token_hash, _session.expires_at > now)
    row = (await connection.execute(statement)).first()
    return None if row is None else WebSession(*row)


async def tokens(connection: AsyncConnection) -> list[ApiToken]:
    return [token_of(row) for row in await connection.execute(_TOKENS.order_by(_token.created_at, _token.id))]


async def token(connection: AsyncConnection, token_hash: bytes, now: int) -> ApiToken | None:
    """None also when it ran out, or its user is disabled."""
    is_alive = or_(_token.expires_at.is_(None), _token.expires_at > now)
    of_anyone = _TOKENS.join_from(schema.api_token, schema.user).where(_user.disabled_at.is_(None))
    row = (await connection.execute(of_anyone.where(_token.token_hash == token_hash, is_alive))).first()
    return None if row is None else token_of(row)


async def applications(connection: AsyncConnection) -> list[ApplicationRecord]:
    return [application_of(row) for row in await connection.execute(_APPLICATIONS.order_by(_application.name))]
