"""Opening an archive in one SQLite file: lock, migrations, what an older start left to do."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path

from relay.archive import database, scrub
from relay.archive.api import ArchiveError, ArchiveUnavailable
from relay.archive.migrations.run import HEAD, revision, upgrade
from relay.archive.sqlite.archive import SqliteArchive
from relay.archive.writer import Writer


async def open_sqlite(path: Path, *, read_only: bool) -> SqliteArchive:
    """Opens or makes the archive. Raises ArchiveError: another writer, an older schema, a file that is not ours."""
    database.check_version()
    if read_only:
        await asyncio.to_thread(_check_readable, path)
        return SqliteArchive(path, None, None)
    database.prepare(path)
    lock = database.lock(path)
    try:
        connection = await asyncio.to_thread(_open_and_upgrade, path)
    except BaseException:
        os.close(lock)
        raise
    writer = Writer(path)
    is_scrub_due = scrub.is_due(connection)
    writer.start(connection)
    archive = SqliteArchive(path, writer, lock)
    if is_scrub_due:
        archive.go_on_scrubbing()
    return archive


def _open_and_upgrade(path: Path) -> sqlite3.Connection:
    try:
        connection = database.open_writer(path)
        try:
            upgrade(connection)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise ArchiveUnavailable(f"cannot open the archive {path}: {error}") from error
    return connection


def _check_readable(path: Path) -> None:
    """Raises ArchiveError unless the file is an archive with the schema of this version."""
    try:
        connection = sqlite3.connect(database.address(path, "ro"), uri=True)
        try:
            found = revision(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise ArchiveError(f"cannot read the archive {path}: {error}") from error
    if found != HEAD:
        raise ArchiveError(f"{path} has schema {found or 'none'}, this version reads {HEAD}: start the server once")
