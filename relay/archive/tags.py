"""Tags that people put on messages or take off. They stand beside what the message says of itself, so that they are
still there when it is indexed anew. See `api.deletion.Deletions.change_tags`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relay.archive.capture import message_seq
from relay.archive.insert import insert
from relay.archive.journal import append_events
from relay.archive.rows import to_json
from relay.model.event import Event

_CHANGE = insert(
    "tag_change",
    ("message_seq", "key", "tag", "is_added"),
    conflict="ON CONFLICT DO UPDATE SET tag = excluded.tag, is_added = excluded.is_added",
)
_PUT_TAG = insert("message_tag", ("tag", "seq"), conflict="ON CONFLICT DO NOTHING")


@dataclass(frozen=True, slots=True)
class Tagging:
    """The arguments of one `change_tags`."""

    message_ids: Sequence[str]
    add: Sequence[str]
    remove: Sequence[str]
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class Tagged:
    """The messages whose tags are different now, and their sequence numbers."""

    seqs: dict[str, int]


def tags_of(database: sqlite3.Connection, seq: int, own: Iterable[str]) -> list[str]:
    """The tags of a message: `own`, those it came with, as people have changed them; each once, whatever its case."""
    tags: dict[str, str] = {}
    for tag in own:
        tags.setdefault(tag.casefold(), tag)
    for key, tag, is_added in database.execute(
        "SELECT key, tag, is_added FROM tag_change WHERE message_seq = ? ORDER BY key", (seq,)
    ):
        if is_added:
            tags.setdefault(key, tag)
        else:
            tags.pop(key, None)
    return list(tags.values())


def change_tags(database: sqlite3.Connection, taggings: list[Tagging]) -> list[Tagged]:
    return [_change_all(database, tagging) for tagging in taggings]


def _change_all(database: sqlite3.Connection, tagging: Tagging) -> Tagged:
    tagged = Tagged({})
    for message_id in dict.fromkeys(tagging.message_ids):
        seq = message_seq(database, message_id)
        if _change(database, seq, tagging):
            tagged.seqs[message_id] = seq
    append_events(database, [event for event in tagging.events if event.message_id in tagged.seqs])
    return tagged


def _change(database: sqlite3.Connection, seq: int, tagging: Tagging) -> bool:
    """False: the message has the tags to be added, and none of those to be removed."""
    own, listed = database.execute(
        "SELECT message.tags, listing.tags FROM message LEFT JOIN listing ON listing.seq = message.seq"
        " WHERE message.seq = ?",
        (seq,),
    ).fetchone()
    # Not indexed yet: what the header fields give is not known, and a tag of theirs may be taken off before they come.
    before = json.loads(listed) if listed is not None else tags_of(database, seq, json.loads(own))
    has = {tag.casefold() for tag in before}
    gone = {tag.casefold(): tag for tag in tagging.remove if tag.casefold() in has or listed is None}
    new = {tag.casefold(): tag for tag in tagging.add if tag.casefold() not in has}
    rows = [(seq, key, tag, False) for key, tag in gone.items()] + [(seq, key, tag, True) for key, tag in new.items()]
    if not rows:
        return False
    database.executemany(_CHANGE, rows)
    if listed is not None:
        after = [tag for tag in before if tag.casefold() not in gone] + list(new.values())
        put_tags(database, seq, after)
    return True


def put_tags(database: sqlite3.Connection, seq: int, tags: Sequence[str]) -> None:
    """What grid and search know of the message's tags."""
    database.execute("UPDATE listing SET tags = ? WHERE seq = ?", (to_json(list(tags)), seq))
    database.execute("DELETE FROM message_tag WHERE seq = ?", (seq,))
    database.executemany(_PUT_TAG, [(tag.casefold(), seq) for tag in tags])
