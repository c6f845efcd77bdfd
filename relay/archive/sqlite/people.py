"""The archive's methods about people, programs and settings, in one SQLite file. See `api.people.People`."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from relay.archive import accounts, people, roster
from relay.archive.accounts import Put, Removal
from relay.archive.api import ApiToken, ApplicationRecord, User, WebSession
from relay.archive.api.people import Account
from relay.archive.sqlite.access import SqliteAccess
from relay.model.access import Group, Role
from relay.model.event import Event


class SqlitePeople(SqliteAccess):
    async def users(self) -> list[User]:
        async with self._reader() as connection:
            return await people.users(connection)

    async def user(self, name: str) -> User | None:
        async with self._reader() as connection:
            return await people.user(connection, name)

    async def put_user(self, user: User, event: Event) -> None:
        await self._write(roster.put_users, Put(user, event))

    async def account(self, name: str) -> Account | None:
        return await self._kept(("account", name), lambda reader: people.account(reader, name))

    async def roles(self) -> list[Role]:
        async with self._reader() as connection:
            return await people.roles(connection)

    async def put_role(self, role: Role, event: Event) -> None:
        await self._write(roster.put_roles, Put(role, event))

    async def remove_role(self, name: str, event: Event) -> None:
        await self._write(roster.remove_roles, Removal(name, event))

    async def groups(self) -> list[Group]:
        async with self._reader() as connection:
            return await people.groups(connection)

    async def put_group(self, group: Group, event: Event) -> None:
        await self._write(roster.put_groups, Put(group, event))

    async def remove_group(self, name: str, event: Event) -> None:
        await self._write(roster.remove_groups, Removal(name, event))

    # -- sessions, tokens, applications ----------------------------------------------------------------------
    async def remove_user(self, name: str, event: Event) -> None:
        await self._write(roster.remove_users, Removal(name, event))

    async def add_session(self, session: WebSession, event: Event) -> None:
        await self._write(accounts.add_sessions, Put(session, event))

    async def session(self, token_hash: bytes, now: int) -> WebSession | None:
        found = await self._kept(("session", token_hash), lambda reader: people.session(reader, token_hash, now))
        return found if found is not None and found.expires_at > now else None

    async def remove_session(self, token_hash: bytes, event: Event) -> None:
        await self._write(accounts.remove_sessions, Removal(token_hash, event))

    async def tokens(self) -> list[ApiToken]:
        async with self._reader() as connection:
            return await people.tokens(connection)

    async def token(self, token_hash: bytes, now: int) -> ApiToken | None:
        found = await self._kept(("token", token_hash), lambda reader: people.token(reader, token_hash, now))
        return found if found is not None and (found.expires_at is None or found.expires_at > now) else None

    async def add_token(self, token: ApiToken, event: Event) -> None:
        await self._write(accounts.add_tokens, Put(token, event))

    async def remove_token(self, token_id: str, event: Event) -> None:
        await self._write(accounts.remove_tokens, Removal(token_id, event))

    async def applications(self) -> list[ApplicationRecord]:
        async with self._reader() as connection:
            return await people.applications(connection)

    async def put_application(self, application: ApplicationRecord, event: Event) -> None:
        await self._write(accounts.put_applications, Put(application, event))

    async def remove_application(self, name: str, event: Event) -> None:
        await self._write(accounts.remove_applications, Removal(name, event))

    # -- settings --------------------------------------------------------------------------------------------
    async def setting(self, key: str) -> Any:
        return deepcopy(await self._setting(key))

    async def put_setting(self, key: str, value: Any) -> None:
        await self._write(accounts.put_settings, (key, value))
