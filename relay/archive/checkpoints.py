"""Checkpoints and time stamps: batch functions for the writer. What is promised is in `api.ledger.Ledger`."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Generic, TypeVar

from relay.archive.api.ledger import Stamp, StoredCheckpoint
from relay.archive.insert import insert
from relay.archive.journal import append_events
from relay.model.event import Event

Fact = TypeVar("Fact")
_PUT_CHECKPOINT = (
    "INSERT INTO checkpoint (size, at, note, previous)"
    " VALUES (?1, ?2, ?3, (SELECT max(size) FROM checkpoint WHERE size < ?1))"
    " ON CONFLICT (size) DO UPDATE SET note = excluded.note"
)
_PUT_STAMP = insert(
    "stamp", ["size", "authority", "at", "note", "response", "chain"], conflict="ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Kept(Generic[Fact]):
    """What is to be kept, and the event that says so, if it is one for the log."""

    fact: Fact
    event: Event | None


def add_checkpoints(database: sqlite3.Connection, kept: list[Kept[StoredCheckpoint]]) -> list[None]:
    for one in kept:
        checkpoint = one.fact
        database.execute(_PUT_CHECKPOINT, (checkpoint.size, checkpoint.at, checkpoint.note))
        append_events(database, [one.event] if one.event else [])
    return [None] * len(kept)


def add_stamps(database: sqlite3.Connection, kept: list[Kept[Stamp]]) -> list[None]:
    for one in kept:
        stamp = one.fact
        values = (stamp.size, stamp.authority, stamp.at, stamp.note, stamp.response, stamp.chain)
        database.execute(_PUT_STAMP, values)
        append_events(database, [one.event] if one.event else [])
    return [None] * len(kept)
