"""The tables of users and their tokens, roles that people make, groups, and applications added by command.

Imported by `schema`.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text, text


def user_table(metadata: MetaData) -> Table:
    return Table(
        "user",
        metadata,
        Column("name", Text, primary_key=True),
        Column("role", Text, nullable=False),
        Column("password_hash", Text, nullable=False),
        Column("created_at", Integer, nullable=False),
        # As JSON; NULL: none is given.
        Column("scope", Text, nullable=True),
        Column("groups", Text, nullable=False, server_default=text("'[]'")),
        # NULL: may sign in.
        Column("disabled_at", Integer, nullable=True),
    )


def api_token_table(metadata: MetaData) -> Table:
    return Table(
        "api_token",
        metadata,
        Column("id", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("user", Text, ForeignKey("user.name"), nullable=False),
        Column("token_hash", LargeBinary, nullable=False, unique=True),
        Column("created_at", Integer, nullable=False),
        Column("expires_at", Integer, nullable=True),
        # As JSON; NULL: all that the user has.
        Column("permissions", Text, nullable=True),
        Column("applications", Text, nullable=False, server_default=text("'[]'")),
        Index("api_token_user", "user"),
    )


def role_table(metadata: MetaData) -> Table:
    return Table(
        "role",
        metadata,
        Column("name", Text, primary_key=True),
        Column("permissions", Text, nullable=False),
        Column("needs_scope", Integer, nullable=False),
    )


def group_table(metadata: MetaData) -> Table:
    return Table(
        "user_group",
        metadata,
        Column("name", Text, primary_key=True),
        Column("role", Text, nullable=False),
        # As JSON; NULL: none is given.
        Column("scope", Text, nullable=True),
    )


def application_table(metadata: MetaData) -> Table:
    return Table(
        "application",
        metadata,
        Column("name", Text, primary_key=True),
        Column("username", Text, nullable=False, unique=True),
        Column("secret_hash", LargeBinary, nullable=False),
        Column("created_at", Integer, nullable=False),
        Column("mode", Text, nullable=True),
        Column("senders", Text, nullable=False),
        Column("tags", Text, nullable=False),
    )
