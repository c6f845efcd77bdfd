"""What a dead server's archive holds, read with SQLite itself: whole messages, or the sentences that say what is not.

Opens the file read-only, so nothing is repaired or checkpointed by looking at it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tests.support.keeping import kept, opened

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
    with opened(archive) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'message'").fetchone():
            return Autopsy([], [], 0)
        wrong = [f"integrity: {line}" for (line,) in connection.execute("PRAGMA integrity_check") if line != "ok"]
        wrong += [f"foreign key: {row}" for row in connection.execute("PRAGMA foreign_key_check")]
        for what, question in (HALVES | UNFINISHED if is_finished else HALVES).items():
            wrong += [f"{what}: {row[0]}" for row in connection.execute(question).fetchmany(5)]
        found = []
        for message in kept(connection, after=after):
            after = message.seq
            digest = hashlib.sha256(message.content)
            if len(message.content) != message.size or digest.digest() != message.sha256:
                wrong.append(f"{message.id} has content of {len(message.content)} octets, {digest.hexdigest()}")
            found += [(recipient, digest.hexdigest()) for recipient in message.recipients]
        return Autopsy(found, wrong, after)
