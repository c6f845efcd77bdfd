"""An archive as it is when it has just been made: copied, since all are alike and making one takes a tenth of a second.

That an archive can be made, and an old one brought up to date, is proved elsewhere (`test_archive_open.py`), as is that
a server makes one (`test_server_process.py`).
"""

from __future__ import annotations

import functools
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import relay.archive
from relay.archive import database
from relay.archive.api import Archive
from relay.archive.migrations.run import upgrade

PREFIX = "sqlite:///"


async def open_archive(url: str, *, read_only: bool = False, **options: Any) -> Archive:
    """As `relay.archive.open_archive`, with the same options; what is not there is copied."""
    if not read_only:
        put_fresh(Path(url.removeprefix(PREFIX)))
    return await relay.archive.open_archive(url, read_only=read_only, **options)


async def fresh_archive(path: Path) -> Archive:
    """An archive in this file, open to write: new, with its folder, unless it is there already."""
    return await open_archive(f"{PREFIX}{path}")


def put_fresh(path: Path) -> None:
    """A new archive is in this file, closed, unless something is there already."""
    if not path.exists():
        database.prepare(path)
        path.write_bytes(_octets())


@functools.cache
def _octets() -> bytes:
    """Of a new archive."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "archive.db"
        database.prepare(path)
        connection = database.open_writer(path)
        upgrade(connection)
        connection.close()
        assert not path.with_name(f"{path.name}-wal").exists()
        return path.read_bytes()
