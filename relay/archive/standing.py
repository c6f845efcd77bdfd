"""What a deed leaves standing, hashed into its event, so that the log vouches for it (`audit/standing.py` compares).

Of accounts: a SHA-256 of the rows of each table. Who has the table can make it again; the event says nothing of
passwords, which are in the table as salted hashes. Of settings that only deeds change: a SHA-256 of the value.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from relay.model.event import Event, Kind

NAME = "standing"
"""Where in an event's data the hashes are: `{"user": "5e…", "setting settings": "77…"}`."""

ACCOUNTS: Mapping[str, tuple[str, ...]] = {
    "application": ("name", "username", "secret_hash", "created_at", "mode", "senders", "tags"),
    "api_token": ("id", "name", "user", "token_hash", "created_at", "expires_at", "permissions", "applications"),
    "user": ("name", "role", "password_hash", "created_at", "scope", "groups", "disabled_at"),
    "role": ("name", "permissions", "needs_scope"),
    "user_group": ("name", "role", "scope"),
    "second_factor": ("user", "secret", "created_at"),
    "recovery_code": ("user", "hash"),
    "passkey": ("id", "user", "name", "credential_id", "public_key", "created_at"),
    "identity": ("issuer", "subject", "user", "is_managed", "created_at"),
}
"""Tables that change with an event `account-changed` alone, and the columns that do. A column that comes with a later
version is not to be added here: what was hashed before must come out the same."""


def with_accounts(database: sqlite3.Connection, event: Event) -> Event:
    """The event with the hashes of all accounts, if it is of a kind that changes them. They were changed before."""
    if event.kind is not Kind.ACCOUNT_CHANGED:
        return event
    return replace(event, data={**event.data, NAME: accounts(database)})


def with_setting(event: Event, key: str, value: Any) -> Event:
    """The event that tells of this value of a setting, with its hash."""
    return replace(event, data={**event.data, NAME: {setting_name(key): setting_digest(value)}})


def accounts(database: sqlite3.Connection) -> dict[str, str]:
    """By table, the hash of what stands in it."""
    return {table: _digest(database, table, columns) for table, columns in ACCOUNTS.items()}


def setting_name(key: str) -> str:
    return f"setting {key}"


def setting_digest(value: Any) -> str:
    # Twice: as it is kept, names are text.
    return sha256(json.dumps(json.loads(json.dumps(value)), sort_keys=True).encode()).hexdigest()


def _digest(database: sqlite3.Connection, table: str, columns: Sequence[str]) -> str:
    named = ", ".join(f'"{column}"' for column in columns)
    digest = sha256()
    for row in database.execute(f'SELECT {named} FROM "{table}" ORDER BY 1, 2'):
        plain = [value.hex() if isinstance(value, bytes) else value for value in row]
        digest.update(json.dumps(plain).encode() + b"\n")
    return digest.hexdigest()
