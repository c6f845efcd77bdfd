"""Brings an SQLite archive to the newest schema. Works from an installed package: Alembic is given this folder."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from relay.archive import sums
from relay.archive.api import ArchiveError

HEAD = "0024"
"""The newest revision; a test compares it with the folder."""


def revision(database: sqlite3.Connection) -> str | None:
    """The schema's revision, or None for an empty database."""
    exists = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    row = database.execute("SELECT version_num FROM alembic_version").fetchone() if exists else None
    return None if row is None else str(row[0])


def upgrade(database: sqlite3.Connection, target: str = HEAD) -> None:
    """Runs what is missing up to `target`, each revision in one transaction, on a connection in autocommit mode.

    Crash before the commit: the schema is as it was, and the next start runs the revision again.
    """
    if revision(database) == target:
        return
    sums.prepare(database)
    engine = create_engine("sqlite://", creator=lambda: database, poolclass=StaticPool)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            command.upgrade(config, target)
        except CommandError as error:
            raise ArchiveError(f"the archive was made by a newer version: {error}") from error
        sums.arrange(database)
        if database.in_transaction:
            database.execute("COMMIT")
