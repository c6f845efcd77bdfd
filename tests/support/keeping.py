"""What an archive's file holds, read with SQLite itself rather than with the archive's own code.

Read-only: nothing is repaired, written or checkpointed by looking, also beside a running server.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import zstandard


@dataclass(frozen=True, slots=True)
class Kept:
    """One message. `size` and `sha256` are what its row says, `content` the octets as unpacked."""

    seq: int
    id: str
    sender: str
    recipients: tuple[str, ...]
    protocol: str
    application: str
    auth_user: str | None
    smtputf8: bool
    size: int
    sha256: bytes
    content: bytes


@contextmanager
def opened(archive: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{archive}?mode=ro", uri=True)
    try:
        yield connection
    finally:
        connection.close()


def kept(connection: sqlite3.Connection, *, after: int = 0) -> Iterator[Kept]:
    """The messages with a sequence number above `after`, in order of capture."""
    columns = "seq, id, sender, recipients, protocol, application, auth_user, smtputf8, size, sha256"
    for row in connection.execute(f"SELECT {columns} FROM message WHERE seq > ? ORDER BY seq", (after,)):
        seq, message_id, sender, _, protocol, application, auth_user, smtputf8, size, sha256 = row
        frames = connection.execute("SELECT frame FROM content WHERE message_seq = ? ORDER BY n", (seq,))
        content = b"".join(zstandard.ZstdDecompressor().decompressobj().decompress(frame) for (frame,) in frames)
        paths = connection.execute("SELECT recipient FROM delivery WHERE message_seq = ? ORDER BY id", (seq,))
        recipients = tuple(path for (path,) in paths)
        yield Kept(
            seq,
            message_id,
            sender,
            recipients,
            protocol,
            application,
            auth_user,
            bool(smtputf8),
            size,
            sha256,
            content,
        )
