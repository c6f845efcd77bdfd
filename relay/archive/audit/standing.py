"""How things stand, against the events that tell of each change: holds, terms, requests, tags, suppressions, accounts.

All these events are folded in their order, in memory: people make few of them beside the mail. What the events are is
checked by their leaves (`leaves.py`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from relay.archive.api.audit import Fault
from relay.archive.standing import NAME, accounts, setting_digest, setting_name
from relay.archive.suppression import SUPPRESSION_COLUMNS
from relay.model.event import Kind
from relay.model.suppression import about, suppression_key

_KINDS = (
    *(Kind.ACCOUNT_CHANGED, Kind.SETTING_CHANGED, Kind.MODE_CHANGED, Kind.PAUSED, Kind.RESUMED, Kind.KEY_CHANGED),
    *(Kind.HOLD_MADE, Kind.HOLD_PLACED, Kind.HOLD_LIFTED, Kind.HOLD_ENDED, Kind.TAGGED),
    *(Kind.DELETION_ASKED, Kind.DELETION_REFUSED, Kind.DELETED),
    *(Kind.ERASURE_ASKED, Kind.ERASURE_DECIDED, Kind.ERASED),
    *(Kind.SUPPRESSION_ADDED, Kind.SUPPRESSION_REMOVED),
)
_EVENTS = (
    "SELECT id, at, kind, actor, message_id, delivery_id, data FROM event WHERE seq <= ?"
    f" AND kind IN ({', '.join(repr(kind.value) for kind in _KINDS)}) ORDER BY seq"
)
TERM_SETTING = "ledger.worm"
"""What the event of a term names as its setting."""
_ERASED = "@erased.invalid"
_SUPPRESSED = ("address", "application", "cause", "reason", "created_by", "expires_at", "message_id", "delivery_id")


@dataclass(frozen=True, slots=True)
class _Told:
    """One event, its data read."""

    id: str
    at: int
    kind: str
    actor: str
    message_id: str
    delivery_id: str | None
    data: Mapping[str, Any]


@dataclass(slots=True)
class _State:
    """What the events come to."""

    holds: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """By id: name, reason, when and by whom it was begun and ended."""
    held: set[tuple[str, str]] = field(default_factory=set)
    """(message, hold)."""
    terms: dict[int, tuple[int, int | None]] = field(default_factory=dict)
    """By when it began: seconds, when it ended."""
    tags: dict[tuple[str, str], tuple[bool, str]] = field(default_factory=dict)
    """By message and tag in lower case: whether it was put on last, and how it was spelt."""
    tagged: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    """Each change of tags: the message, and the tags in lower case that it names."""
    asked: dict[tuple[str, int, str], tuple[str, str]] = field(default_factory=dict)
    """Requests for deletion, by message, time and person: the reason, and its id, '' where that was not told."""
    refused: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    """By request: when, by whom, the answer."""
    deleted: dict[str, tuple[int, str, str, str]] = field(default_factory=dict)
    """By message: when, by whom, the reason, by which request."""
    erasures: dict[str, dict[str, Any]] = field(default_factory=dict)
    listed: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """Suppressions, by id: the row."""
    off: set[str] = field(default_factory=set)
    """Suppressions that a person took off."""
    hashes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Of accounts and settings, as the last event about them has them, with that event's id."""


def check_standing(database: sqlite3.Connection, events: int) -> Iterator[Fault]:
    """Against the events with sequence numbers up to `events`."""
    state = _State()
    for id_, at, kind, actor, message_id, delivery_id, data in database.execute(_EVENTS, (events,)):
        try:
            told = _Told(id_, at, kind, actor, message_id, delivery_id, json.loads(data))
            _FOLDS[Kind(told.kind)](state, told)
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            yield Fault(f"event {id_}", f"what it tells cannot be read: {error}")
    yield from _check_hashes(database, state)
    yield from _check_holds(database, state)
    yield from _check_terms(database, state)
    yield from _check_tags(database, state)
    yield from _check_requests(database, state)
    yield from _check_erasures(database, state)
    yield from _check_suppressions(database, state)


# -- what each event changes -----------------------------------------------------------------------------------
def _hash(state: _State, told: _Told) -> None:
    found = told.data.get(NAME)
    for name, digest in (found if isinstance(found, dict) else {}).items():
        state.hashes[name] = (str(digest), told.id)


def _setting(state: _State, told: _Told) -> None:
    _hash(state, told)
    if told.data.get("key") != TERM_SETTING:
        return
    # As `holds.use_terms` does it.
    last = max((max(began, ended or 0) for began, (_, ended) in state.terms.items()), default=0)
    at = max(told.at, last + 1)
    for began, (seconds, ended) in state.terms.items():
        if ended is None:
            state.terms[began] = seconds, at
    if after := told.data.get("after"):
        state.terms[at] = after, None


def _made(state: _State, told: _Told) -> None:
    name, reason = told.data.get("name"), told.data.get("reason") or ""
    state.holds[_text(told, "hold")] = (name, reason, told.at, told.actor, None, None)


def _ended(state: _State, told: _Told) -> None:
    if (id_ := _text(told, "hold")) in state.holds:
        state.holds[id_] = (*state.holds[id_][:4], told.at, told.actor)


def _placed(state: _State, told: _Told) -> None:
    state.held.add((told.message_id, _text(told, "hold")))


def _lifted(state: _State, told: _Told) -> None:
    state.held.discard((told.message_id, _text(told, "hold")))


def _tagged(state: _State, told: _Told) -> None:
    gone = {tag.casefold(): (False, tag) for tag in map(str, told.data.get("removed", ()))}
    new = {tag.casefold(): (True, tag) for tag in map(str, told.data.get("added", ()))}
    both = gone | new
    state.tags |= {(told.message_id, key): change for key, change in both.items()}
    state.tagged.append((told.message_id, frozenset(both)))


def _asked(state: _State, told: _Told) -> None:
    state.asked[told.message_id, told.at, told.actor] = _text(told, "reason"), _text(told, "asked")


def _refused(state: _State, told: _Told) -> None:
    state.refused[_text(told, "asked")] = told.at, told.actor, _text(told, "reason")


def _deleted(state: _State, told: _Told) -> None:
    state.deleted[told.message_id] = told.at, told.actor, _text(told, "reason"), _text(told, "asked")


def _erasure_asked(state: _State, told: _Told) -> None:
    values = {"asked_at": told.at, "asked_by": told.actor, "reason": _text(told, "reason"), "standing": "asked"}
    state.erasures[_text(told, "erasure")] = values | dict.fromkeys(("decided_at", "decided_by", "ended_at"))


def _erasure_decided(state: _State, told: _Told) -> None:
    values = {"decided_at": told.at, "decided_by": told.actor, "standing": told.data.get("standing")}
    state.erasures.setdefault(_text(told, "erasure"), {}).update(values)


def _erased(state: _State, told: _Told) -> None:
    if "kept" not in told.data:
        return  # a step on the way
    values = {"ended_at": told.at, "standing": "done", "erased": told.data.get("messages"), "kept": told.data["kept"]}
    state.erasures.setdefault(_text(told, "erasure"), {}).update(values)


def _listed(state: _State, told: _Told) -> None:
    say = told.data.get
    facts = (say("recipient"), say("application"), say("cause"), say("reason"), told.actor, say("expires_at"))
    state.listed[told.id] = (*facts, told.message_id, told.delivery_id)


def _off(state: _State, told: _Told) -> None:
    state.off.add(_text(told, "entry"))


def _text(told: _Told, name: str) -> str:
    return str(told.data.get(name) or "")


_FOLDS: Mapping[Kind, Callable[[_State, _Told], None]] = {
    **dict.fromkeys((Kind.ACCOUNT_CHANGED, Kind.MODE_CHANGED, Kind.PAUSED, Kind.RESUMED, Kind.KEY_CHANGED), _hash),
    Kind.SETTING_CHANGED: _setting,
    Kind.HOLD_MADE: _made,
    Kind.HOLD_ENDED: _ended,
    Kind.HOLD_PLACED: _placed,
    Kind.HOLD_LIFTED: _lifted,
    Kind.TAGGED: _tagged,
    Kind.DELETION_ASKED: _asked,
    Kind.DELETION_REFUSED: _refused,
    Kind.DELETED: _deleted,
    Kind.ERASURE_ASKED: _erasure_asked,
    Kind.ERASURE_DECIDED: _erasure_decided,
    Kind.ERASED: _erased,
    Kind.SUPPRESSION_ADDED: _listed,
    Kind.SUPPRESSION_REMOVED: _off,
}


# -- what stands in the tables ---------------------------------------------------------------------------------
def _check_hashes(database: sqlite3.Connection, state: _State) -> Iterator[Fault]:
    settings = dict(database.execute("SELECT key, value FROM setting"))
    found = accounts(database)
    for key, text in settings.items():
        try:
            found[setting_name(key)] = setting_digest(json.loads(text))
        except (TypeError, ValueError):
            yield Fault(setting_name(key), "cannot be read")
    for name, (digest, event) in state.hashes.items():
        if found.get(name) != digest:
            where = name if name.startswith(setting_name("")) else f"table {name}"
            yield Fault(where, f"is not as the last change left it, of which the event {event} tells")


def _check_holds(database: sqlite3.Connection, state: _State) -> Iterator[Fault]:
    statement = "SELECT id, name, reason, made_at, made_by, ended_at, ended_by FROM legal_hold"
    found = {row[0]: row[1:] for row in database.execute(statement)}
    yield from _compared("legal hold", found, state.holds)
    under = set(
        database.execute("SELECT message.id, hold_id FROM held_message JOIN message ON message.seq = message_seq")
    )
    for message_id, hold in sorted(under - state.held):
        yield Fault(f"message {message_id}", f"is under the legal hold {hold}, and no event says so")
    for message_id, hold in sorted(state.held - under):
        yield Fault(f"message {message_id}", f"is not under the legal hold {hold}, though an event says so")


def _check_terms(database: sqlite3.Connection, state: _State) -> Iterator[Fault]:
    found = {row[0]: row[1:] for row in database.execute("SELECT began_at, seconds, ended_at FROM term")}
    yield from _compared("term from", found, state.terms)


def _compared(what: str, found: Mapping[Any, Any], told: Mapping[Any, Any]) -> Iterator[Fault]:
    for key in sorted(found.keys() | told.keys(), key=str):
        if key not in told:
            yield Fault(f"{what} {key}", "no event tells of it")
        elif key not in found:
            yield Fault(f"{what} {key}", "is missing, though an event tells of it")
        elif tuple(found[key]) != tuple(told[key]):
            yield Fault(f"{what} {key}", "is not as the events about it say")


def _check_tags(database: sqlite3.Connection, state: _State) -> Iterator[Fault]:
    """A tag that a message has of itself is not put on: a change that came to nothing has no row."""
    found: dict[str, set[str]] = {}
    for message_id, key, tag, is_added in database.execute(
        "SELECT message.id, key, tag, is_added FROM tag_change JOIN message ON message.seq = message_seq"
    ):
        found.setdefault(message_id, set()).add(key)
        told = state.tags.get((message_id, key))
        if told is None or told[0] is not bool(is_added) or is_added not in (0, 1) or tag.casefold() != key:
            yield Fault(f"tag {tag!r} of message {message_id}", "was put on or taken off, and no event says so")
    for message_id, keys in state.tagged:
        # Of a message whose facts were erased the event does not name them any more.
        if keys and found.get(message_id, set()).isdisjoint(keys):
            yield Fault(f"message {message_id}", "an event says that its tags were changed, and they were not")


def _check_requests(database: sqlite3.Connection, state: _State) -> Iterator[Fault]:
    missing = dict(state.asked)
    for id_, message_id, asked_at, asked_by, reason, standing, decided_at, decided_by, answer in database.execute(
        "SELECT deletion_request.id, message.id, asked_at, asked_by, reason, standing, decided_at, decided_by, answer"
        " FROM deletion_request JOIN message ON message.seq = message_seq"
    ):
        told = missing.pop((message_id, asked_at, asked_by), None)
        decided: tuple[Any, ...] = (None, None, "")
        if standing == "refused":
            decided = state.refused.get(id_, ())
        elif standing == "approved" and message_id in state.deleted:
            at, actor, _, named = state.deleted[message_id]
            decided = (at, actor, "") if named in ("", id_) else ()
        is_known = standing in ("open", "refused", "approved")
        is_told = told in ((reason, id_), (reason, ""))
        if not is_told or (decided_at, decided_by, answer) != decided or not is_known:
            yield Fault(f"request {id_}", "is not as the events about it say")
    for message_id, _, _ in missing:
        yield Fault(f"message {message_id}", "an event says that its deletion was asked for, and no request is there")
    yield from _check_deletions(database, state)


def _check_deletions(database: sqlite3.Connection, state: _State) -> Iterator[Fault]:
    """That there is an event for each is looked at elsewhere (`tables.py`)."""
    for message_id, deleted_by, asked_by, reason, requested_by in database.execute(
        "SELECT message.id, deleted_by, deletion.asked_by, deletion.reason, (SELECT asked_by"
        " FROM deletion_request WHERE deletion_request.message_seq = message.seq AND standing = 'approved')"
        " FROM deletion JOIN message ON message.seq = message_seq"
    ):
        said = state.deleted.get(message_id)
        if said is not None and (said[2] != reason or asked_by not in (deleted_by, requested_by)):
            yield Fault(f"message {message_id}", "its deletion is not as the event about it says")


def _check_erasures(database: sqlite3.Connection, state: _State) -> Iterator[Fault]:
    columns = (
        *("asked_at", "asked_by", "reason", "standing", "decided_at", "decided_by", "ended_at"),
        *("erased", "kept"),
    )
    found = {
        row[0]: dict(zip(columns, row[1:], strict=True))
        for row in database.execute(f"SELECT id, {', '.join(columns)} FROM erasure")
    }
    for id_, values in found.items():
        told = state.erasures.get(id_)
        if told is None:
            yield Fault(f"erasure {id_}", "no event tells of it")
            continue
        expected = {"erased": 0, "kept": 0, **told}
        # Where one person is enough, it is approved without another event.
        if expected["standing"] == "asked" and values["standing"] == "approved":
            expected["standing"] = "approved"
        if values != expected:
            yield Fault(f"erasure {id_}", "is not as the events about it say")
    for id_ in sorted(state.erasures.keys() - found.keys()):
        yield Fault(f"erasure {id_}", "is missing, though an event tells of it")


def _check_suppressions(database: sqlite3.Connection, state: _State) -> Iterator[Fault]:
    found = {
        row[1]: (row[0], dict(zip(SUPPRESSION_COLUMNS, row[1:], strict=True)))
        for row in database.execute(f"SELECT key, {', '.join(SUPPRESSION_COLUMNS)} FROM suppression")
    }
    erased = {row[0] for row in database.execute("SELECT id FROM event WHERE kind = 'erased'")}
    for id_, (key, row) in found.items():
        where = f"suppression {id_}"
        told = state.listed.get(id_)
        if told is None:
            if id_ not in erased or not str(row["address"]).endswith(_ERASED):
                yield Fault(where, "no event tells of it")
            continue
        if id_ in state.off:
            yield Fault(where, "is there, though an event says that it was taken off")
        said = dict(zip(_SUPPRESSED, told, strict=True))
        if str(row["address"]).endswith(_ERASED):
            # The person is known by a keyed hash; of a message that must be kept the event still has the address.
            said |= {"address": row["address"], "reason": row["reason"]}
        elif key != suppression_key(str(row["address"])):
            yield Fault(where, "stands under another address than its own")
        if any(row[name] != value for name, value in said.items()):
            yield Fault(where, "is not as its event says")
    latest = {about(*map(str, told[:3])): id_ for id_, told in state.listed.items()}
    for id_ in latest.values():
        if id_ not in found and id_ not in state.off:
            yield Fault(f"suppression {id_}", "is missing, though an event tells of it")
