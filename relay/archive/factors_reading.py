"""Selects for second factors, passkeys, identities and the sessions of a user. Written by `factors.py`."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.accounts import SESSION_COLUMNS
from relay.archive.api.sign_in import Identity, Passkey, SecondFactor, WebSession
from relay.archive.factors import FACTOR_COLUMNS, IDENTITY_COLUMNS, PASSKEY_COLUMNS
from relay.archive.rows import Row

_factor, _code = schema.second_factor.c, schema.recovery_code.c
_passkey, _identity, _session = schema.passkey.c, schema.identity.c, schema.web_session.c
_PASSKEYS = select(*(_passkey[name] for name in PASSKEY_COLUMNS))
_IDENTITIES = select(*(_identity[name] for name in IDENTITY_COLUMNS))
_SESSIONS = select(*(_session[name] for name in SESSION_COLUMNS))


async def second_factor(connection: AsyncConnection, user: str) -> SecondFactor | None:
    statement = select(*(_factor[name] for name in FACTOR_COLUMNS)).where(_factor.user == user)
    row = (await connection.execute(statement)).first()
    return None if row is None else SecondFactor(*row)


async def recovery_codes(connection: AsyncConnection, user: str) -> int:
    statement = select(func.count()).select_from(schema.recovery_code).where(_code.user == user)
    return int((await connection.execute(statement)).scalar_one())


async def passkeys(connection: AsyncConnection, user: str) -> list[Passkey]:
    statement = _PASSKEYS.where(_passkey.user == user).order_by(_passkey.created_at, _passkey.id)
    return [Passkey(*row) for row in await connection.execute(statement)]


async def passkey(connection: AsyncConnection, credential_id: bytes) -> Passkey | None:
    row = (await connection.execute(_PASSKEYS.where(_passkey.credential_id == credential_id))).first()
    return None if row is None else Passkey(*row)


async def identity(connection: AsyncConnection, issuer: str, subject: str) -> Identity | None:
    statement = _IDENTITIES.where(_identity.issuer == issuer, _identity.subject == subject)
    row = (await connection.execute(statement)).first()
    return None if row is None else _identity_of(row)


async def identities(connection: AsyncConnection, user: str) -> list[Identity]:
    statement = _IDENTITIES.where(_identity.user == user).order_by(_identity.created_at)
    return [_identity_of(row) for row in await connection.execute(statement)]


def _identity_of(row: Row) -> Identity:
    issuer, subject, user, is_managed, created_at = row
    return Identity(issuer, subject, user, bool(is_managed), created_at)


async def sessions(connection: AsyncConnection, user: str, now: int) -> list[WebSession]:
    latest = func.max(_session.seen_at, _session.created_at).desc()
    statement = _SESSIONS.where(_session.user == user, _session.expires_at > now).order_by(latest)
    return [WebSession(*row) for row in await connection.execute(statement)]
