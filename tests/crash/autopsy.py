"""What a dead server's archive holds, read with SQLite itself: whole messages, or the sentences that say what is not.

Opens the file read-only, so nothing is repaired or checkpointed by looking at it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import zstandard

HALVES = {
    "a message without content": "SELECT id FROM message WHERE seq NOT IN (SELECT message_seq FROM content)",
    "content without a message": "SELECT message_seq FROM content WHERE message_seq NOT IN (SELECT seq FROM message)",
    "a message without a delivery": "SELECT id FROM message WHERE seq NOT IN (SELECT message_seq FROM delivery)",
    "a message without its captured event": (
        "SELECT id FROM message WHERE id NOT IN (SELECT message_id FROM event WHERE kind = 'captured')"
    ),
    "a captured event without its message": (
        "SELECT message_id FROM event WHERE kind = 'captured' AND message_id NOT IN (SELECT id FROM message)"
    ),
    "a message neither indexed nor waiting for it": (
        "SELECT id FROM message WHERE seq NOT IN (SELECT seq FROM index_queue UNION SELECT seq FROM listing)"
    ),
    "a delivery under way without a lease": (
        "SELECT id FROM delivery WHERE state = 'sending' AND (lease_owner IS NULL OR lease_until IS NULL)"
    ),
    "a delivery sent without a closed attempt": (
        "SELECT id FROM delivery WHERE state = 'sent'"
        " AND id NOT IN (SELECT delivery_id FROM attempt WHERE finished_at IS NOT NULL)"
    ),
}
UNFINISHED = {
    "a delivery not sent": "SELECT recipient || ' is ' || state FROM delivery WHERE state <> 'sent'",
    "an open attempt": "SELECT id FROM attempt WHERE finished_at IS NULL",
    "a lease": "SELECT id FROM delivery WHERE lease_owner IS NOT NULL",
}


@dataclass(frozen=True, slots=True)
class Autopsy:
    """`kept`: (recipient, hex SHA-256 of the octets as unpacked) of each message examined; `wrong`: sentences."""

    kept: list[tuple[str, str]]
    wrong: list[str]
    last_seq: int


def examine(archive: Path, *, after: int = 0, is_finished: bool = False) -> Autopsy:
    """Whether the file is sound and nothing in it is half; contents only of messages with a sequence above `after`.

    `is_finished`: everything should have been delivered by now.
    """
    if not archive.exists():
        return Autopsy([], [], 0)
    connection = sqlite3.connect(f"file:{archive}?mode=ro", uri=True)
    try:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'message'").fetchone():
            return Autopsy([], [], 0)
        wrong = [f"integrity: {line}" for (line,) in connection.execute("PRAGMA integrity_check") if line != "ok"]
        wrong += [f"foreign key: {row}" for row in connection.execute("PRAGMA foreign_key_check")]
        for what, question in (HALVES | UNFINISHED if is_finished else HALVES).items():
            wrong += [f"{what}: {row[0]}" for row in connection.execute(question).fetchmany(5)]
        kept, unequal, last = _contents(connection, after)
        return Autopsy(kept, wrong + unequal, last)
    finally:
        connection.close()


def _contents(connection: sqlite3.Connection, after: int) -> tuple[list[tuple[str, str]], list[str], int]:
    kept, wrong, last = [], [], after
    question = (
        "SELECT m.seq, m.id, m.size, m.sha256, d.recipient FROM message m JOIN delivery d ON d.message_seq = m.seq"
        " WHERE m.seq > ? ORDER BY m.seq"
    )
    for seq, message_id, size, digest, recipient in connection.execute(question, (after,)):
        frames = connection.execute("SELECT frame FROM content WHERE message_seq = ? ORDER BY n", (seq,))
        content = b"".join(zstandard.ZstdDecompressor().decompressobj().decompress(frame) for (frame,) in frames)
        found = hashlib.sha256(content)
        if len(content) != size or found.digest() != digest:
            wrong.append(f"{message_id} has content of {len(content)} octets, {found.hexdigest()}")
        kept.append((recipient, found.hexdigest()))
        last = seq
    return kept, wrong, last
