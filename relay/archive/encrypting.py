"""Encrypting what was kept plain, and wrapping data keys by another master key: in small steps behind urgent work.

How far each has come is a setting, written in the transaction of the step: whatever is killed at whatever moment, the
next start goes on. A message's frames and its summary change in one transaction.

Old pages are overwritten (`secure_delete`), and the WAL is emptied at the end of it: plain octets do not stay there.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from relay.archive.accounts import put_settings, stored_setting
from relay.archive.api import ArchiveError
from relay.archive.api.encryption import EncryptionState
from relay.archive.cipher import EDITS, PAYLOAD, SUMMARY, CipherError, Ring, frame_label, is_sealed
from relay.archive.journal import append_events
from relay.archive.vault import Vault, edits_owner, masters, payload_owner, vault_of
from relay.model.event import Event, Kind

ACTOR = "relay"
APPLYING = "encryption_apply"
"""`[stage, after]`: what is being encrypted, and the last row that is done."""
ROTATING = "encryption_rotate"
"""True while data keys are wrapped anew."""
OCTETS = 2 * 1024 * 1024
"""Of one step; a larger message is a step of its own."""
ROWS = 200
KEYS = 500
"""Data keys of one step."""
NOTED = "encryption_noted"
"""Whether new contents are encrypted, as the log says; not there: it says nothing, and they are not."""

_MESSAGES = "SELECT seq, id FROM message WHERE seq > ? ORDER BY seq LIMIT ?"
_FRAMES = "SELECT n, frame FROM content WHERE message_seq = ? ORDER BY n"
_EDITS = "SELECT lower(hex(hash)), data FROM edit_list WHERE lower(hex(hash)) > ? AND hash > ? ORDER BY hash LIMIT ?"
_PAYLOADS = "SELECT id, body FROM payload WHERE id > ? ORDER BY id LIMIT ?"
_PLAIN = (
    "SELECT count(*) FROM message WHERE EXISTS (SELECT 1 FROM content WHERE message_seq = seq AND n = 0"
    " AND substr(frame, 1, 4) <> x'4D574501')"
)


@dataclass(frozen=True, slots=True)
class Rotating:
    """The arguments of one `rotate_keys`."""

    ring: Ring
    event: Event


@dataclass(frozen=True, slots=True)
class Noting:
    """The arguments of one `note_encryption`."""

    event_id: str
    at: int


def note(database: sqlite3.Connection, items: list[Noting]) -> list[bool]:
    """The writer's batch function of `note_encryption`."""
    return [_note(database, vault_of(database), item) for item in items]


def _note(database: sqlite3.Connection, vault: Vault, item: Noting) -> bool:
    if bool(stored_setting(database, NOTED)) is vault.is_on:
        return False
    put_settings(database, [(NOTED, vault.is_on)])
    data = {"what": "enabled", "key": vault.ring.current} if vault.is_on else {"what": "disabled"}
    append_events(database, [Event(item.event_id, item.at, Kind.ENCRYPTION_CHANGED, ACTOR, data=data)])
    return True


def begin_applying(database: sqlite3.Connection, events: list[Event]) -> list[bool]:
    """The writer's batch function of `encrypt_all`."""
    if not vault_of(database).is_on:
        raise ArchiveError("encryption is off: [encryption] enabled = true, and a start of the server, turn it on")
    return [_begin(database, APPLYING, ["content", 0], event) for event in events]


def begin_rotating(database: sqlite3.Connection, items: list[Rotating]) -> list[bool]:
    """The writer's batch function of `rotate_keys`: from here on the new key wraps what is new."""
    vault = vault_of(database)
    for item in items:
        if not item.ring.current:
            raise ArchiveError("there is no master key: [encryption] names none")
        vault.check(database, item.ring)
        vault.ring = item.ring
    return [_begin(database, ROTATING, True, item.event) for item in items]


def _begin(database: sqlite3.Connection, key: str, value: object, event: Event) -> bool:
    is_new = stored_setting(database, key) is None
    if is_new:
        put_settings(database, [(key, value)])
    append_events(database, [event])
    return is_new


def is_due(database: sqlite3.Connection) -> bool:
    return any(stored_setting(database, key) is not None for key in (APPLYING, ROTATING))


def steps(database: sqlite3.Connection, items: list[None]) -> Sequence[bool]:
    """The writer's batch function: one step of what is due. True: there is more to do."""
    vault = vault_of(database)
    if stored_setting(database, ROTATING) is not None:
        if not _wrap_some(database, vault):
            database.execute("DELETE FROM setting WHERE key = ?", (ROTATING,))
    elif (at := stored_setting(database, APPLYING)) is not None and vault.is_on:
        _encrypt_some(database, vault, *at)
    else:
        return [False] * len(items)
    return [is_due(database)] * len(items)


# -- data keys -----------------------------------------------------------------------------------------------------
def _wrap_some(database: sqlite3.Connection, vault: Vault) -> bool:
    """Some data keys are wrapped by the current key. False: all are."""
    ring = vault.ring
    other = next((id_ for id_ in masters(database) if id_ != ring.current), None)
    if other is None:
        return False
    rows = database.execute("SELECT owner, wrapped FROM data_key WHERE master = ? LIMIT ?", (other, KEYS)).fetchall()
    try:
        wrapped = [(*ring.wrap(owner, ring.unwrap(owner, other, old)), owner) for owner, old in rows]
    except CipherError as error:
        raise ArchiveError(f"a data key cannot be wrapped anew: {error}") from error
    database.executemany("UPDATE data_key SET master = ?, wrapped = ? WHERE owner = ?", wrapped)
    return True


# -- what is plain -------------------------------------------------------------------------------------------------
def _encrypt_some(database: sqlite3.Connection, vault: Vault, stage: str, after: int | str) -> None:
    after = _STAGES[stage](database, vault, after) or 0
    if not after:
        following = {"content": "edits", "edits": "payload"}.get(stage)
        if following is None:
            database.execute("DELETE FROM setting WHERE key = ?", (APPLYING,))
            return
        stage, after = following, ""
    put_settings(database, [(APPLYING, [stage, after])])


def _encrypt_messages(database: sqlite3.Connection, vault: Vault, after: int | str) -> int | str:
    """The last one that was looked at; 0: there are no more. The same for the others."""
    done = 0
    for seq, message_id in database.execute(_MESSAGES, (after, ROWS)).fetchall():
        frames = database.execute(_FRAMES, (seq,)).fetchall()
        if frames and not is_sealed(frames[0][1]):
            key, last = vault.key(database, message_id), frames[-1][0]
            database.executemany(
                "UPDATE content SET frame = ? WHERE message_seq = ? AND n = ?",
                [(key.seal(frame_label(n, is_last=n == last), frame), seq, n) for n, frame in frames],
            )
            done += sum(len(frame) for _, frame in frames)
        after = seq
        summary = database.execute("SELECT data FROM summary WHERE seq = ?", (seq,)).fetchone()
        if summary is not None and not is_sealed(summary[0]):
            sealed = vault.sealed(database, message_id, SUMMARY, summary[0])
            database.execute("UPDATE summary SET data = ? WHERE seq = ?", (sealed, seq))
        if done > OCTETS:
            return after
    more = database.execute("SELECT 1 FROM message WHERE seq > ? LIMIT 1", (after,)).fetchone()
    return after if more is not None else 0


def _encrypt_edits(database: sqlite3.Connection, vault: Vault, after: int | str) -> int | str:
    rows = database.execute(_EDITS, (after, bytes.fromhex(str(after)), ROWS)).fetchall()
    for hash_, data in rows:
        if data and not is_sealed(data):
            sealed = vault.sealed(database, edits_owner(bytes.fromhex(hash_)), EDITS, data)
            database.execute("UPDATE edit_list SET data = ? WHERE hash = ?", (sealed, bytes.fromhex(hash_)))
    return str(rows[-1][0]) if rows else 0


def _encrypt_payloads(database: sqlite3.Connection, vault: Vault, after: int | str) -> int | str:
    rows = database.execute(_PAYLOADS, (after, ROWS)).fetchall()
    for id_, body in rows:
        if body and not is_sealed(body):
            sealed = vault.sealed(database, payload_owner(id_), PAYLOAD, body)
            database.execute("UPDATE payload SET body = ? WHERE id = ?", (sealed, id_))
    return str(rows[-1][0]) if rows else 0


_STAGES: dict[str, Callable[[sqlite3.Connection, Vault, int | str], int | str]] = {
    "content": _encrypt_messages,
    "edits": _encrypt_edits,
    "payload": _encrypt_payloads,
}


# -- how far it is -------------------------------------------------------------------------------------------------
def state(database: sqlite3.Connection, vault: Vault) -> EncryptionState:
    keys = {
        id_: database.execute("SELECT count(*) FROM data_key WHERE master = ?", (id_,)).fetchone()[0]
        for id_ in masters(database)
    }
    (plain,) = database.execute(_PLAIN).fetchone()
    rows = database.execute("SELECT key FROM setting WHERE key IN (?, ?) AND value <> 'null'", (ROTATING, APPLYING))
    work = {json.dumps(row[0]) for row in rows}
    doing = "rotate" if json.dumps(ROTATING) in work else "apply" if work else ""
    return EncryptionState(vault.is_on, vault.ring.current, tuple(vault.ring.keys), keys, plain, doing)
