"""Taking a person out of what is kept: batch functions for the writer. See `api.erasure.Erasures`.

The address gives way to a placeholder in the same way everywhere, so that what agreed before agrees after; what that
does to the log is in `rewriting.py`.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from relay.archive import index
from relay.archive.api import NotFound
from relay.archive.api.erasure import ErasureStep
from relay.archive.capture import is_deleted, message_seq
from relay.archive.cipher import EDITS
from relay.archive.deletion import delete_contents, may_erase
from relay.archive.holds import kept_by
from relay.archive.insert import insert
from relay.archive.journal import append_events
from relay.archive.mentions import TEXTS
from relay.archive.normalise import tokens
from relay.archive.rewriting import Rewriting, close, gate, replace_row
from relay.archive.rows import Row, compress, decompress, edits_of, summary_of
from relay.archive.scrub import forget_fragments, forget_words
from relay.archive.suppression import ERASED_SETTING
from relay.archive.vault import edits_owner, opened_summary, vault_of
from relay.model.deletion import Fate, Outcome
from relay.model.erasure import Erasure, Standing, pattern, placeholder, without
from relay.model.event import Event
from relay.model.suppression import erased_key, suppression_key

COLUMNS = (
    *("id", "address", "asked_at", "asked_by", "reason", "standing", "decided_at", "decided_by", "ended_at"),
    *("erased", "kept"),
)
_ASK = insert("erasure", COLUMNS, conflict="ON CONFLICT DO NOTHING")
_EVENTS_OF = {
    "message": "SELECT event.seq FROM message JOIN event ON event.message_id = message.id"
    " WHERE message.rowid = ? AND event.message_id IS NOT NULL AND kind IN ('captured', 'imported')",
    "delivery": "SELECT event.seq FROM delivery JOIN message ON message.seq = message_seq JOIN event"
    " ON event.message_id = message.id WHERE delivery.rowid = ? AND event.message_id IS NOT NULL"
    " AND event.delivery_id = delivery.id",
    "attempt": "SELECT event.seq FROM attempt JOIN message ON message.seq = message_seq JOIN event"
    " ON event.message_id = message.id WHERE attempt.rowid = ? AND event.message_id IS NOT NULL"
    " AND json_extract(event.data, '$.attempt') = attempt.id",
    "payload": "SELECT event.seq FROM payload JOIN report ON report.payload_id = payload.id"
    " JOIN event ON event.id = report.id WHERE payload.rowid = ?",
    "event": "SELECT seq FROM event WHERE seq = ?",
}
"""The events whose leaf commits to a row."""
PLACES = ("address", "network", "user_agent", "agent", "ip", "peer")
"""What an event about a fetch says of who fetched."""


@dataclass(frozen=True, slots=True)
class Asking:
    erasure: Erasure
    event: Event


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of tables, as (table, rowid), in which the address is to be replaced."""

    erasure_id: str
    rows: Sequence[tuple[str, int]]
    event: Event


@dataclass(frozen=True, slots=True)
class Ending:
    erasure_id: str
    event: Event
    erased: int
    kept: int
    is_suppressed: bool


@dataclass(slots=True)
class _Forgetting(Rewriting):
    """One step."""

    text: re.Pattern[str]
    instead: str

    def __call__(self, text: str) -> str:
        return without(text, self.text, self.instead)

    def replaced(self, table: str, column: str, value: Any) -> Any:
        return self(value) if isinstance(value, str) else value


# -- asking --------------------------------------------------------------------------------------------------------
def ask_erasures(database: sqlite3.Connection, askings: list[Asking]) -> list[bool]:
    return [_ask(database, asking.erasure, asking.event) for asking in askings]


def _ask(database: sqlite3.Connection, one: Erasure, event: Event) -> bool:
    row = (one.id, one.address, one.asked_at, one.asked_by, one.reason, one.standing.value, one.decided_at)
    if not database.execute(_ASK, (*row, one.decided_by, one.ended_at, one.erased, one.kept)).rowcount:
        return False
    append_events(database, [event])
    return True


def decide_erasures(database: sqlite3.Connection, decisions: list[tuple[str, Standing, Event]]) -> list[bool]:
    return [_decide(database, *decision) for decision in decisions]


def _decide(database: sqlite3.Connection, erasure_id: str, standing: Standing, event: Event) -> bool:
    """False: it was not open, or whoever asked for it would approve it."""
    one = erasure(database, erasure_id)
    if one.standing is not Standing.ASKED or (standing is Standing.APPROVED and one.asked_by == event.actor):
        return False
    database.execute(
        "UPDATE erasure SET standing = ?, decided_at = ?, decided_by = ?, address = CASE ? WHEN 'refused' THEN NULL"
        " ELSE address END WHERE id = ?",
        (standing.value, event.at, event.actor, standing.value, erasure_id),
    )
    append_events(database, [event])
    return True


# -- erasing -------------------------------------------------------------------------------------------------------
def erase_messages(database: sqlite3.Connection, steps: list[ErasureStep]) -> list[list[Outcome]]:
    return [_erase_messages(database, step) for step in steps]


def _erase_messages(database: sqlite3.Connection, step: ErasureStep) -> list[Outcome]:
    outcomes = []
    with _open(database, step.erasure_id, step.event) as forgetting:
        for order, is_whole in step.orders:
            seq = message_seq(database, order.message_id)
            if words := may_erase(database, seq, order.event.at):
                outcomes.append(Outcome(order.message_id, Fate.REFUSED, words))
                continue
            theirs = _replace_envelope(database, seq, forgetting)
            _forget_copies(database, seq, theirs, forgetting, order.event.at)
            _replace_summary(database, seq, order.message_id, forgetting)
            if is_whole and not is_deleted(database, seq):
                (done,) = delete_contents(database, [[order]])
                outcomes.append(done.outcomes[0])
            else:
                outcomes.append(Outcome(order.message_id, Fate.DELETED))
    return outcomes


def _replace_envelope(database: sqlite3.Connection, seq: int, forgetting: _Forgetting) -> list[str]:
    """The ids of the deliveries that were the person's."""
    theirs = []
    rows = database.execute("SELECT rowid, id, recipient, original FROM delivery WHERE message_seq = ?", (seq,))
    for row_id, delivery_id, recipient, original in rows.fetchall():
        if forgetting.text.search(recipient) or (original and forgetting.text.search(original)):
            theirs.append(delivery_id)
        _replace_row(database, "delivery", row_id, forgetting)
    _replace_row(database, "message", seq, forgetting)
    return theirs


def _forget_copies(
    database: sqlite3.Connection, seq: int, theirs: Sequence[str], forgetting: _Forgetting, at: int
) -> None:
    """Their own copies can be built no more, and who fetched what from them is not known any more."""
    octets = re.compile(forgetting.text.pattern.encode(), re.IGNORECASE)
    ids = json.dumps(list(theirs))
    lists = database.execute(
        "SELECT edits, data, is_shared, min(delivery_id IN (SELECT value FROM json_each(?))) FROM attempt"
        " JOIN edit_list ON hash = edits WHERE attempt.message_seq = ? GROUP BY edits",
        (ids, seq),
    )
    for hash_, data, is_shared, is_theirs in lists.fetchall():
        if not (is_theirs or _mentions(database, hash_, data, octets)):
            continue
        users = {seq}
        if is_shared:
            found = database.execute("SELECT DISTINCT message_seq FROM attempt WHERE edits = ?", (hash_,))
            users.update(row[0] for row in found)
        # The copy of a message that must be kept was made by the same edits.
        if not any(kept_by(database, user, at) for user in users):
            _empty_edits(database, hash_, sorted(users), forgetting)
    where = "delivery_id IN (SELECT value FROM json_each(?))"
    database.execute(
        f"UPDATE fetch SET address = '', network = '', user_agent = '' WHERE {where} AND message_seq = ?", (ids, seq)
    )
    statement = (
        f"SELECT event.seq, data FROM message JOIN event ON event.message_id = message.id WHERE message.seq = ?2"
        f" AND event.message_id IS NOT NULL AND {where.replace('?', '?1')}"
        " AND kind IN ('opened', 'clicked', 'unsubscribed')"
    )
    for event_seq, data in database.execute(statement, (ids, seq)).fetchall():
        told = json.loads(data)
        if any(told.get(name) for name in PLACES):
            kept = {name: value for name, value in told.items() if name not in PLACES}
            text = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
            database.execute("UPDATE event SET data = ? WHERE seq = ?", (text, event_seq))
            forgetting.leaves.add(event_seq)


def _empty_edits(database: sqlite3.Connection, hash_: bytes, users: Sequence[int], forgetting: _Forgetting) -> None:
    database.execute("UPDATE edit_list SET data = x'' WHERE hash = ?", (hash_,))
    database.execute("DELETE FROM data_key WHERE owner = ?", (edits_owner(hash_),))
    statement = (
        "SELECT event.seq FROM message JOIN event ON event.message_id = message.id JOIN attempt"
        " ON attempt.id = json_extract(event.data, '$.attempt') WHERE message.seq = ?"
        " AND event.message_id IS NOT NULL AND attempt.edits = ?"
    )
    for user in users:
        forgetting.leaves.update(row[0] for row in database.execute(statement, (user, hash_)))


def _mentions(database: sqlite3.Connection, hash_: bytes, data: bytes, octets: re.Pattern[bytes]) -> bool:
    """Whether edits put the address in; of those that cannot be read, so to be on the safe side."""
    if not data:
        return False
    try:
        plain = vault_of(database).find(database, edits_owner(hash_), EDITS, data)
        return any(octets.search(edit.replacement) for edit in edits_of(decompress(plain)))
    except Exception:  # of the decompressor, or a key that is not there
        return True


def _replace_summary(database: sqlite3.Connection, seq: int, message_id: str, forgetting: _Forgetting) -> None:
    row = database.execute("SELECT data FROM summary WHERE seq = ?", (seq,)).fetchone()
    if row is not None:
        before = decompress(opened_summary(database, message_id, row[0])).decode("ascii")
        summary = summary_of(compress(json.dumps(_spelt(forgetting, json.loads(before))).encode("ascii")))
        index.put_summary(database, message_id, summary)
    database.execute(
        "DELETE FROM addressed WHERE seq = ? AND address NOT IN (SELECT lower(recipient) FROM delivery"
        " WHERE message_seq = ?) AND address NOT IN (SELECT lower(original) FROM delivery"
        " WHERE message_seq = ? AND original IS NOT NULL)",
        (seq, seq, seq),
    )


def _spelt(forgetting: _Forgetting, value: object) -> object:
    return json.loads(forgetting(json.dumps(value, ensure_ascii=False)))


def erase_rows(database: sqlite3.Connection, portions: list[Rows]) -> list[None]:
    for portion in portions:
        with _open(database, portion.erasure_id, portion.event) as forgetting:
            for table, row_id in portion.rows:
                _replace_row(database, table, row_id, forgetting)
    return [None] * len(portions)


def _replace_row(database: sqlite3.Connection, table: str, row_id: int, forgetting: _Forgetting) -> None:
    is_changed = replace_row(database, table, row_id, TEXTS[table][1], forgetting)
    if is_changed and table in _EVENTS_OF:
        forgetting.leaves.update(row[0] for row in database.execute(_EVENTS_OF[table], (row_id,)))


@contextmanager
def _open(database: sqlite3.Connection, erasure_id: str, event: Event) -> Iterator[_Forgetting]:
    """Inside, texts may be replaced; afterwards the leaves are closed, and the event names them."""
    address = erasure(database, erasure_id).address
    if address is None:
        raise NotFound(f"the erasure {erasure_id} is over")
    forgetting = _Forgetting(pattern(address), placeholder(erasure_id))
    with gate(database, erasure_id):
        yield forgetting
    if forgetting.leaves or forgetting.payloads:
        close(database, forgetting, event, {"erasure": erasure_id})


# -- the end -------------------------------------------------------------------------------------------------------
def end_erasures(database: sqlite3.Connection, endings: list[Ending]) -> list[None]:
    for ending in endings:
        _end(database, ending)
    return [None] * len(endings)


def _end(database: sqlite3.Connection, ending: Ending) -> None:
    one = erasure(database, ending.erasure_id)
    if one.address is None:
        return
    found, instead = pattern(one.address), placeholder(one.id)
    _replace_figures(database, found, instead)
    _keep_suppressed(database, one, found, instead, ending)
    if not ending.kept:
        database.execute("DELETE FROM addressed WHERE address = ?", (one.address.lower(),))
    forget_fragments(database, [("address", token) for token in tokens(one.address)])
    forget_words(database)
    database.execute(
        "UPDATE erasure SET address = NULL, reason = ?, standing = 'done', ended_at = ?, erased = ?, kept = ?"
        " WHERE id = ?",
        (without(one.reason, found, instead), ending.event.at, ending.erased, ending.kept, one.id),
    )
    append_events(database, [ending.event])


def _replace_figures(database: sqlite3.Connection, found: re.Pattern[str], instead: str) -> None:
    keys = database.execute("SELECT DISTINCT author FROM figure UNION SELECT DISTINCT value FROM figure").fetchall()
    for (key,) in keys:
        if found.search(key):
            for column in ("author", "value"):
                database.execute(
                    f"UPDATE OR REPLACE figure SET {column} = ? WHERE {column} = ?", (found.sub(instead, key), key)
                )


def _keep_suppressed(
    database: sqlite3.Connection, one: Erasure, found: re.Pattern[str], instead: str, ending: Ending
) -> None:
    """Who was not to be written to is still not written to: by a keyed hash, which says nothing without the key."""
    key = erased_key(_secret(database), suppression_key(one.address or ""))
    rows = database.execute("SELECT id, address, reason FROM suppression").fetchall()
    for id_, address, reason in rows:
        if found.search(address):
            database.execute(
                "UPDATE OR REPLACE suppression SET key = ?, address = ?, reason = ? WHERE id = ?",
                (key, instead, without(reason, found, instead), id_),
            )
        elif found.search(reason):
            database.execute("UPDATE suppression SET reason = ? WHERE id = ?", (without(reason, found, instead), id_))
    if ending.is_suppressed:
        database.execute(
            "INSERT OR REPLACE INTO suppression (id, key, address, application, cause, reason, created_at, created_by)"
            " VALUES (?, ?, ?, '', 'manual', 'erased', ?, ?)",
            (ending.event.id, key, instead, ending.event.at, ending.event.actor),
        )


def _secret(database: sqlite3.Connection) -> bytes:
    row = database.execute("SELECT value FROM setting WHERE key = ?", (ERASED_SETTING,)).fetchone()
    if row is None:
        row = (json.dumps(os.urandom(32).hex()),)
        database.execute("INSERT INTO setting (key, value) VALUES (?, ?)", (ERASED_SETTING, row[0]))
    return bytes.fromhex(json.loads(row[0]))


# -- reading -------------------------------------------------------------------------------------------------------
def erasure(database: sqlite3.Connection, erasure_id: str) -> Erasure:
    """Raises NotFound."""
    row = database.execute(f"SELECT {', '.join(COLUMNS)} FROM erasure WHERE id = ?", (erasure_id,)).fetchone()
    if row is None:
        raise NotFound(f"no erasure {erasure_id}")
    return _erasure_of(row)


def erasures(database: sqlite3.Connection, only_open: bool) -> list[Erasure]:
    where = " WHERE standing IN ('asked', 'approved')" if only_open else ""
    return [
        _erasure_of(row)
        for row in database.execute(f"SELECT {', '.join(COLUMNS)} FROM erasure{where} ORDER BY id DESC")
    ]


def _erasure_of(row: Row) -> Erasure:
    id_, address, asked_at, asked_by, reason, standing, *rest = row
    decided_at, decided_by, ended_at, erased, kept = rest
    return Erasure(
        id_, address, asked_at, asked_by, reason, Standing(standing), decided_at, decided_by, ended_at, erased, kept
    )
