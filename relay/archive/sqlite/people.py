"""The archive's methods about users, roles and groups, in one SQLite file. See `api.people.People`."""

from __future__ import annotations

from relay.archive import people, roster
from relay.archive.accounts import Put, Removal
from relay.archive.api import User
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
        async with self._reader() as connection:
            user = await people.user(connection, name)
            if user is None:
                return None
            groups = [group for group in await people.groups(connection) if group.name in user.groups]
            return Account(user, tuple(groups), tuple(await people.roles(connection)))

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
