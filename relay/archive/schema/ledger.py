"""The tables of the ledger: leaves, the hashes above them, checkpoints and time stamps. Imported by `schema/`."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, MetaData, Table, Text


def leaf_table(metadata: MetaData) -> Table:
    """Leaf `n` of the log is of the event with seq `n + 1`: a row for each event, without holes."""
    return Table(
        "leaf",
        metadata,
        Column("seq", Integer, ForeignKey("event.seq"), primary_key=True, autoincrement=False),
        # Of the entry (RFC 6962: leaf hash), which is made again from the event and the commitment.
        Column("hash", LargeBinary, nullable=False),
        Column("commitment", LargeBinary, nullable=False),
        # NULL: erased. Then nothing shows any more what the commitment was of.
        Column("salt", LargeBinary, nullable=True),
    )


def node_table(metadata: MetaData) -> Table:
    """Hashes of complete subtrees of 256, 65,536 … leaves: what tiles of level 1, 2 … consist of."""
    return Table(
        "node",
        metadata,
        Column("level", Integer, primary_key=True, autoincrement=False),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("hash", LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


def tree_table(metadata: MetaData) -> Table:
    """One row: how large the log is, and the peaks it grows on (`relay.ledger.tree.Frontier`), one after the other."""
    return Table(
        "tree",
        metadata,
        Column("size", Integer, nullable=False),
        Column("peaks", LargeBinary, nullable=False),
    )


def checkpoint_table(metadata: MetaData) -> Table:
    return Table(
        "checkpoint",
        metadata,
        Column("size", Integer, primary_key=True, autoincrement=False),
        Column("at", Integer, nullable=False),
        # The signed note, with all cosignatures that came for it.
        Column("note", Text, nullable=False),
        # Size of the one before; NULL: it was the first. So none can be taken away unseen.
        Column("previous", Integer, nullable=True),
    )


def stamp_table(metadata: MetaData) -> Table:
    return Table(
        "stamp",
        metadata,
        Column("size", Integer, ForeignKey("checkpoint.size"), primary_key=True, autoincrement=False),
        Column("authority", Text, primary_key=True),
        Column("at", Integer, nullable=False),
        # The note that was stamped, as it was: cosignatures that came later are not in it.
        Column("note", Text, nullable=False),
        Column("response", LargeBinary, nullable=False),
        Column("chain", LargeBinary, nullable=False),
    )
