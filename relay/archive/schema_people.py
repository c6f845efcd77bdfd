"""The tables of roles that people make, and of groups. Imported by `schema.py`."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, Table, Text


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
