"""Contents against their hashes, and every sent copy built again: what left us is what is recorded, octet for octet."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from relay.archive.api import ArchiveError
from relay.archive.api.audit import Fault
from relay.archive.cipher import EDITS
from relay.archive.content import unpack
from relay.archive.rows import decompress, edits_of
from relay.archive.vault import edits_owner, vault_of
from relay.ledger.layout import rebuilt
from relay.ledger.scalars import LedgerError

_FRAMES = (
    "SELECT message.seq, message.id, message.sha256, message.size, content.n, content.frame,"
    " EXISTS (SELECT 1 FROM deletion WHERE deletion.message_seq = message.seq), data_key.master, data_key.wrapped"
    " FROM message LEFT JOIN content ON content.message_seq = message.seq"
    " LEFT JOIN data_key ON data_key.owner = message.id WHERE message.seq BETWEEN ? AND ?"
    " ORDER BY message.seq, content.n"
)
_ATTEMPTS = (
    "SELECT attempt.message_seq, attempt.id, edits, wire_sha256, wire_size, edit_list.data FROM attempt"
    " LEFT JOIN edit_list ON edit_list.hash = attempt.edits WHERE attempt.message_seq BETWEEN ? AND ?"
    # Taken away with a person's part: the leaf that says how it was sent is closed, and an event says so.
    " AND NOT (length(edit_list.data) = 0 AND edit_list.data IS NOT NULL AND EXISTS (SELECT 1 FROM message JOIN event"
    " ON event.message_id = message.id JOIN leaf ON leaf.seq = event.seq WHERE message.seq = attempt.message_seq"
    " AND event.message_id IS NOT NULL AND json_extract(event.data, '$.attempt') = attempt.id AND salt IS NULL))"
)


def check_contents(database: sqlite3.Connection, first: int, last: int) -> Iterator[Fault]:
    """Of the messages with these sequence numbers. Memory: one content, and the attempts of the portion."""
    attempts: dict[int, list[tuple[str, bytes | None, bytes, int, bytes | None]]] = {}
    for seq, *attempt in database.execute(_ATTEMPTS, (first, last)):
        attempts.setdefault(seq, []).append((attempt[0], attempt[1], attempt[2], attempt[3], attempt[4]))
    vault = vault_of(database)
    expected = first
    for seq, rows in groupby(database.execute(_FRAMES, (first, last)), key=itemgetter(0)):
        for missing in range(expected, seq):
            yield Fault(f"message number {missing}", "its row is missing: numbers have no holes")
        expected = seq + 1
        frames = list(rows)
        _, id_, sha256, size, _, first_frame, is_deleted, master, wrapped = frames[0]
        where = f"message {id_}"
        if is_deleted:
            if first_frame is not None:
                yield Fault(where, "its content was deleted, but is still there")
            continue
        try:
            if [row[4] for row in frames] != list(range(len(frames))):
                raise ArchiveError("a part of its content is missing")
            key = None if master is None else (master, wrapped)
            parts = vault.open_frames(id_, key, [row[5] for row in frames])
            content = b"".join(unpack(part) for part in parts)
        except (ArchiveError, TypeError, AttributeError) as error:
            yield Fault(where, str(error))
            continue
        digest = hashlib.sha256(content).digest()
        if len(content) != size or digest != sha256:
            yield Fault(where, "its content does not have the recorded SHA-256 and size")
            continue
        yield from _check_copies(database, content, digest, attempts.get(seq, ()))
    for missing in range(expected, last + 1):
        yield Fault(f"message number {missing}", "its row is missing: numbers have no holes")


def _check_copies(
    database: sqlite3.Connection,
    content: bytes,
    digest: bytes,
    attempts: list[tuple[str, bytes | None, bytes, int, bytes | None]] | tuple[()],
) -> Iterator[Fault]:
    seen: dict[tuple[bytes | None, bytes, int], str] = {}
    for id_, edits_hash, sha256, size, data in attempts:
        key = edits_hash, sha256, size
        if edits_hash is None and size == len(content) and sha256 == digest:
            continue
        if key not in seen:
            try:
                opened = data
                if edits_hash is not None and isinstance(data, bytes):
                    opened = vault_of(database).find(database, edits_owner(edits_hash), EDITS, data)
                seen[key] = _fault_of_copy(content, *key, opened)
            except ArchiveError as error:
                seen[key] = f"the recorded edits cannot be read: {error}"
        if seen[key]:
            yield Fault(f"attempt {id_}", seen[key])


def _fault_of_copy(content: bytes, edits_hash: bytes | None, sha256: bytes, size: int, data: bytes | None) -> str:
    """'' if the copy that was sent can be built again."""
    sent = content
    if edits_hash is not None:
        try:
            spelt = decompress(data or b"")
            if hashlib.sha256(spelt).digest() != edits_hash:
                return "the recorded edits do not have the hash they are stored under"
            sent = rebuilt(content, edits_of(spelt))
        except (LedgerError, ValueError, KeyError, TypeError) as error:
            return f"the copy that was sent cannot be built again: {error}"
        except Exception as error:  # of the decompressor
            return f"the recorded edits cannot be read: {error}"
    if len(sent) != size or hashlib.sha256(sent).digest() != sha256:
        return "the copy built again is not the one recorded as sent"
    return ""
