"""Messages whole, one or some tens at a time: a few statements for all of them, in one trip to a reader's thread.

Through SQLAlchemy each message takes eight trips, which cost several times what SQLite needs to answer.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from relay.archive.api import NotFound, StoredMessage
from relay.archive.api.export import Whole
from relay.archive.cipher import EDITS, SUMMARY
from relay.archive.content import joined, verified
from relay.archive.rows import (
    ATTEMPT_COLUMNS,
    DELIVERY_COLUMNS,
    MESSAGE_COLUMNS,
    Row,
    attempt_of,
    decompress,
    delivery_of,
    edits_of,
    message_of,
    summary_of,
)
from relay.archive.vault import KeyRow, Vault, edits_owner
from relay.model.deletion import Deletion
from relay.model.delivery import Attempt, Delivery
from relay.model.edit import Edit
from relay.model.summary import Summary

_THESE = "IN (SELECT value FROM json_each(?))"
_SEQ = "SELECT seq FROM message WHERE id = ?"
_SEQS = f"SELECT seq FROM message WHERE id {_THESE} ORDER BY seq"
_WIDTH = len(MESSAGE_COLUMNS)
_MESSAGES = (
    f"SELECT {', '.join(f'message.{name}' for name in MESSAGE_COLUMNS)}, message.seq, listing.tags,"
    " summary.data, data_key.master, data_key.wrapped,"
    " deletion.deleted_at, deletion.deleted_by, deletion.asked_by, deletion.reason, deletion.erased_at FROM message"
    " LEFT JOIN listing ON listing.seq = message.seq LEFT JOIN summary ON summary.seq = message.seq"
    " LEFT JOIN data_key ON data_key.owner = message.id LEFT JOIN deletion ON deletion.message_seq = message.seq"
    f" WHERE message.seq {_THESE} ORDER BY message.seq"
)
_CHILDREN = f"SELECT parent_id, id FROM message WHERE parent_id {_THESE} ORDER BY seq"
_DELIVERIES = (
    f"SELECT message_seq, {', '.join(DELIVERY_COLUMNS)} FROM delivery WHERE message_seq {_THESE}"
    " ORDER BY created_at, rowid"
)
_ATTEMPTS = (
    f"SELECT message_seq, edits, {', '.join(ATTEMPT_COLUMNS)} FROM attempt WHERE message_seq {_THESE} ORDER BY rowid"
)
_EDITS = (
    "SELECT hash, data, master, wrapped FROM edit_list LEFT JOIN data_key ON owner = 'edits:' || lower(hex(hash))"
    f" WHERE hash IN (SELECT edits FROM attempt WHERE message_seq {_THESE})"
)
_FIRST = f"SELECT message_id, min(seq) FROM event WHERE message_id {_THESE} GROUP BY message_id"
_FRAMES = f"SELECT message_seq, frame FROM content WHERE message_seq {_THESE} ORDER BY message_seq, n"
_KEYS = f"SELECT owner, master, wrapped FROM data_key WHERE owner {_THESE}"


def stored_message(database: sqlite3.Connection, vault: Vault, message_id: str) -> StoredMessage:
    """Raises NotFound; ArchiveError: something of it cannot be opened."""
    row = database.execute(_SEQ, (message_id,)).fetchone()
    if row is None:
        raise NotFound(f"no message {message_id}")
    return stored_messages(database, vault, [row[0]])[0]


def stored_messages(database: sqlite3.Connection, vault: Vault, seqs: Sequence[int]) -> list[StoredMessage]:
    """Those with these sequence numbers, in their order. Raises ArchiveError as above."""
    which = (json.dumps(seqs),)
    rows = database.execute(_MESSAGES, which).fetchall()
    ids = {row[_WIDTH]: row[0] for row in rows}
    children = _grouped(database.execute(_CHILDREN, (json.dumps(list(ids.values())),)))
    deliveries, attempts = _deliveries(database, which, ids), _attempts(database, vault, which, ids)
    found = []
    for row in rows:
        seq, tags, *summary = row[_WIDTH : _WIDTH + 5]
        message = message_of(row)
        found.append(
            StoredMessage(
                message=message,
                seq=seq,
                summary=_summary(vault, message.id, *summary),
                deliveries=deliveries.get(seq, ()),
                attempts=attempts.get(seq, ()),
                children=tuple(child for (child,) in children.get(message.id, ())),
                # Those of the grid; while the indexer has not reached it, those it came with.
                tags=message.tags if tags is None else tuple(json.loads(tags)),
                deletion=None if row[_WIDTH + 5] is None else Deletion(*row[_WIDTH + 5 :]),
            )
        )
    return found


def whole(database: sqlite3.Connection, vault: Vault, message_ids: Sequence[str], most: int) -> list[Whole]:
    """See `api.export.Exports.whole`."""
    seqs = [row[0] for row in database.execute(_SEQS, (json.dumps(message_ids),))]
    found = stored_messages(database, vault, seqs)
    first = dict(database.execute(_FIRST, (json.dumps([one.message.id for one in found]),)))
    contents = _contents(database, vault, [one for one in found if one.deletion is None and one.message.size <= most])
    # The leaf of an event is one less than its number.
    leaves = {id_: seq - 1 for id_, seq in first.items()}
    return [Whole(one, leaves.get(one.message.id), contents.get(one.seq)) for one in found]


def _contents(database: sqlite3.Connection, vault: Vault, wanted: Sequence[StoredMessage]) -> dict[int, bytes]:
    keys = {
        owner: (master, wrapped)
        for owner, master, wrapped in database.execute(_KEYS, (json.dumps([one.message.id for one in wanted]),))
    }
    frames = _grouped(database.execute(_FRAMES, (json.dumps([one.seq for one in wanted]),)))
    contents = {}
    for one in wanted:
        id_ = one.message.id
        opened = vault.open_frames(id_, keys.get(id_), [frame for (frame,) in frames.get(one.seq, ())])
        contents[one.seq] = verified(joined(opened), one.message.sha256, id_)
    return contents


def _deliveries(
    database: sqlite3.Connection, which: tuple[str], ids: dict[int, str]
) -> dict[int, tuple[Delivery, ...]]:
    rows = _grouped(database.execute(_DELIVERIES, which))
    return {seq: tuple(delivery_of(row, ids[seq]) for row in some) for seq, some in rows.items()}


def _attempts(
    database: sqlite3.Connection, vault: Vault, which: tuple[str], ids: dict[int, str]
) -> dict[int, tuple[Attempt, ...]]:
    rows = _grouped(database.execute(_ATTEMPTS, which))
    edits: dict[bytes | None, tuple[Edit, ...]] = {None: ()}
    for hash_, data, master, wrapped in database.execute(_EDITS, which):
        # Empty: deleted with the message's content.
        opened = vault.opened(edits_owner(hash_), _key(master, wrapped), EDITS, data)
        edits[hash_] = edits_of(decompress(opened)) if data else ()
    return {seq: tuple(attempt_of(row[1:], ids[seq], edits[row[0]]) for row in some) for seq, some in rows.items()}


def _summary(
    vault: Vault, message_id: str, data: bytes | None, master: str | None, wrapped: bytes | None
) -> Summary | None:
    """None: the indexer has not reached it."""
    if data is None:
        return None
    return summary_of(vault.opened(message_id, _key(master, wrapped), SUMMARY, data))


def _key(master: str | None, wrapped: bytes | None) -> KeyRow | None:
    return None if master is None or wrapped is None else (master, wrapped)


def _grouped(rows: Iterable[Row]) -> dict[Any, list[Row]]:
    """The rest of each row, by its first value."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[0], []).append(row[1:])
    return groups
