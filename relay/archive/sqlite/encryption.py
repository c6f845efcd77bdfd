"""The archive's methods about encryption, in one SQLite file. See `api.encryption.EncryptionMethods`."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, suppress

from relay.archive import database, encrypting, reading
from relay.archive.api import ArchiveError, ArchiveUnavailable
from relay.archive.api.encryption import EncryptionState
from relay.archive.sqlite.access import SqliteAccess
from relay.model.event import Event


class SqliteEncryption(SqliteAccess):
    async def note_encryption(self, event_id: str, at: int) -> bool:
        return await self._write(encrypting.note, encrypting.Noting(event_id, at))

    async def encryption_state(self) -> EncryptionState:
        return await asyncio.to_thread(self._state)

    def _state(self) -> EncryptionState:
        try:
            with closing(sqlite3.connect(database.address(self._path, "ro"), uri=True)) as connection:
                return encrypting.state(connection, self._vault)
        except sqlite3.Error as error:
            raise ArchiveUnavailable(f"cannot read: {error}") from error

    async def is_encrypting(self) -> bool:
        async with self._reader() as connection:
            return any([await reading.setting(connection, key) for key in (encrypting.APPLYING, encrypting.ROTATING)])

    async def encryption_settled(self) -> None:
        await self._encrypting_settled.wait()

    async def encrypt_all(self, event: Event) -> bool:
        is_new = await self._write(encrypting.begin_applying, event)
        if is_new:
            self.go_on_encrypting()
        return is_new

    async def rotate_keys(self, event: Event) -> bool:
        ring = await asyncio.to_thread(self._vault.loaded)
        is_new = await self._write(encrypting.begin_rotating, encrypting.Rotating(ring, event))
        if is_new:
            self.go_on_encrypting()
        return is_new

    def go_on_encrypting(self) -> None:
        """One step of what is due, and the next when nothing urgent waits."""
        self._encrypting_settled.clear()
        # Closing: the next start goes on with it.
        with suppress(ArchiveError):
            self._write(encrypting.steps, None, is_patient=True).add_done_callback(self._encrypted)

    def _encrypted(self, done: asyncio.Future[bool]) -> None:
        if not done.cancelled() and done.exception() is None and done.result():
            self.go_on_encrypting()
            return
        self._encrypting_settled.set()
        if self._writer is not None:
            # Plain octets, and keys as they were wrapped, are in the WAL until then.
            self._writer.empty_log()
