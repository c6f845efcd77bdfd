"""The table of data keys. How they are wrapped is in `relay/archive/cipher.py`."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, MetaData, Table, Text


def data_key_table(metadata: MetaData) -> Table:
    """One for each message, edit list and payload that is encrypted. Destroyed, it makes what it opens unreadable."""
    return Table(
        "data_key",
        metadata,
        # A message's id, `edits:` with the hash, or `payload:` with the id.
        Column("owner", Text, primary_key=True),
        # Id of the master key that wraps it.
        Column("master", Text, nullable=False),
        Column("wrapped", LargeBinary, nullable=False),
        Index("data_key_master", "master"),
        sqlite_with_rowid=False,
    )
