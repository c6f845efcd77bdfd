"""Where a person is named in the archive: messages, and rows of all tables with texts. Read-only; looks at everything.

Contents are read octet by octet, and as text as the indexer read them, so that an address in base64 is found too.
Not looked into: pictures, archives and what else no text was read from.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from relay.archive.api import ArchiveError
from relay.archive.cipher import PAYLOAD
from relay.archive.content import unpack
from relay.archive.deletion import may_erase
from relay.archive.holds import hold
from relay.archive.rows import decompress
from relay.archive.vault import Vault, payload_owner
from relay.model.erasure import Mention, needle, octet_pattern, pattern
from relay.model.hold import Hold

_BY_SEQ = "message_seq"
_BY_EVENT = "(SELECT seq FROM message WHERE message.id = event.message_id)"
_BY_REPORT = "(SELECT message_seq FROM report WHERE payload_id = payload.id AND message_seq IS NOT NULL LIMIT 1)"

TEXTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "message": ("seq", ("sender", "recipients", "envid", "auth", "auth_user", "helo", "tags")),
    "delivery": (_BY_SEQ, ("recipient", "orcpt", "original", "why", "reply_text")),
    "attempt": (_BY_SEQ, ("reply_text", "sender", "signatures")),
    "event": (_BY_EVENT, ("data", "actor")),
    "report": (
        _BY_SEQ,
        (
            *("recipient", "diagnostic", "explanation", "action", "detail", "event_key", "header_message_id"),
            *("provider_id", "address_key"),
        ),
    ),
    "payload": (_BY_REPORT, ("headers", "problem", "return_token", "verdict")),
    "fetch": (_BY_SEQ, ("user_agent", "signals", "reason")),
    "token": (_BY_SEQ, ("url",)),
    "listing": (
        "seq",
        (
            *("sender", "recipients", "subject", "snippet", "header_message_id", "to_key", "subject_key"),
            *("sender_key", "author", "tags", "reference_codes"),
        ),
    ),
    "document": (
        "seq",
        (
            *("subject", "author", "addressees", "cc", "sender", "recipients", "filenames", "headers", "body"),
            "attachments",
        ),
    ),
    "mailing": ("NULL", ("key", "name", "source")),
    "deletion": (_BY_SEQ, ("reason", "deleted_by", "asked_by")),
    "deletion_request": (_BY_SEQ, ("reason", "answer", "asked_by", "decided_by")),
    "legal_hold": ("NULL", ("name", "reason", "made_by", "ended_by")),
    "repetition": ("NULL", ("recipient",)),
    "idempotency": ("NULL", ("owner", "key")),
    "notification": ("NULL", ("error",)),
    "saved_view": ("NULL", ("name", "query", "owner")),
    "web_session": ("NULL", ("user_agent",)),
}
"""Tables with texts that people or mail wrote: the message that a row belongs to, and the columns."""
ACCOUNTS = {
    "application": ("application", ("name", "username", "senders", "tags")),
    "user": ("user", ("name", "scope")),
    "group": ("user_group", ("name", "scope")),
    "endpoint": ("endpoint", ("name", "url")),
    "setting": ("setting", ("key", "value")),
}
"""How things are set up: an address in them is told, and is the administrator's to change. Table and columns."""
CONTENT_COLUMNS = ("subject", "author", "addressees", "cc", "filenames", "headers", "body", "attachments")
ENVELOPES = ("message", "delivery", "listing", "document")
"""Tables that say to whom a message went, and from whom it came."""
_NAMED_AS = {
    **dict.fromkeys(("recipients", "recipient", "original", "orcpt", "to_key"), "recipient"),
    **dict.fromkeys(("sender", "sender_key", "author"), "sender"),
}
TOLD_EACH = 100
"""Messages between two words about how far it is."""
OVERLAP = 1024
"""Octets of one frame that are looked at again with the next: an address may lie across."""


@dataclass(frozen=True, slots=True)
class Found:
    """`rows`: (table, rowid, sequence number of the message it belongs to)."""

    mentions: list[Mention]
    rows: list[tuple[str, int, int | None]] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    """Of the set-up, that name the person: `user ann@example.com`."""
    holds: list[tuple[Hold, int]] = field(default_factory=list)
    """Open ones, each with how many of these messages are under it."""
    suppressed: int = 0
    """Entries of the suppression list that name the person."""


Told = Callable[[int, int], object]
"""Hears how far it is: messages looked through, of how many. Ends the search by raising."""


def find(database: sqlite3.Connection, address: str, now: int, vault: Vault, told: Told | None = None) -> Found:
    """Everything that names the person, in one snapshot. `now`: UTC microseconds, for terms."""
    places: dict[int, set[str]] = {}
    rows: list[tuple[str, int, int | None]] = []
    text, part = pattern(address), needle(address)
    for table, (owner, columns) in TEXTS.items():
        for row_id, seq, column in _named(database, table, owner, columns, part, text):
            rows.append((table, row_id, seq))
            if seq is not None:
                places.setdefault(seq, set()).add(_place(table, column))
    for seq in _in_contents(database, vault, octet_pattern(address), part.encode(), told):
        places.setdefault(seq, set()).add("content")
    for row_id, seq in _in_payloads(database, vault, octet_pattern(address), part.encode()):
        rows.append(("payload", row_id, seq))
        if seq is not None:
            places.setdefault(seq, set()).add("text")
    seqs = json.dumps(list(places))
    statement = "SELECT seq, id, received_at FROM message WHERE seq IN (SELECT value FROM json_each(?))"
    mentions = [
        Mention(id_, seq, tuple(sorted(places[seq])), may_erase(database, seq, now), at)
        for seq, id_, at in sorted(database.execute(statement, (seqs,)))
    ]
    accounts, holds = list(_accounts(database, text)), list(_holds(database, seqs))
    return Found(mentions, list(dict.fromkeys(rows)), accounts, holds, _suppressed(database, part, text))


def _named(
    database: sqlite3.Connection, table: str, owner: str, columns: tuple[str, ...], part: str, text: re.Pattern[str]
) -> Iterator[tuple[int, int | None, str]]:
    """(rowid, sequence number of its message, column); of a row as often as columns name the person."""
    whole = " || char(10) || ".join(f"coalesce(\"{column}\", '')" for column in columns)
    named = ", ".join(f'"{column}"' for column in columns)
    statement = f'SELECT rowid, {owner}, {named} FROM "{table}" WHERE instr(lower({whole}), ?)'
    for row_id, seq, *values in database.execute(statement, (part,)):
        for column, value in zip(columns, values, strict=True):
            if isinstance(value, str) and text.search(value):
                yield row_id, seq, column


def _place(table: str, column: str) -> str:
    if (table == "document" and column in CONTENT_COLUMNS) or (table == "listing" and column in ("subject", "snippet")):
        return "content"
    return _NAMED_AS.get(column, "text") if table in ENVELOPES else "text"


def _in_contents(
    database: sqlite3.Connection, vault: Vault, octets: re.Pattern[bytes], part: bytes, told: Told | None
) -> Iterator[int]:
    """Of a content that cannot be read, damaged or without its key, what was read from it as text decides."""
    (last,) = database.execute("SELECT coalesce(max(message_seq), 0) FROM content").fetchone()
    statement = (
        "SELECT message_seq, frame, message.id, data_key.master, data_key.wrapped FROM content"
        " JOIN message ON message.seq = message_seq LEFT JOIN data_key ON data_key.owner = message.id"
        " ORDER BY message_seq, n"
    )
    for seq, group in groupby(database.execute(statement), key=itemgetter(0)):
        rows = list(group)
        _, _, id_, master, wrapped = rows[0]
        if told is not None and (seq % TOLD_EACH == 0 or seq == last):
            told(seq, last)
        try:
            frames = vault.open_frames(id_, None if master is None else (master, wrapped), [row[1] for row in rows])
            if _is_in(map(unpack, frames), octets, part):
                yield seq
        except ArchiveError:
            continue


def _is_in(pieces: Iterable[bytes], octets: re.Pattern[bytes], part: bytes) -> bool:
    tail = b""
    for piece in pieces:
        data = tail + piece
        if part in data.lower() and octets.search(data):
            return True
        tail = data[-OVERLAP:]
    return False


def _in_payloads(
    database: sqlite3.Connection, vault: Vault, octets: re.Pattern[bytes], part: bytes
) -> Iterator[tuple[int, int | None]]:
    statement = f"SELECT rowid, id, {_BY_REPORT}, body FROM payload WHERE length(body) > 0"
    for row_id, id_, seq, body in database.execute(statement):
        data = b""
        # Of the decompressor, or a key that is not there: nobody can read it.
        with suppress(Exception):
            data = decompress(vault.find(database, payload_owner(id_), PAYLOAD, body))
        if part in data.lower() and octets.search(data):
            yield row_id, seq


def _accounts(database: sqlite3.Connection, text: re.Pattern[str]) -> Iterator[str]:
    for kind, (table, columns) in ACCOUNTS.items():
        for values in database.execute(f'SELECT {", ".join(columns)} FROM "{table}"'):
            if any(isinstance(value, str) and text.search(value) for value in values):
                yield f"{kind} {values[0]}"


def _holds(database: sqlite3.Connection, seqs: str) -> Iterator[tuple[Hold, int]]:
    statement = (
        "SELECT hold_id, count(*) FROM held_message JOIN legal_hold ON legal_hold.id = hold_id WHERE ended_at IS NULL"
        " AND message_seq IN (SELECT value FROM json_each(?)) GROUP BY hold_id ORDER BY name, hold_id"
    )
    for hold_id, count in database.execute(statement, (seqs,)).fetchall():
        yield hold(database, hold_id), count


def _suppressed(database: sqlite3.Connection, part: str, text: re.Pattern[str]) -> int:
    statement = "SELECT address, reason FROM suppression WHERE instr(lower(address || char(10) || reason), ?)"
    return sum(bool(text.search(address) or text.search(why)) for address, why in database.execute(statement, (part,)))
