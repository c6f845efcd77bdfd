"""Claiming what is due: the writer's batch function, and the look for what is due next.

Theory: the index `delivery_due` is ordered by lane, priority, application, due time. A *head* is the earliest due
delivery of one (lane, priority, application); there are few. What is claimed is dealt out from the open heads: all of
the highest priority first, and within one priority one delivery of each application after the other, so that a mailing
of a hundred thousand does not stand before another application's single message.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, zip_longest

from relay.archive.api.queue import ALL_LANES, Lanes
from relay.archive.rows import DELIVERY_COLUMNS, MESSAGE_COLUMNS, delivery_of, message_of
from relay.archive.suppression import reasons
from relay.model.delivery import Claim, Delivery, Priority, State
from relay.model.message import Message

DUE = "due_at IS NOT NULL AND state IN ('queued', 'deferred', 'unconfirmed')"
_PLACE = "lane, priority, application"
_DUE_NEXT = "next.due_at IS NOT NULL AND next.state IN ('queued', 'deferred', 'unconfirmed')"
HEADS = f"""
WITH RECURSIVE head(row) AS (
  SELECT (SELECT rowid FROM delivery INDEXED BY delivery_due WHERE {DUE} ORDER BY {_PLACE}, due_at LIMIT 1)
  UNION ALL
  SELECT (
    SELECT next.rowid FROM delivery AS next INDEXED BY delivery_due
    WHERE {_DUE_NEXT}
    AND (next.lane, next.priority, next.application) > (delivery.lane, delivery.priority, delivery.application)
    ORDER BY next.lane, next.priority, next.application, next.due_at LIMIT 1
  )
  FROM head JOIN delivery ON delivery.rowid = head.row
)
SELECT {_PLACE}, due_at FROM head JOIN delivery ON delivery.rowid = head.row
"""
"""Every head: lane, priority, application, due_at; as many steps as there are heads, however long the queue is."""
_FIELDS = ", ".join(f"delivery.{name}" for name in DELIVERY_COLUMNS)
_MESSAGE_FIELDS = ", ".join(MESSAGE_COLUMNS)

_PARK = """
UPDATE delivery SET
  state = CASE
    WHEN attempts = 0 THEN 'queued'
    WHEN EXISTS (
      SELECT 1 FROM attempt WHERE attempt.message_seq = delivery.message_seq AND delivery_id = delivery.id
      AND number = delivery.attempts AND is_uncertain
    ) THEN 'unconfirmed'
    ELSE 'deferred'
  END,
  lane = value ->> 1, why = value ->> 2, due_at = value ->> 3, expires_at = value ->> 4,
  lease_owner = NULL, lease_until = NULL
FROM json_each(?) WHERE delivery.id = value ->> 0 AND lease_owner IS NOT NULL
"""

Head = tuple[str, int, str, int]


@dataclass(frozen=True, slots=True)
class Claiming:
    """The arguments of one `claim`."""

    owner: str
    now: int
    lease_until: int
    limit: int
    lanes: Lanes = ALL_LANES
    only_expired: bool = False


def claim(database: sqlite3.Connection, claimings: list[Claiming]) -> list[list[Claim]]:
    """Leases due deliveries: urgent ones first, the applications in turn, oldest due first."""
    return [_claim(database, claiming) for claiming in claimings]


def next_due(heads: Iterable[Head], lanes: Lanes) -> int | None:
    """The earliest due time in the lanes that are open."""
    return min((due_at for lane, priority, _, due_at in heads if lanes.are_open_to(lane, priority)), default=None)


def _claim(database: sqlite3.Connection, claiming: Claiming) -> list[Claim]:
    chosen = json.dumps(_chosen(database, claiming))
    # Ordered as chosen: json_each counts its rows by `key`.
    rows = database.execute(
        f"SELECT message_seq, {_FIELDS} FROM json_each(?) JOIN delivery ON delivery.rowid = value ORDER BY key",
        (chosen,),
    ).fetchall()
    database.execute(
        "UPDATE delivery SET state = 'sending', lease_owner = ?, lease_until = ? "
        "WHERE rowid IN (SELECT value FROM json_each(?))",
        (claiming.owner, claiming.lease_until, chosen),
    )
    by_message: dict[int, list[Sequence[object]]] = {}
    for row in rows:
        by_message.setdefault(row[0], []).append(row[1:])
    found: list[tuple[Message, list[Delivery]]] = []
    messages = database.execute(
        f"SELECT seq, {_MESSAGE_FIELDS} FROM message WHERE seq IN (SELECT value FROM json_each(?))",
        (json.dumps(list(by_message)),),
    )
    message_rows = {row[0]: row[1:] for row in messages.fetchall()}
    for seq, members in by_message.items():
        message = message_of(message_rows[seq])
        found.append((message, [replace(delivery_of(one, message.id), state=State.SENDING) for one in members]))
    return _screened(database, claiming.now, found)


def _screened(
    database: sqlite3.Connection, now: int, found: Sequence[tuple[Message, Sequence[Delivery]]]
) -> list[Claim]:
    suppressed = reasons(
        database,
        now,
        ((one.id, message.application, one.recipient.address) for message, deliveries in found for one in deliveries),
    )
    return [
        Claim(message, tuple(deliveries), {one.id: suppressed[one.id] for one in deliveries if one.id in suppressed})
        for message, deliveries in found
    ]


def _chosen(database: sqlite3.Connection, claiming: Claiming) -> list[int]:
    """Row numbers, at most `limit`, in the order in which they are to be sent."""
    heads = [
        head
        for head in database.execute(HEADS).fetchall()
        if head[3] <= claiming.now and claiming.lanes.are_open_to(head[0], head[1])
    ]
    heads.sort(key=lambda head: (-head[1], head[3]))
    chosen: list[int] = []
    room = dict(claiming.lanes.room)
    for priority, equals in groupby(heads, key=lambda head: head[1]):
        turns = zip_longest(*(_rows(database, head, claiming, room) for head in equals))
        for lane, row in chain.from_iterable(filter(None, turn) for turn in turns):
            if priority < Priority.URGENT and lane in room:
                if not room[lane]:
                    continue
                room[lane] -= 1
            chosen.append(row)
            if len(chosen) == claiming.limit:
                return chosen
    return chosen


def _rows(
    database: sqlite3.Connection, head: Head, claiming: Claiming, room: Mapping[str, int]
) -> list[tuple[str, int]]:
    """(lane, row number) behind one head, oldest due first, as many as may be taken; from the index alone."""
    expired = "AND expires_at <= :now" if claiming.only_expired else ""
    lane, priority, application, _ = head
    limit = min(claiming.limit, room.get(lane, claiming.limit)) if priority < Priority.URGENT else claiming.limit
    values = {"lane": lane, "priority": priority, "application": application, "now": claiming.now, "limit": limit}
    found = database.execute(
        f"SELECT json_group_array(row) FROM (SELECT rowid AS row FROM delivery INDEXED BY delivery_due WHERE {DUE} "
        "AND lane = :lane AND priority = :priority AND application = :application "
        f"AND due_at <= :now {expired} ORDER BY due_at, rowid LIMIT :limit)",
        values,
    )
    return [(lane, row) for row in json.loads(found.fetchone()[0])]


def park(database: sqlite3.Connection, batches: list[Sequence[Delivery]]) -> list[None]:
    """Writes claimed deliveries back as they waited before, in their lane. One that is not claimed is left alone.

    One statement for all: each step of one hands over the interpreter lock, which the event loop is in need of.
    """
    rows = [
        (one.id, one.lane or "", one.why, one.due_at, one.expires_at) for deliveries in batches for one in deliveries
    ]
    database.execute(_PARK, (json.dumps(rows),))
    return [None] * len(batches)


def forget_lanes(database: sqlite3.Connection, requests: list[None]) -> list[None]:
    """What waits in a lane is routed anew when it is claimed next: the routes have changed."""
    database.execute(f"UPDATE delivery SET lane = '' WHERE lane <> '' AND {DUE}")
    return [None] * len(requests)
