"""Erasing what is known about messages whose contents are gone: batch functions for the writer. See `api.erasure`.

What tells of people or of what a message said goes, from the envelope to who opened it, as for a person who is erased
(`erasure.py`): the leaves concerned are closed, and an event names them. What stays, under ids: when it came, by which
application and way, its size and SHA-256, what became of each delivery and attempt and when, who looked at it here.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from relay.archive import index, schema
from relay.archive.capture import message_seq
from relay.archive.deletion import Deleted, may_erase
from relay.archive.mentions import TEXTS
from relay.archive.rewriting import Rewriting, close, gate, replace_row
from relay.archive.rows import recipient_of, summary_of, to_json
from relay.archive.scrub import forget_fragments, forget_words
from relay.archive.spelling import BROUGHT_IN
from relay.archive.vault import destroy_keys, opened_summary
from relay.model.deletion import Fate, Outcome
from relay.model.erasure import ERASED_ADDRESS
from relay.model.event import Event, Kind
from relay.model.summary import Summary

STAYING = frozenset(
    {
        *(Kind.DELETED, Kind.DELETION_ASKED, Kind.DELETION_REFUSED, Kind.ERASED),
        *(Kind.HOLD_PLACED, Kind.HOLD_LIFTED, Kind.SUPPRESSION_ADDED, Kind.SUPPRESSION_REMOVED),
    }
)
"""Events that tell what became of the message here, and why; and of the suppression list, which stays in force."""
WORDS = frozenset({"bounce", "enhanced", "how", "source", "status", "upstream", "verdict", "was", "what"})
"""Of an event's data, what is said in words of our own or of a standard, or is a name of the configuration."""
NEVER_JUDGED_AGAIN = 2**31 - 1
"""As version of the rules: there is nothing left to judge a fetch by."""
_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
_WORD = re.compile(r"[\w .-]{1,64}")


def _listed(kinds: Iterable[Kind]) -> str:
    return ", ".join(f"'{kind.value}'" for kind in sorted(kinds))


ROWS: Mapping[str, str] = {
    "message": "SELECT seq FROM message WHERE seq = ?1",
    "delivery": "SELECT rowid FROM delivery WHERE message_seq = ?1",
    "attempt": "SELECT rowid FROM attempt WHERE message_seq = ?1",
    "event": "SELECT event.seq FROM message JOIN event ON event.message_id = message.id WHERE message.seq = ?1"
    f" AND event.message_id IS NOT NULL AND kind NOT IN ({_listed(STAYING)})",
    # Before the payloads, which look whether all that they are about is erased.
    "report": "SELECT rowid FROM report WHERE message_seq = ?1 AND message_seq IS NOT NULL",
    "payload": "SELECT rowid FROM payload WHERE is_mapped = 1 AND id IN (SELECT payload_id FROM report"
    " WHERE message_seq = ?1 AND message_seq IS NOT NULL) AND (length(body) > 0 OR headers <> '{}' OR peer <> '')"
    " AND NOT EXISTS (SELECT 1 FROM report AS other LEFT JOIN deletion ON deletion.message_seq = other.message_seq"
    " WHERE other.payload_id = payload.id AND other.message_seq <> ?1 AND deletion.erased_at IS NULL)",
    "fetch": "SELECT rowid FROM fetch WHERE delivery_id IN (SELECT id FROM delivery WHERE message_seq = ?1)",
    "token": "SELECT rowid FROM token WHERE message_seq = ?1",
}
"""The rows of one message, of those tables of `mentions.TEXTS` that are about one."""
MADE_ANEW = frozenset({"listing", "document", "mailing"})
"""Those that the index is made of."""
NOT_OF_A_MESSAGE = frozenset(
    {"deletion", "deletion_request", "legal_hold", "notification", "saved_view", "web_session"}
)
"""Those that tell of what people did here, and stay."""
PASSING = frozenset({"repetition", "idempotency"})
"""Those whose rows go by themselves within days."""
MORE = {"message": ("peer",), "fetch": ("address", "network")}
"""Columns that name nobody by an address, and may be of a person all the same."""
KEPT = {"event": ("actor",), "attempt": ("signatures",), "report": ("event_key",)}
"""Columns that stay: who did it, as in every event; domain and key that signed; the last goes in a way of its own."""

_OPEN = (
    "SELECT event.seq FROM event JOIN leaf ON leaf.seq = event.seq WHERE event.message_id = ? AND salt IS NOT NULL"
    " AND event.message_id IS NOT NULL"
    f" AND (kind IN ({_listed(BROUGHT_IN)}) OR delivery_id IS NOT NULL"
    " OR json_extract(event.data, '$.attempt') IS NOT NULL OR json_extract(event.data, '$.payload') IS NOT NULL)"
)
"""Leaves that commit to rows of other tables than their event."""
_LATE = (
    "SELECT DISTINCT message.id FROM event CROSS JOIN message ON message.id = event.message_id"
    " CROSS JOIN deletion ON deletion.message_seq = message.seq WHERE event.seq > ? AND event.message_id IS NOT NULL"
    f" AND erased_at IS NOT NULL AND kind NOT IN ({_listed(STAYING)}) ORDER BY message.id"
)


@dataclass(slots=True)
class _Facts(Rewriting):
    def replaced(self, table: str, column: str, value: Any) -> Any:
        if value is None or value == "":
            return value
        if rule := _RULES.get((table, column)):
            return rule(value)
        return None if schema.metadata.tables[table].columns[column].nullable else ""


def columns_of(table: str) -> tuple[str, ...]:
    """The columns of a table that are replaced."""
    return tuple(name for name in (*TEXTS[table][1], *MORE.get(table, ())) if name not in KEPT.get(table, ()))


def erase_facts(database: sqlite3.Connection, batches: list[list[Event]]) -> list[Deleted]:
    """The writer's batch function of `erase_facts`."""
    return [_erase_all(database, events) for events in batches]


def _erase_all(database: sqlite3.Connection, events: list[Event]) -> Deleted:
    done = Deleted([], {})
    for event in events:
        message_id = event.message_id or ""
        seq = message_seq(database, message_id)
        outcome = _erase(database, event, seq, message_id)
        done.outcomes.append(outcome)
        if outcome.fate is Fate.DELETED:
            done.seqs[message_id] = seq
    if done.seqs:
        forget_words(database)
    return done


def _erase(database: sqlite3.Connection, event: Event, seq: int, message_id: str) -> Outcome:
    row = database.execute("SELECT erased_at FROM deletion WHERE message_seq = ?", (seq,)).fetchone()
    if row is None:
        return Outcome(message_id, Fate.REFUSED, "Its content is still kept.")
    if words := may_erase(database, seq, event.at):
        return Outcome(message_id, Fate.REFUSED, words)
    before = _fragments(database, seq, message_id)
    facts = _Facts()
    with gate(database, event.id):
        is_changed = _replace(database, seq, message_id, facts)
        if row[0] is None:
            database.execute("UPDATE deletion SET erased_at = ? WHERE message_seq = ?", (event.at, seq))
    if row[0] is not None and not is_changed:
        return Outcome(message_id, Fate.GONE)
    _make_index_anew(database, seq, message_id)
    forget_fragments(database, sorted(before - _fragments(database, seq, message_id)))
    close(database, facts, event, {})
    return Outcome(message_id, Fate.DELETED)


def _replace(database: sqlite3.Connection, seq: int, message_id: str, facts: _Facts) -> bool:
    """Whether there was something to replace."""
    changed = set()
    for table, statement in ROWS.items():
        columns = columns_of(table)
        for (row_id,) in database.execute(statement, (seq,)).fetchall():
            if replace_row(database, table, row_id, columns, facts):
                changed.add(table)
                if table == "event":
                    facts.leaves.add(row_id)
    if changed & {"message", "delivery", "attempt", "payload"}:
        facts.leaves.update(row[0] for row in database.execute(_OPEN, (message_id,)))
    # A key with an address in it gives way to one that is as unique.
    statement = "UPDATE report SET event_key = 'erased:' || id WHERE message_seq = ? AND instr(event_key, '@')"
    database.execute(statement, (seq,))
    copies = "delivery_id IN (SELECT id FROM delivery WHERE message_seq = ?)"
    database.execute(f"UPDATE fetch SET rules_version = {NEVER_JUDGED_AGAIN} WHERE {copies}", (seq,))
    database.execute(f"DELETE FROM repetition WHERE {copies}", (seq,))
    tags = database.execute("DELETE FROM tag_change WHERE message_seq = ?", (seq,)).rowcount
    return bool(changed or tags)


def _make_index_anew(database: sqlite3.Connection, seq: int, message_id: str) -> None:
    """Listed by what stays, found by its id, time and application, and under nobody's address."""
    destroy_keys(database, seq, message_id)
    index.put_summary(database, message_id, Summary())
    database.execute("DELETE FROM addressed WHERE seq = ? AND address <> ?", (seq, ERASED_ADDRESS))


def _fragments(database: sqlite3.Connection, seq: int, message_id: str) -> set[tuple[str, str]]:
    """What the message has in the dictionary of fragments."""
    row = database.execute("SELECT data FROM summary WHERE seq = ?", (seq,)).fetchone()
    summary = summary_of(opened_summary(database, message_id, row[0])) if row else Summary()
    sender, recipients = database.execute("SELECT sender, recipients FROM message WHERE seq = ?", (seq,)).fetchone()
    envelope = [sender, *(recipient_of(value).address for value in json.loads(recipients))]
    header = [one.address for one in (*summary.senders, *summary.to, *summary.cc)]
    return set(index.fragments([*envelope, *header], summary))


def late_facts(database: sqlite3.Connection, after: int) -> tuple[list[str], int]:
    """See `api.erasure.Erasures.late_facts`."""
    (last,) = database.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
    return [row[0] for row in database.execute(_LATE, (after,))], last


# -- what stands in the place of a value ---------------------------------------------------------------------------
def _address(_value: str) -> str:
    return ERASED_ADDRESS


def _recipients(value: str) -> str:
    """As many as there were, with what notices were asked for."""
    kept = [recipient_of(one) for one in json.loads(value)]
    return to_json([[ERASED_ADDRESS, one.notify, None] if one.notify else ERASED_ADDRESS for one in kept])


def _peer(value: str) -> str:
    """Where it came from, unless that is no place in a network: `unix`, `viewer`, `import`."""
    return "" if ":" in value else value


def _data(value: str) -> str:
    """Numbers, ids and words of our own; of what others said, nothing."""
    bare = {name: _bare(name, one) for name, one in json.loads(value).items()}
    return to_json({name: one for name, one in bare.items() if one not in (None, "", [])})


def _bare(name: str, value: object) -> object:
    if isinstance(value, list):
        return [one for one in value if _bare("", one) not in (None, "", [])]
    if isinstance(value, str):
        return value if _ID.fullmatch(value) or (name in WORDS and _WORD.fullmatch(value)) else ""
    return value if isinstance(value, (bool, int, float)) else None


_RULES: Mapping[tuple[str, str], Callable[[str], object]] = {
    ("message", "sender"): _address,
    ("message", "recipients"): _recipients,
    ("message", "tags"): lambda _: "[]",
    ("message", "peer"): _peer,
    ("delivery", "recipient"): _address,
    ("delivery", "original"): _address,
    ("attempt", "sender"): _address,
    # The reply itself was there.
    ("delivery", "reply_text"): lambda _: "",
    ("attempt", "reply_text"): lambda _: "",
    ("event", "data"): _data,
    ("report", "detail"): lambda _: "{}",
    ("payload", "headers"): lambda _: "{}",
    ("fetch", "signals"): lambda _: "[]",
}
"""Where it is not just empty."""
