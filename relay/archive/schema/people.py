"""The tables of roles that people make, of groups, and of applications added by command. Imported by `schema.py`."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text


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
