"""Opening one SQLite file: folder and modes, the lock that makes us its only writer, pragmas, versions.

SQLite before 3.51.3 can corrupt a WAL database when two connections write or checkpoint at the same time: therefore
exactly one connection in one process does either, and `archive.lock` keeps every other process out.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from relay.archive import sums
from relay.archive.api import ArchiveError
from relay.archive.vault import Connection, Vault

OLDEST_SQLITE = (3, 35, 0)
"""UPSERT, RETURNING and FTS5 as used here."""
BUSY_TIMEOUT = 250
"""Milliseconds to wait for a foreign lock; there should be none."""
FOLLOWED_TIMEOUT = 5000
"""The same where another program follows the WAL: it keeps writers out for moments, when it checkpoints."""


def check_version() -> None:
    """Raises ArchiveError if the SQLite that Python is linked with is too old."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        wanted = ".".join(map(str, OLDEST_SQLITE))
        raise ArchiveError(f"SQLite {sqlite3.sqlite_version} is too old: {wanted} or later is needed")


def prepare(path: Path) -> None:
    """Makes the folder (0700) and the empty file (0600); SQLite gives -wal and -shm the file's mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise ArchiveError(f"cannot open the archive {path}: {error.strerror}") from error


def lock(path: Path) -> int:
    """The descriptor holding the writer's lock on the archive's folder. Raises ArchiveError if another has it."""
    lock_path = path.with_name("archive.lock")
    descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise ArchiveError(f"another process is writing to {path} (it holds {lock_path})") from error
    return descriptor


def address(path: Path, mode: str) -> str:
    """SQLite's URI of the file; `mode` is rw or ro."""
    return f"file:{quote(str(path))}?mode={mode}"


def open_writer(path: Path, vault: Vault | None = None, busy_timeout: int = BUSY_TIMEOUT) -> Connection:
    """The one writing and checkpointing connection, in autocommit mode, usable by the writer's thread."""
    database = sqlite3.connect(
        address(path, "rw"),
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=busy_timeout / 1000,
        cached_statements=512,
        factory=Connection,
    )
    database.vault = vault or Vault()
    sums.prepare(database)
    try:
        for pragma in WRITER_PRAGMAS:
            database.execute(pragma).fetchall()
    except sqlite3.Error:
        database.close()
        raise
    return database


WRITER_PRAGMAS = (
    # Of a new file alone: free pages can be given back to the disk in small steps. An older one needs a VACUUM.
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA journal_mode = WAL",
    # An fsync of the WAL at each commit: what a 250 promises must survive power loss.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # What a REPLACE takes away is taken from the sums too.
    "PRAGMA recursive_triggers = ON",
    # What was deleted must not be read in the file by anyone: freed pages are overwritten.
    "PRAGMA secure_delete = ON",
    # The writer checkpoints by itself, in quiet moments.
    "PRAGMA wal_autocheckpoint = 0",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA cache_size = -32768",
    "PRAGMA mmap_size = 0",
    # trusted_schema stays ON here: our own triggers fill the full-text index, which SQLite calls unsafe otherwise.
)

READER_PRAGMAS = (
    "PRAGMA query_only = ON",
    "PRAGMA wal_autocheckpoint = 0",
    "PRAGMA cache_size = -8192",
    "PRAGMA mmap_size = 0",
    "PRAGMA trusted_schema = OFF",
)
