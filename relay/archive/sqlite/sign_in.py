"""The archive's methods about signing in, in one SQLite file. See `api.sign_in.SignIn`."""

from __future__ import annotations

from collections.abc import Sequence

from relay.archive import accounts, factors, factors_reading
from relay.archive.api import User
from relay.archive.api.sign_in import Identity, Passkey, SecondFactor, WebSession
from relay.archive.sqlite.access import SqliteAccess
from relay.model.event import Event


class SqliteSignIn(SqliteAccess):
    async def second_factor(self, user: str) -> SecondFactor | None:
        async with self._reader() as connection:
            return await factors_reading.second_factor(connection, user)

    async def put_second_factor(self, factor: SecondFactor, event: Event) -> None:
        await self._write(factors.put_second_factors, accounts.Put(factor, event))

    async def remove_second_factor(self, user: str, event: Event) -> None:
        await self._write(factors.remove_second_factors, accounts.Removal(user, event))

    async def use_step(self, user: str, step: int) -> bool:
        return await self._write(factors.use_steps, (user, step))

    async def recovery_codes(self, user: str) -> int:
        async with self._reader() as connection:
            return await factors_reading.recovery_codes(connection, user)

    async def put_recovery_codes(self, user: str, hashes: Sequence[bytes], event: Event) -> None:
        await self._write(factors.put_recovery_codes, factors.Codes(user, hashes, event))

    async def use_recovery_code(self, user: str, digest: bytes, event: Event) -> bool:
        return await self._write(factors.use_recovery_codes, (user, digest, event))

    async def passkeys(self, user: str) -> list[Passkey]:
        async with self._reader() as connection:
            return await factors_reading.passkeys(connection, user)

    async def passkey(self, credential_id: bytes) -> Passkey | None:
        async with self._reader() as connection:
            return await factors_reading.passkey(connection, credential_id)

    async def add_passkey(self, passkey: Passkey, event: Event) -> None:
        await self._write(factors.add_passkeys, accounts.Put(passkey, event))

    async def rename_passkey(self, passkey_id: str, name: str, event: Event) -> None:
        await self._write(factors.rename_passkeys, factors.Renaming(passkey_id, name, event))

    async def remove_passkey(self, passkey_id: str, event: Event) -> None:
        await self._write(factors.remove_passkeys, accounts.Removal(passkey_id, event))

    async def use_passkey(self, credential_id: bytes, sign_count: int, at: int) -> None:
        await self._write(factors.use_passkeys, (credential_id, sign_count, at))

    async def remove_factors(self, user: str, event: Event) -> None:
        await self._write(factors.remove_factors, accounts.Removal(user, event))

    async def identity(self, issuer: str, subject: str) -> Identity | None:
        async with self._reader() as connection:
            return await factors_reading.identity(connection, issuer, subject)

    async def identities(self, user: str) -> list[Identity]:
        async with self._reader() as connection:
            return await factors_reading.identities(connection, user)

    async def add_identity(self, identity: Identity, user: User | None, event: Event) -> None:
        await self._write(factors.add_identities, factors.Joining(identity, user, event))

    async def remove_identity(self, issuer: str, subject: str, event: Event) -> None:
        await self._write(factors.remove_identities, accounts.Removal((issuer, subject), event))

    async def sessions(self, user: str, now: int) -> list[WebSession]:
        async with self._reader() as connection:
            return await factors_reading.sessions(connection, user, now)

    async def see_session(self, token_hash: bytes, at: int, address: str) -> None:
        await self._write(factors.see_sessions, (token_hash, at, address))

    async def strengthen_session(self, token_hash: bytes, method: str) -> None:
        await self._write(factors.strengthen_sessions, (token_hash, method))

    async def end_sessions(self, user: str, keep: bytes | None, event: Event) -> int:
        return await self._write(factors.end_sessions, factors.Ending(user, keep, event))
