"""Users, the roles that people make, and groups: batch functions for the writer.

A change of what someone may ends their sessions in the same transaction, and its event says what was before and after.
None leaves an archive that nobody can manage (`somebody_stays`), whether page, program or command asks for it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from relay.archive.accounts import Put, Removal, is_repeated, permissions_of, remove_row
from relay.archive.api import ArchiveError, NobodyLeft, NotFound, User
from relay.archive.api.people import Account
from relay.archive.insert import insert
from relay.archive.journal import append_events
from relay.archive.rows import Row, to_json
from relay.model.access import BUILT_IN, Group, Role, Scope
from relay.model.event import Event

USER_COLUMNS = ("name", "role", "password_hash", "created_at", "scope", "groups", "disabled_at")
ROLE_COLUMNS = ("name", "permissions", "needs_scope")
GROUP_COLUMNS = ("name", "role", "scope")
OF_A_USER = ("web_session", "api_token", "second_factor", "recovery_code", "passkey", "identity")
"""The tables whose rows go with the user."""

_PUT_USER = insert(
    "user",
    USER_COLUMNS,
    conflict="ON CONFLICT (name) DO UPDATE SET role = excluded.role, password_hash = excluded.password_hash, "
    "scope = excluded.scope, groups = excluded.groups, disabled_at = excluded.disabled_at",
)
_PUT_ROLE = insert(
    "role",
    ROLE_COLUMNS,
    conflict="ON CONFLICT (name) DO UPDATE SET permissions = excluded.permissions, needs_scope = excluded.needs_scope",
)
_PUT_GROUP = insert(
    "user_group",
    GROUP_COLUMNS,
    conflict="ON CONFLICT (name) DO UPDATE SET role = excluded.role, scope = excluded.scope",
)


# -- rows ----------------------------------------------------------------------------------------------------
def scope_text(scope: Scope) -> str | None:
    return None if scope.is_everything else to_json(scope.as_json())


def scope_of(text: str | None) -> Scope:
    return Scope.of_json(None if text is None else json.loads(text))


def user_of(row: Row) -> User:
    name, role, password_hash, created_at, scope, groups, disabled_at = row
    return User(name, role, password_hash, created_at, scope_of(scope), tuple(json.loads(groups)), disabled_at)


def role_of(row: Row) -> Role:
    return Role(row[0], permissions_of(row[1]), bool(row[2]))


def group_of(row: Row) -> Group:
    return Group(row[0], row[1], scope_of(row[2]))


# -- who may manage people -----------------------------------------------------------------------------------
@contextmanager
def somebody_stays(database: sqlite3.Connection) -> Iterator[None]:
    """What is changed within leaves somebody who may manage people, if there was one. Raises NobodyLeft."""
    there_was = _has_keeper(database)
    yield
    if there_was and not _has_keeper(database):
        raise NobodyLeft


def _has_keeper(database: sqlite3.Connection) -> bool:
    users, roles, groups = (
        database.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
        for table, columns in (('"user"', USER_COLUMNS), ("role", ROLE_COLUMNS), ("user_group", GROUP_COLUMNS))
    )
    made, known = tuple(map(role_of, roles)), list(map(group_of, groups))

    def keeps(user: User) -> bool:
        joined = tuple(group for group in known if group.name in user.groups)
        return user.disabled_at is None and Account(user, joined, made).grant.keeps_people

    return any(keeps(user_of(row)) for row in users)


# -- users ---------------------------------------------------------------------------------------------------
def put_users(database: sqlite3.Connection, puts: list[Put]) -> list[None]:
    for put in puts:
        append_events(database, [write_user(database, put.value, put.event)])
    return [None] * len(puts)


def remove_users(database: sqlite3.Connection, removals: list[Removal]) -> list[None]:
    for removal in removals:
        if is_repeated(database, removal.event):
            continue
        with somebody_stays(database):
            for table in OF_A_USER:
                database.execute(f'DELETE FROM {table} WHERE "user" = ?', (removal.key,))
            remove_row(database, "user", "name", removal, f"no user {removal.key}")
    return [None] * len(removals)


def write_user(database: sqlite3.Connection, user: User, event: Event) -> Event:
    """Writes the row alone; returns the event with what was before and after, to be added by the caller."""
    old = _found(database, '"user"', USER_COLUMNS, user.name)
    before = None if old is None else user_of(old)
    values = (user.name, user.role, user.password_hash, user.created_at, scope_text(user.scope))
    with somebody_stays(database):
        database.execute(_PUT_USER, (*values, to_json(user.groups), user.disabled_at))
    if before is not None and _rights(before) != _rights(user):
        end_sessions(database, [user.name])
    return _telling(event, None if before is None else _user_json(before), _user_json(user))


def _rights(user: User) -> tuple[Any, ...]:
    return user.role, user.password_hash, user.scope, frozenset(user.groups), user.disabled_at


def _user_json(user: User) -> dict[str, Any]:
    rights = {"role": user.role, "scope": user.scope.as_json(), "groups": list(user.groups)}
    return rights if user.disabled_at is None else {**rights, "disabled": True}


def end_sessions(database: sqlite3.Connection, names: Iterable[str]) -> None:
    database.executemany('DELETE FROM web_session WHERE "user" = ?', [(name,) for name in names])


# -- roles ---------------------------------------------------------------------------------------------------
def put_roles(database: sqlite3.Connection, puts: list[Put]) -> list[None]:
    for put in puts:
        role: Role = put.value
        if role.name in {one.name for one in BUILT_IN}:
            raise ArchiveError(f"the role {role.name} is always there and stays as it is")
        old = _found(database, "role", ROLE_COLUMNS, role.name)
        before = None if old is None else role_of(old)
        with somebody_stays(database):
            database.execute(_PUT_ROLE, (role.name, to_json(sorted(role.permissions)), int(role.needs_scope)))
        if before != role:
            end_sessions(database, _with_role(database, role.name))
        _tell(database, put.event, None if before is None else before.as_json(), role.as_json())
    return [None] * len(puts)


def remove_roles(database: sqlite3.Connection, removals: list[Removal]) -> list[None]:
    for removal in removals:
        name = removal.key
        if is_repeated(database, removal.event):
            continue
        old = _found(database, "role", ROLE_COLUMNS, name)
        if old is None:
            raise NotFound(f"no role {name}")
        users = database.execute('SELECT 1 FROM "user" WHERE role = ?', (name,)).fetchone()
        if users or database.execute("SELECT 1 FROM user_group WHERE role = ?", (name,)).fetchone():
            raise ArchiveError(f"somebody has the role {name}")
        database.execute("DELETE FROM role WHERE name = ?", (name,))
        _tell(database, removal.event, role_of(old).as_json(), None)
    return [None] * len(removals)


def _with_role(database: sqlite3.Connection, role: str) -> list[str]:
    """Users who have it, of their own or by a group."""
    own = [row[0] for row in database.execute('SELECT name FROM "user" WHERE role = ?', (role,))]
    groups = [row[0] for row in database.execute("SELECT name FROM user_group WHERE role = ?", (role,))]
    return [*own, *(name for group in groups for name in _members(database, group))]


# -- groups --------------------------------------------------------------------------------------------------
def put_groups(database: sqlite3.Connection, puts: list[Put]) -> list[None]:
    for put in puts:
        group: Group = put.value
        old = _found(database, "user_group", GROUP_COLUMNS, group.name)
        before = None if old is None else group_of(old)
        with somebody_stays(database):
            database.execute(_PUT_GROUP, (group.name, group.role, scope_text(group.scope)))
        if before != group:
            end_sessions(database, _members(database, group.name))
        _tell(database, put.event, None if before is None else before.as_json(), group.as_json())
    return [None] * len(puts)


def remove_groups(database: sqlite3.Connection, removals: list[Removal]) -> list[None]:
    for removal in removals:
        name = removal.key
        if is_repeated(database, removal.event):
            continue
        old = _found(database, "user_group", GROUP_COLUMNS, name)
        if old is None:
            raise NotFound(f"no group {name}")
        members = _members(database, name)
        with somebody_stays(database):
            _dissolve(database, name, members)
        _tell(database, removal.event, {**group_of(old).as_json(), "users": members}, None)
    return [None] * len(removals)


def _dissolve(database: sqlite3.Connection, group: str, members: list[str]) -> None:
    end_sessions(database, members)
    for member in members:
        row = database.execute('SELECT groups FROM "user" WHERE name = ?', (member,)).fetchone()
        rest = [name for name in json.loads(row[0]) if name != group]
        database.execute('UPDATE "user" SET groups = ? WHERE name = ?', (to_json(rest), member))
    database.execute("DELETE FROM user_group WHERE name = ?", (group,))


def _members(database: sqlite3.Connection, group: str) -> list[str]:
    rows = database.execute('SELECT name, groups FROM "user" WHERE groups <> ?', (to_json([]),))
    return [name for name, groups in rows if group in json.loads(groups)]


# -- what all of them do -------------------------------------------------------------------------------------
def _found(database: sqlite3.Connection, table: str, columns: tuple[str, ...], name: str) -> Row | None:
    row: Row | None = database.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE name = ?", (name,)).fetchone()
    return row


def _tell(database: sqlite3.Connection, event: Event, before: Any, after: Any) -> None:
    append_events(database, [_telling(event, before, after)])


def _telling(event: Event, before: Any, after: Any) -> Event:
    return event if before == after else replace(event, data={**event.data, "before": before, "after": after})
