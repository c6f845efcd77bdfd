"""The data keys of an encrypted archive: each can be opened, and whatever is encrypted has one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from relay.archive.api.audit import Fault
from relay.archive.cipher import CipherError
from relay.archive.vault import vault_of

_WITHOUT = (
    "SELECT message.id FROM summary JOIN message ON message.seq = summary.seq"
    " WHERE substr(summary.data, 1, 4) = x'4D574501' AND NOT EXISTS (SELECT 1 FROM data_key WHERE owner = message.id)"
)


def check_keys(database: sqlite3.Connection) -> Iterator[Fault]:
    """Contents, edits and payloads are opened where they are checked; here, what is left of those that were deleted."""
    ring = vault_of(database).ring
    for owner, master, wrapped in database.execute("SELECT owner, master, wrapped FROM data_key"):
        try:
            ring.unwrap(owner, master, wrapped)
        except (CipherError, TypeError, AttributeError) as error:
            yield Fault(f"data key of {owner}", f"cannot be opened: {error}")
    for (message_id,) in database.execute(_WITHOUT):
        yield Fault(f"message {message_id}", "what the grid shows of it is encrypted, and its data key is not there")
