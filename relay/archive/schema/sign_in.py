"""The tables of second factors, recovery codes, passkeys and identities. Imported by `schema.py`."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text


def _user(*, is_key: bool = False) -> Column[str]:
    return Column("user", Text, ForeignKey("user.name"), primary_key=is_key, nullable=False)


def second_factor_table(metadata: MetaData) -> Table:
    return Table(
        "second_factor",
        metadata,
        _user(is_key=True),
        Column("secret", LargeBinary, nullable=False),
        Column("created_at", Integer, nullable=False),
        Column("last_step", Integer, nullable=False),
    )


def recovery_code_table(metadata: MetaData) -> Table:
    return Table(
        "recovery_code",
        metadata,
        _user(is_key=True),
        Column("hash", LargeBinary, primary_key=True),
        sqlite_with_rowid=False,
    )


def passkey_table(metadata: MetaData) -> Table:
    return Table(
        "passkey",
        metadata,
        Column("id", Text, primary_key=True),
        _user(),
        Column("name", Text, nullable=False),
        Column("credential_id", LargeBinary, nullable=False, unique=True),
        Column("public_key", LargeBinary, nullable=False),
        Column("sign_count", Integer, nullable=False),
        Column("created_at", Integer, nullable=False),
        Column("used_at", Integer, nullable=True),
        Index("passkey_user", "user"),
    )


def identity_table(metadata: MetaData) -> Table:
    return Table(
        "identity",
        metadata,
        Column("issuer", Text, primary_key=True),
        Column("subject", Text, primary_key=True),
        _user(),
        Column("is_managed", Integer, nullable=False),
        Column("created_at", Integer, nullable=False),
        Index("identity_user", "user"),
        sqlite_with_rowid=False,
    )
