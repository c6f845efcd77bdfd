"""Mailpit's SQLite database, read: schemas 1.0.0 to 1.27, `mailbox` and `mailbox_data`, whatever the tenant's prefix.

`mailbox_data.Email` is the message: zstd until 1.23, from then on as the column `Compressed` says. `mailbox.Created` is
milliseconds (before 1.2 it was in JSON, and is not looked for). What rqlite keeps, and the files of Mailpit before 1.0,
are other formats. Opened read-only; nothing of the file is trusted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import zstandard

from relay.archive.database import address

MAGIC = b"SQLite format 3\0"
_CHUNK = 256 * 1024


class NotMailpit(Exception):
    """The file is not such a database, or is damaged; the text says why."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One message that Mailpit has. `created`: UTC microseconds; `table`: where it is, for `octets`."""

    id: str
    table: str
    created: int | None
    username: str


def kept(path: Path) -> Iterator[Kept]:
    """All messages, the one that came first first. Raises NotMailpit."""
    with _opened(path) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        found = [name for name in tables if name.endswith("mailbox_data") and name.removesuffix("_data") in tables]
        if not found:
            raise NotMailpit("it is an SQLite database, but not Mailpit's: there is no table mailbox_data")
        for table in sorted(found):
            yield from _kept_in(database, table)


def _kept_in(database: sqlite3.Connection, table: str) -> Iterator[Kept]:
    listed = table.removesuffix("_data")
    columns = _columns(database, listed)
    wanted = [name if name in columns else "NULL" for name in ("Created", "Username")]
    rows = database.execute(
        f"SELECT data.ID, {', '.join(f'listed.{name}' if name != 'NULL' else name for name in wanted)} FROM "
        f"{_quoted(table)} AS data LEFT JOIN {_quoted(listed)} AS listed ON listed.ID = data.ID ORDER BY data.rowid"
    )
    try:
        for id_, created, username in rows:
            at = int(created) * 1000 if isinstance(created, int | float) and 0 <= created < 2**48 else None
            yield Kept(str(id_), table, at, username if isinstance(username, str) else "")
    except sqlite3.Error as error:
        raise NotMailpit(f"it cannot be read: {error}") from error


def octets(path: Path, one: Kept) -> Iterator[bytes]:
    """The message as Mailpit has it, a piece at a time. Raises NotMailpit: it is damaged."""
    with _opened(path) as database:
        flag = "Compressed" if "Compressed" in _columns(database, one.table) else "1"
        row = database.execute(
            f"SELECT CAST(Email AS BLOB), {flag} FROM {_quoted(one.table)} WHERE ID = ?", (one.id,)
        ).fetchone()
    if row is None or row[0] is None:
        raise NotMailpit("it has no octets")
    email, is_compressed = row
    if not is_compressed:
        yield email
        return
    try:
        with zstandard.ZstdDecompressor().stream_reader(email) as reader:
            while piece := reader.read(_CHUNK):
                yield piece
    except zstandard.ZstdError as error:
        raise NotMailpit(f"its zstd frame is damaged: {error}") from error


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in database.execute(f"PRAGMA table_info({_quoted(table)})")}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class _opened:
    """The database, read-only; what SQLite says of it becomes NotMailpit."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._database = sqlite3.connect(address(self._path, "ro"), uri=True)
            self._database.execute("PRAGMA trusted_schema = OFF")
            self._database.execute("PRAGMA query_only = ON")
        except sqlite3.Error as error:
            raise NotMailpit(f"it cannot be opened: {error}") from error
        return self._database

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        with closing(self._database):
            pass
        if isinstance(error, sqlite3.Error):
            raise NotMailpit(f"it cannot be read: {error}") from error
