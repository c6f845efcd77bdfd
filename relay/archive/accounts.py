"""Web sessions, API tokens, applications and small settings: batch functions for the writer, and selects."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from relay.archive.api import ApiToken, ApplicationRecord, ArchiveError, NotFound, WebSession
from relay.archive.insert import insert
from relay.archive.journal import append_events
from relay.archive.rows import Row, to_json
from relay.model.access import Permission
from relay.model.event import Event

SESSION_COLUMNS = (
    "token_hash",
    "user",
    "created_at",
    "expires_at",
    "address",
    "seen_at",
    "user_agent",
    "method",
)
TOKEN_COLUMNS = ("id", "name", "user", "token_hash", "created_at", "expires_at", "permissions", "applications")
APPLICATION_COLUMNS = ("name", "username", "secret_hash", "created_at", "mode", "senders", "tags")

_PUT_APPLICATION = insert(
    "application",
    APPLICATION_COLUMNS,
    conflict="ON CONFLICT (name) DO UPDATE SET username = excluded.username, secret_hash = excluded.secret_hash, "
    "mode = excluded.mode, senders = excluded.senders, tags = excluded.tags",
)
_ADD_SESSION = insert("web_session", SESSION_COLUMNS, conflict="ON CONFLICT (token_hash) DO NOTHING")
_ADD_TOKEN = insert("api_token", TOKEN_COLUMNS, conflict="ON CONFLICT (id) DO NOTHING")
_PUT_SETTING = insert("setting", ("key", "value"), conflict="ON CONFLICT (key) DO UPDATE SET value = excluded.value")


@dataclass(frozen=True, slots=True)
class Put:
    """A value to be added or replaced, and the event that says so."""

    value: Any
    event: Event


@dataclass(frozen=True, slots=True)
class Removal:
    """The key of what is to be removed, and the event that says so."""

    key: Any
    event: Event


def add_sessions(database: sqlite3.Connection, puts: list[Put]) -> list[None]:
    for put in puts:
        session: WebSession = put.value
        require_user(database, session.user)
        # Those that ran out go when a new one comes: nothing else cleans them up.
        database.execute("DELETE FROM web_session WHERE expires_at <= ?", (session.created_at,))
        row = (session.token_hash, session.user, session.created_at, session.expires_at, session.address)
        database.execute(_ADD_SESSION, (*row, session.seen_at, session.user_agent, session.method))
        append_events(database, [put.event])
    return [None] * len(puts)


def remove_sessions(database: sqlite3.Connection, removals: list[Removal]) -> list[None]:
    """A session that is not there (ran out, or the user was changed) is no error: the person is signed out."""
    for removal in removals:
        database.execute("DELETE FROM web_session WHERE token_hash = ?", (removal.key,))
        append_events(database, [removal.event])
    return [None] * len(removals)


def add_tokens(database: sqlite3.Connection, puts: list[Put]) -> list[None]:
    for put in puts:
        token: ApiToken = put.value
        require_user(database, token.user)
        row = (token.id, token.name, token.user, token.token_hash, token.created_at, token.expires_at)
        permissions = None if token.permissions is None else to_json(sorted(token.permissions))
        database.execute(_ADD_TOKEN, (*row, permissions, to_json(token.applications)))
        append_events(database, [put.event])
    return [None] * len(puts)


def remove_tokens(database: sqlite3.Connection, removals: list[Removal]) -> list[None]:
    for removal in removals:
        remove_row(database, "api_token", "id", removal, f"no token {removal.key}")
    return [None] * len(removals)


def put_applications(database: sqlite3.Connection, puts: list[Put]) -> list[None]:
    for put in puts:
        record: ApplicationRecord = put.value
        clash = database.execute(
            "SELECT name FROM application WHERE username = ? AND name <> ?", (record.username, record.name)
        ).fetchone()
        if clash is not None:
            raise ArchiveError(f"application {clash[0]} already has the user name {record.username}")
        row = (record.name, record.username, record.secret_hash, record.created_at, record.mode)
        database.execute(_PUT_APPLICATION, (*row, to_json(record.senders), to_json(record.tags)))
        append_events(database, [put.event])
    return [None] * len(puts)


def remove_applications(database: sqlite3.Connection, removals: list[Removal]) -> list[None]:
    for removal in removals:
        remove_row(database, "application", "name", removal, f"no application {removal.key}")
    return [None] * len(removals)


def put_settings(database: sqlite3.Connection, pairs: list[tuple[str, Any]]) -> list[None]:
    database.executemany(_PUT_SETTING, [(key, json.dumps(value)) for key, value in pairs])
    return [None] * len(pairs)


def stored_setting(database: sqlite3.Connection, key: str) -> Any:
    row = database.execute("SELECT value FROM setting WHERE key = ?", (key,)).fetchone()
    return None if row is None else json.loads(row[0])


def remove_row(database: sqlite3.Connection, table: str, key: str, removal: Removal, missing: str) -> None:
    """Removes the row whose `key` it is, with its event. Raises NotFound(missing)."""
    if is_repeated(database, removal.event):
        return
    if not database.execute(f'DELETE FROM "{table}" WHERE {key} = ?', (removal.key,)).rowcount:
        raise NotFound(missing)
    append_events(database, [removal.event])


def is_repeated(database: sqlite3.Connection, event: Event) -> bool:
    return database.execute("SELECT 1 FROM event WHERE id = ?", (event.id,)).fetchone() is not None


def require_user(database: sqlite3.Connection, name: str) -> None:
    if database.execute('SELECT 1 FROM "user" WHERE name = ?', (name,)).fetchone() is None:
        raise NotFound(f"no user {name}")


def token_of(row: Row) -> ApiToken:
    id_, name, user, token_hash, created_at, expires_at, permissions, applications = row
    allowed = None if permissions is None else permissions_of(permissions)
    kept_to = tuple(json.loads(applications))
    return ApiToken(id_, name, user, token_hash, created_at, expires_at, allowed, kept_to)


def permissions_of(text: str) -> frozenset[Permission]:
    """Those that there are: one that a later version knew gives nothing."""
    return frozenset(Permission(name) for name in json.loads(text) if name in set(Permission))


def application_of(row: Row) -> ApplicationRecord:
    name, username, secret_hash, created_at, mode, senders, tags = row
    return ApplicationRecord(
        name, username, secret_hash, created_at, mode, tuple(json.loads(senders)), tuple(json.loads(tags))
    )
