"""Second factors, recovery codes, passkeys, identities and sessions in use: batch functions for the writer.

Read by `factors_reading.py`. Every function may be run again with the same event: the second time changes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from relay.archive.accounts import Put, Removal, is_repeated, require_user
from relay.archive.api import ArchiveError, NotFound, User
from relay.archive.api.sign_in import Identity, Passkey, SecondFactor
from relay.archive.insert import insert
from relay.archive.journal import append_events
from relay.archive.roster import write_user
from relay.model.event import Event

FACTOR_COLUMNS = ("user", "secret", "created_at", "last_step")
PASSKEY_COLUMNS = ("id", "user", "name", "credential_id", "public_key", "sign_count", "created_at", "used_at")
IDENTITY_COLUMNS = ("issuer", "subject", "user", "is_managed", "created_at")

_PUT_FACTOR = insert(
    "second_factor",
    FACTOR_COLUMNS,
    conflict='ON CONFLICT ("user") DO UPDATE SET secret = excluded.secret, created_at = excluded.created_at, '
    "last_step = excluded.last_step",
)
_ADD_CODE = insert("recovery_code", ("user", "hash"), conflict="ON CONFLICT DO NOTHING")
_ADD_PASSKEY = insert("passkey", PASSKEY_COLUMNS, conflict="ON CONFLICT (id) DO NOTHING")
_ADD_IDENTITY = insert("identity", IDENTITY_COLUMNS, conflict="ON CONFLICT (issuer, subject) DO NOTHING")
_FACTORS = ("second_factor", "recovery_code", "passkey")


@dataclass(frozen=True, slots=True)
class Codes:
    user: str
    hashes: Sequence[bytes]
    event: Event


@dataclass(frozen=True, slots=True)
class Renaming:
    passkey_id: str
    name: str
    event: Event


@dataclass(frozen=True, slots=True)
class Joining:
    identity: Identity
    user: User | None
    event: Event


@dataclass(frozen=True, slots=True)
class Ending:
    user: str
    keep: bytes | None
    event: Event


def put_second_factors(database: sqlite3.Connection, puts: list[Put]) -> list[None]:
    for put in puts:
        factor: SecondFactor = put.value
        require_user(database, factor.user)
        if not is_repeated(database, put.event):
            database.execute(_PUT_FACTOR, (factor.user, factor.secret, factor.created_at, factor.last_step))
            append_events(database, [put.event])
    return [None] * len(puts)


def remove_second_factors(database: sqlite3.Connection, removals: list[Removal]) -> list[None]:
    """One that is not there is no error: the person wanted it gone."""
    for removal in removals:
        database.execute('DELETE FROM second_factor WHERE "user" = ?', (removal.key,))
        append_events(database, [removal.event])
    return [None] * len(removals)


def use_steps(database: sqlite3.Connection, uses: list[tuple[str, int]]) -> list[bool]:
    """Of two sign-ins with the same code at once, one is the first."""
    statement = 'UPDATE second_factor SET last_step = ?2 WHERE "user" = ?1 AND last_step < ?2'
    return [database.execute(statement, use).rowcount == 1 for use in uses]


def put_recovery_codes(database: sqlite3.Connection, puts: list[Codes]) -> list[None]:
    for put in puts:
        require_user(database, put.user)
        if is_repeated(database, put.event):
            continue
        database.execute('DELETE FROM recovery_code WHERE "user" = ?', (put.user,))
        database.executemany(_ADD_CODE, [(put.user, digest) for digest in put.hashes])
        append_events(database, [put.event])
    return [None] * len(puts)


def use_recovery_codes(database: sqlite3.Connection, uses: list[tuple[str, bytes, Event]]) -> list[bool]:
    found = []
    for user, digest, event in uses:
        statement = 'DELETE FROM recovery_code WHERE "user" = ? AND hash = ?'
        is_one = database.execute(statement, (user, digest)).rowcount == 1
        if is_one:
            append_events(database, [event])
        found.append(is_one or is_repeated(database, event))
    return found


def add_passkeys(database: sqlite3.Connection, puts: list[Put]) -> list[None]:
    for put in puts:
        key: Passkey = put.value
        require_user(database, key.user)
        taken = "SELECT 1 FROM passkey WHERE credential_id = ? AND id <> ?"
        if database.execute(taken, (key.credential_id, key.id)).fetchone() is not None:
            raise ArchiveError("this passkey is registered already")
        row = (key.id, key.user, key.name, key.credential_id, key.public_key, key.sign_count)
        database.execute(_ADD_PASSKEY, (*row, key.created_at, key.used_at))
        append_events(database, [put.event])
    return [None] * len(puts)


def rename_passkeys(database: sqlite3.Connection, renamings: list[Renaming]) -> list[None]:
    for one in renamings:
        if not database.execute("UPDATE passkey SET name = ? WHERE id = ?", (one.name, one.passkey_id)).rowcount:
            raise NotFound(f"no passkey {one.passkey_id}")
        append_events(database, [one.event])
    return [None] * len(renamings)


def remove_passkeys(database: sqlite3.Connection, removals: list[Removal]) -> list[None]:
    for removal in removals:
        if is_repeated(database, removal.event):
            continue
        if not database.execute("DELETE FROM passkey WHERE id = ?", (removal.key,)).rowcount:
            raise NotFound(f"no passkey {removal.key}")
        append_events(database, [removal.event])
    return [None] * len(removals)


def use_passkeys(database: sqlite3.Connection, uses: list[tuple[bytes, int, int]]) -> list[None]:
    database.executemany("UPDATE passkey SET sign_count = ?2, used_at = ?3 WHERE credential_id = ?1", uses)
    return [None] * len(uses)


def remove_factors(database: sqlite3.Connection, removals: list[Removal]) -> list[None]:
    for removal in removals:
        require_user(database, removal.key)
        for table in (*_FACTORS, "web_session"):
            database.execute(f'DELETE FROM {table} WHERE "user" = ?', (removal.key,))
        append_events(database, [removal.event])
    return [None] * len(removals)


def add_identities(database: sqlite3.Connection, joinings: list[Joining]) -> list[None]:
    for joining in joinings:
        one = joining.identity
        if is_repeated(database, joining.event):
            continue
        event = joining.event
        if joining.user is not None:
            is_there = database.execute('SELECT 1 FROM "user" WHERE name = ?', (joining.user.name,)).fetchone()
            if is_there is not None:
                raise ArchiveError(f"there is a user {joining.user.name} already")
            event = write_user(database, joining.user, event)
        require_user(database, one.user)
        database.execute(_ADD_IDENTITY, (one.issuer, one.subject, one.user, int(one.is_managed), one.created_at))
        append_events(database, [event])
    return [None] * len(joinings)


def remove_identities(database: sqlite3.Connection, removals: list[Removal]) -> list[None]:
    for removal in removals:
        database.execute("DELETE FROM identity WHERE issuer = ? AND subject = ?", removal.key)
        append_events(database, [removal.event])
    return [None] * len(removals)


def see_sessions(database: sqlite3.Connection, seen: list[tuple[bytes, int, str]]) -> list[None]:
    statement = "UPDATE web_session SET seen_at = ?2, address = ?3 WHERE token_hash = ?1 AND seen_at < ?2"
    database.executemany(statement, seen)
    return [None] * len(seen)


def strengthen_sessions(database: sqlite3.Connection, pairs: list[tuple[bytes, str]]) -> list[None]:
    database.executemany("UPDATE web_session SET method = ?2 WHERE token_hash = ?1", pairs)
    return [None] * len(pairs)


def end_sessions(database: sqlite3.Connection, endings: list[Ending]) -> list[int]:
    counts = []
    for ending in endings:
        statement = 'DELETE FROM web_session WHERE "user" = ? AND token_hash <> ?'
        count = database.execute(statement, (ending.user, ending.keep or b"")).rowcount
        if count:
            append_events(database, [ending.event])
        counts.append(count)
    return counts
