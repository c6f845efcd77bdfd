"""Opening an archive in one SQLite file: lock, migrations, what an older start left to do."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path

from relay.archive import database, encrypting, scrub
from relay.archive.api import ArchiveError, ArchiveUnavailable
from relay.archive.api.encryption import Encryption
from relay.archive.migrations.run import HEAD, revision, upgrade
from relay.archive.sqlite.archive import SqliteArchive
from relay.archive.vault import Vault
from relay.archive.writer import FOLLOWED_UP_TO, Writer


async def open_sqlite(
    path: Path, *, read_only: bool, encryption: Encryption | None = None, is_followed: bool = False
) -> SqliteArchive:
    """Opens or makes the archive. `is_followed`: another program copies the WAL, and is the one that checkpoints.

    Raises ArchiveError: another writer, an older schema, a file that is not ours, contents that no key opens.
    """
    database.check_version()
    vault = await asyncio.to_thread(Vault.of, encryption)
    if read_only:
        await asyncio.to_thread(_check_readable, path, vault)
        return SqliteArchive(path, None, None, vault)
    database.prepare(path)
    lock = database.lock(path)
    try:
        patience = database.FOLLOWED_TIMEOUT if is_followed else database.BUSY_TIMEOUT
        connection = await asyncio.to_thread(_open_and_upgrade, path, vault, patience)
    except BaseException:
        os.close(lock)
        raise
    writer = Writer(path, vault, followed_up_to=FOLLOWED_UP_TO if is_followed else 0)
    is_scrub_due, is_encrypting_due = scrub.is_due(connection), encrypting.is_due(connection)
    writer.start(connection)
    archive = SqliteArchive(path, writer, lock, vault)
    if is_scrub_due:
        archive.go_on_scrubbing()
    if is_encrypting_due:
        archive.go_on_encrypting()
    return archive


def _open_and_upgrade(path: Path, vault: Vault, busy_timeout: int) -> sqlite3.Connection:
    try:
        connection = database.open_writer(path, vault, busy_timeout)
        try:
            upgrade(connection)
            # Before a message is taken: what is kept must be readable again.
            vault.check(connection)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise ArchiveUnavailable(f"cannot open the archive {path}: {error}") from error
    return connection


def _check_readable(path: Path, vault: Vault) -> None:
    """Raises ArchiveError unless the file is an archive with the schema of this version, and its keys are at hand."""
    try:
        connection = sqlite3.connect(database.address(path, "ro"), uri=True)
        try:
            found = revision(connection)
            if found == HEAD:
                vault.check(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise ArchiveError(f"cannot read the archive {path}: {error}") from error
    if found != HEAD:
        raise ArchiveError(f"{path} has schema {found or 'none'}, this version reads {HEAD}: start the server once")
