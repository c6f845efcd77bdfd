from __future__ import annotations

import sqlite3
from urllib.parse import urlsplit

from relay.archive.api import Archive
from relay.archive.api.deletion import Deeds
from relay.archive.content import stored
from relay.archive.query import parse_query
from relay.archive.schema import DEED
from relay.model.event import Event, Kind
from tests.support.archive_values import CONTENT, NOON, SECOND, a_message, captured_event, deliveries_of, make_id
from tests.support.fresh import open_archive


def a_deed(number: int, kind: Kind = Kind.VIEWED, actor: str = "user:anna", message_id: str | None = None) -> Event:
    return Event(make_id(number, 8000), NOON + number * SECOND, kind, actor, message_id)


async def kinds(archive: Archive, which: Deeds = Deeds()) -> list[tuple[Kind, str]]:
    return [(event.kind, event.actor) for _, event in await archive.deeds(which)]


async def test_it_has_what_people_did_and_nothing_that_mail_did(archive: Archive):
    message = a_message(1)
    await archive.add_message(message, stored(CONTENT), deliveries_of(message), [captured_event(message)])
    await archive.add_events(
        [
            a_deed(1, Kind.VIEWED, message_id=message.id),
            a_deed(2, Kind.SENT, "upstream:ses", message.id),
            a_deed(3, Kind.SIGN_IN_REFUSED, "relay"),
            a_deed(4, Kind.EXPORTED, "command:root"),
            a_deed(5, Kind.ALERT_RAISED, "relay"),
            a_deed(6, Kind.OPENED, "relay", message.id),
            a_deed(7, Kind.ENCRYPTION_CHANGED, "relay"),
        ]
    )
    assert await kinds(archive) == [
        (Kind.ENCRYPTION_CHANGED, "relay"),
        (Kind.ALERT_RAISED, "relay"),
        (Kind.EXPORTED, "command:root"),
        (Kind.SIGN_IN_REFUSED, "relay"),
        (Kind.VIEWED, "user:anna"),
    ]


async def test_it_is_chosen_by_actor_kind_message_and_time(archive: Archive):
    message = a_message(1)
    await archive.add_message(message, stored(CONTENT), deliveries_of(message), [])
    await archive.add_events(
        [
            a_deed(1, Kind.VIEWED, message_id=message.id),
            a_deed(2, Kind.DELETED, "user:ben"),
            a_deed(3, Kind.TAGGED, "user:ben"),
        ]
    )
    assert await kinds(archive, Deeds(actor="user:anna")) == [(Kind.VIEWED, "user:anna")]
    assert await kinds(archive, Deeds(kinds=frozenset({Kind.VIEWED, Kind.TAGGED}))) == [
        (Kind.TAGGED, "user:ben"),
        (Kind.VIEWED, "user:anna"),
    ]
    assert await kinds(archive, Deeds(message_id=message.id)) == [(Kind.VIEWED, "user:anna")]
    assert await kinds(archive, Deeds(since=NOON + 2 * SECOND, until=NOON + 3 * SECOND)) == [(Kind.DELETED, "user:ben")]
    found = await archive.deeds(query=parse_query("application:shop", now=NOON))
    assert [event.kind for _, event in found] == [Kind.VIEWED]


async def test_pages_go_on_where_the_last_one_ended_also_among_equal_times(archive: Archive):
    same = [Event(make_id(n, 8000), NOON, Kind.VIEWED, "user:anna") for n in range(1, 8)]
    await archive.add_events(same)
    seen: list[str] = []
    before: tuple[int, int] | None = None
    while page := await archive.deeds(before=before, limit=3):
        seen += [event.id for _, event in page]
        before = page[-1][1].at, page[-1][0]
    assert seen == [event.id for event in reversed(same)]


async def test_each_choice_is_a_walk_along_an_index_of_deeds_alone(url: str):
    await (await open_archive(url)).close()
    database = sqlite3.connect(urlsplit(url).path[1:])
    for where, index in (
        ("", "event_deed"),
        ("AND actor = 'user:anna'", "event_deed_actor"),
        ("AND kind = 'viewed' AND at >= 5", "event_deed_kind"),
    ):
        plan = database.execute(
            f"EXPLAIN QUERY PLAN SELECT id FROM event WHERE {DEED} {where} AND (at, seq) < (9, 9)"
            " ORDER BY at DESC, seq DESC LIMIT 3"
        ).fetchall()
        assert len(plan) == 1, plan
        assert f"INDEX {index} " in plan[0][3], plan
    database.close()
