"""What encrypts and opens for one archive: the ring of master keys, and the table of data keys.

The writer's thread encrypts, in the transaction that keeps, so that no plain octets get to the file; readers open in
their own threads. What is not encrypted begins otherwise (`cipher.MAGIC`) and is passed through: an archive may have
both. `Connection` carries the vault to the writer's batch functions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from relay.archive.api import ArchiveError
from relay.archive.api.encryption import Encryption
from relay.archive.cipher import EDITS, PAYLOAD, SUMMARY, CipherError, DataKey, Ring, frame_label, is_sealed, new_key

KeyRow = tuple[str, bytes]
"""(id of the master key, the wrapped data key)."""
_FIND = "SELECT master, wrapped FROM data_key WHERE owner = ?"
_KEEP = "INSERT INTO data_key (owner, master, wrapped) VALUES (?, ?, ?)"
_NEXT_MASTER = "SELECT min(master) FROM data_key WHERE master > ?"
_SAMPLE = "SELECT owner, wrapped FROM data_key WHERE master = ? LIMIT 1"
_DESTROY_EDITS = (
    "DELETE FROM data_key WHERE owner IN (SELECT 'edits:' || lower(hex(hash)) FROM edit_list"
    " WHERE message_seq = ?1 AND is_shared = 0 AND hash IN (SELECT edits FROM attempt WHERE message_seq = ?1))"
)
_DESTROY_PAYLOADS = (
    "DELETE FROM data_key WHERE owner IN (SELECT 'payload:' || payload.id FROM report"
    " JOIN payload ON payload.id = report.payload_id WHERE report.message_seq = ? AND length(payload.body) = 0)"
)


def edits_owner(edits_hash: bytes) -> str:
    return f"edits:{edits_hash.hex()}"


def payload_owner(payload_id: str) -> str:
    return f"payload:{payload_id}"


class Vault:
    """`is_on`: what is new is encrypted. Without keys it opens nothing and passes through what is plain."""

    def __init__(
        self,
        ring: Ring | None = None,
        *,
        is_on: bool = False,
        index_bodies: bool = True,
        load: Callable[[], Ring] | None = None,
    ) -> None:
        self.ring = ring or Ring()
        self.is_on = is_on
        self.index_bodies = index_bodies
        self._load = load

    @classmethod
    def of(cls, encryption: Encryption | None) -> Vault:
        """Raises ArchiveError: the keys cannot be had."""
        if encryption is None:
            return cls()
        vault = cls(is_on=encryption.is_on, index_bodies=encryption.index_bodies, load=encryption.load)
        vault.ring = vault.loaded()
        return vault

    def loaded(self) -> Ring:
        """The keys as file or command give them now. Raises ArchiveError."""
        return self._load() if self._load is not None else self.ring

    def check(self, database: sqlite3.Connection, ring: Ring | None = None) -> None:
        """Raises ArchiveError unless everything in the archive can be opened with the keys: names those missing."""
        ring = self.ring if ring is None else ring
        used = masters(database)
        if missing := [id_ for id_ in used if id_ not in ring.keys]:
            given = f"[encryption] has {', '.join(ring.keys)}" if ring.keys else "[encryption] names none"
            raise ArchiveError(f"contents are encrypted with the master key {', '.join(missing)}: {given}")
        if self.is_on and not ring.current:
            raise ArchiveError("[encryption] is on, and there is no key to encrypt with")

    # -- writing -------------------------------------------------------------------------------------------------
    def new_key(self, owner: str) -> tuple[DataKey, tuple[str, str, bytes]]:
        """A data key, and its row. Raises ArchiveError: there is no master key."""
        key = new_key()
        try:
            master, wrapped = self.ring.wrap(owner, key)
        except CipherError as error:
            raise ArchiveError(f"{owner} cannot be encrypted: {error}") from error
        return DataKey(owner, key), (owner, master, wrapped)

    def key(self, database: sqlite3.Connection, owner: str) -> DataKey:
        """The owner's data key, made if there is none."""
        row = database.execute(_FIND, (owner,)).fetchone()
        if row is not None:
            return self._unwrapped(owner, row)
        key, new = self.new_key(owner)
        database.execute(_KEEP, new)
        return key

    def sealed(self, database: sqlite3.Connection, owner: str, label: bytes, octets: bytes) -> bytes:
        """The octets as they are to be kept: encrypted if the vault is on."""
        return self.key(database, owner).seal(label, octets) if self.is_on and octets else octets

    # -- reading -------------------------------------------------------------------------------------------------
    def opened(self, owner: str, row: KeyRow | None, label: bytes, octets: bytes) -> bytes:
        """The plain octets. `row`: of the table of data keys. Raises ArchiveError: they cannot be opened."""
        if not is_sealed(octets):
            return octets
        try:
            return self._unwrapped(owner, row).open(label, octets)
        except CipherError as error:
            raise ArchiveError(f"what is kept of {owner} cannot be opened: {error}") from error

    def open_frames(self, owner: str, row: KeyRow | None, frames: list[bytes]) -> list[bytes]:
        """All frames of a content, opened in place; the same list."""
        if not any(map(is_sealed, frames)):
            return frames
        key, last = self._unwrapped(owner, row), len(frames) - 1
        try:
            for n, frame in enumerate(frames):
                frames[n] = key.open(frame_label(n, is_last=n == last), frame)
        except CipherError as error:
            raise ArchiveError(f"part {n + 1} of the content of {owner} cannot be opened: {error}") from error
        return frames

    def find(self, database: sqlite3.Connection, owner: str, label: bytes, octets: bytes) -> bytes:
        """As `opened`, with the key looked up here."""
        if not is_sealed(octets):
            return octets
        return self.opened(owner, database.execute(_FIND, (owner,)).fetchone(), label, octets)

    def _unwrapped(self, owner: str, row: KeyRow | None) -> DataKey:
        if row is None:
            raise ArchiveError(f"what is kept of {owner} cannot be opened: its data key is not there")
        try:
            return DataKey(owner, self.ring.unwrap(owner, *row))
        except CipherError as error:
            raise ArchiveError(f"what is kept of {owner} cannot be opened: {error}") from error


class Connection(sqlite3.Connection):
    """To the archive's file, with its vault."""

    vault: Vault = Vault()


def vault_of(database: sqlite3.Connection) -> Vault:
    """The connection's vault; of a connection made elsewhere, one that is off and opens nothing."""
    return database.vault if isinstance(database, Connection) else Connection.vault


def sealed_frames(vault: Vault, owner: str, frames: Sequence[bytes]) -> tuple[list[bytes], tuple[str, str, bytes]]:
    """The frames of a new content, encrypted, and the row of its new data key."""
    key, row = vault.new_key(owner)
    last = len(frames) - 1
    return [key.seal(frame_label(n, is_last=n == last), frame) for n, frame in enumerate(frames)], row


def masters(database: sqlite3.Connection) -> list[str]:
    """The ids of all master keys that wrap something. A step of the index for each, however many rows there are."""
    found: list[str] = []
    while (id_ := database.execute(_NEXT_MASTER, (found[-1] if found else "",)).fetchone()[0]) is not None:
        found.append(id_)
    return found


def destroy_keys(database: sqlite3.Connection, seq: int, message_id: str) -> None:
    """What is encrypted of a message can be opened by nobody any more, wherever copies of the octets are.

    The message must be in `deletion`, and payloads about it alone be emptied, before. The file's pages are overwritten
    (`secure_delete`); in the WAL the keys are until it is emptied, as after every deletion.
    """
    database.execute("DELETE FROM data_key WHERE owner = ?", (message_id,))
    database.execute(_DESTROY_EDITS, (seq,))
    destroy_payload_keys(database, seq)


def destroy_payload_keys(database: sqlite3.Connection, seq: int) -> None:
    """The same for payloads about the message that were emptied."""
    database.execute(_DESTROY_PAYLOADS, (seq,))


def sealed_summary(database: sqlite3.Connection, message_id: str, data: bytes) -> bytes:
    return vault_of(database).sealed(database, message_id, SUMMARY, data)


def opened_summary(database: sqlite3.Connection, message_id: str, data: bytes) -> bytes:
    return vault_of(database).find(database, message_id, SUMMARY, data)


def sealed_edits(database: sqlite3.Connection, edits_hash: bytes, data: bytes) -> bytes:
    return vault_of(database).sealed(database, edits_owner(edits_hash), EDITS, data)


def sealed_payload(database: sqlite3.Connection, payload_id: str, body: bytes) -> bytes:
    return vault_of(database).sealed(database, payload_owner(payload_id), PAYLOAD, body)
