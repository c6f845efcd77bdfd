"""The suppression list in the archive: adding, looking into it, taking off, reading."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from relay.archive import database, suppression
from relay.archive.api import Archive, Closing, NotFound
from relay.archive.api.suppression import Selection
from relay.archive.migrations.run import upgrade
from relay.model.delivery import State
from relay.model.event import Event, Kind
from relay.model.reply import Reply
from relay.model.suppression import Cause, Suppressed, removed_event
from tests.support.archive_values import NOON, SECOND, closed, make_id
from tests.support.tracked_copy import tracked_copy


def entry(number: int, address: str = "jane@example.com", **changes: object) -> Suppressed:
    one = Suppressed(make_id(number, 7000), address, "shop", Cause.BOUNCE, "no such user", NOON + number, "bounce")
    return replace(one, **changes)  # type: ignore[arg-type]


def removal(one: Suppressed, number: int = 1) -> tuple[list[str], list[object]]:
    event = removed_event(one, event_id=make_id(number, 7500), at=NOON, actor="user:admin", reason="wrote to us")
    return [one.id], [event]


async def kinds(archive: Archive) -> list[Kind]:
    return [event.kind for _, event in await archive.events()]


# -- adding and taking off -----------------------------------------------------------------------------------
async def test_an_entry_is_kept_with_the_event_that_says_so(archive: Archive) -> None:
    one = entry(1, message_id=make_id(5), delivery_id=make_id(6), expires_at=NOON + SECOND)
    assert await archive.add_suppressions([one]) == 1
    assert await archive.suppression(one.id) == one
    (_, event) = (await archive.events())[0]
    assert (event.kind, event.actor, event.message_id, event.delivery_id) == (
        Kind.SUPPRESSION_ADDED,
        "bounce",
        make_id(5),
        make_id(6),
    )
    assert event.data == {
        "recipient": "jane@example.com",
        "application": "shop",
        "cause": "bounce",
        "reason": "no such user",
        "expires_at": NOON + SECOND,
    }


async def test_adding_again_changes_nothing(archive: Archive) -> None:
    assert await archive.add_suppressions([entry(1)]) == 1
    assert await archive.add_suppressions([entry(1), entry(2, "JANE@example.com")]) == 0
    assert len(await archive.events()) == 1


async def test_each_application_and_cause_has_its_entry(archive: Archive) -> None:
    entries = [entry(1), entry(2, application=""), entry(3, cause=Cause.COMPLAINT)]
    assert await archive.add_suppressions(entries) == 3
    assert (await archive.suppressions(Selection(NOON))).entries == tuple(reversed(entries))


async def test_an_entry_that_lasts_longer_takes_the_place_of_the_other(archive: Archive) -> None:
    first = entry(1, expires_at=NOON + 10)
    assert await archive.add_suppressions([first]) == 1
    assert await archive.add_suppressions([entry(2, reason="again", expires_at=NOON + 5)]) == 0
    longer = entry(3, reason="again", expires_at=None)
    assert await archive.add_suppressions([longer]) == 1
    assert await archive.add_suppressions([entry(4, reason="still", expires_at=NOON + 99)]) == 0
    assert (await archive.suppressions(Selection(NOON))).entries == (longer,)
    assert await kinds(archive) == [Kind.SUPPRESSION_ADDED] * 2


async def test_an_entry_by_hand_is_replaced_by_a_newer_one_even_if_that_ends_sooner(archive: Archive) -> None:
    assert await archive.add_suppressions([entry(1, cause=Cause.MANUAL)]) == 1
    shorter = entry(2, cause=Cause.MANUAL, expires_at=NOON + 10)
    assert await archive.add_suppressions([shorter]) == 1
    assert (await archive.suppressions(Selection(NOON))).entries == (shorter,)


async def test_what_was_taken_off_leaves_both_events_and_stays_off_when_the_report_is_repeated(
    archive: Archive,
) -> None:
    one = entry(1)
    await archive.add_suppressions([one])
    ids, events = removal(one)
    await archive.remove_suppressions(ids, events)  # type: ignore[arg-type]
    await archive.remove_suppressions(ids, events)  # type: ignore[arg-type]
    assert await archive.add_suppressions([one]) == 0
    assert await kinds(archive) == [Kind.SUPPRESSION_ADDED, Kind.SUPPRESSION_REMOVED]
    with pytest.raises(NotFound):
        await archive.suppression(one.id)


async def test_taking_off_several_of_which_one_is_gone_takes_off_none(archive: Archive) -> None:
    one, gone = entry(1), entry(2, "gone@example.com")
    await archive.add_suppressions([one])
    ids, events = removal(one)
    with pytest.raises(NotFound):
        await archive.remove_suppressions([*ids, gone.id], events)  # type: ignore[arg-type]
    assert (await archive.suppressions(Selection(NOON))).entries == (one,)
    assert await kinds(archive) == [Kind.SUPPRESSION_ADDED]


# -- reading -------------------------------------------------------------------------------------------------
async def test_a_page_is_newest_first_and_the_cursor_leads_on(archive: Archive) -> None:
    entries = [entry(number, f"u{number}@example.com", created_at=NOON + number // 2) for number in range(1, 6)]
    await archive.add_suppressions(entries)
    seen: list[Suppressed] = []
    cursor = None
    while True:
        page = await archive.suppressions(Selection(NOON), cursor=cursor, limit=2)
        seen += page.entries
        cursor = page.next
        if cursor is None:
            break
    assert seen == list(reversed(entries))
    assert [one async for one in archive.all_suppressions(Selection(NOON))] == seen


@pytest.mark.parametrize("cursor", ["", "x", "1", "x.y", "9" * 19 + ".x"])
async def test_a_cursor_that_is_none_is_refused(archive: Archive, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        await archive.suppressions(Selection(NOON), cursor=cursor)


async def test_entries_are_found_by_text_cause_and_application(archive: Archive) -> None:
    first = entry(1, "Jane.Doe@Example.com", reason="550 No such user")
    second = entry(2, "bob@example.org", application="", cause=Cause.MANUAL, reason="asked by phone")
    await archive.add_suppressions([first, second])

    async def found(**conditions: object) -> list[Suppressed]:
        selection = Selection(NOON, **conditions)  # type: ignore[arg-type]
        page = await archive.suppressions(selection)
        assert await archive.count_suppressions(selection) == len(page.entries)
        return list(page.entries)

    assert await found(text="jane.DOE@") == [first]
    assert await found(text="no SUCH") == [first]
    assert await found(text="%") == []
    third = entry(3, "Jürg@bücher.example", application="", created_at=NOON)
    await archive.add_suppressions([third])
    for text in ("JÜRG", "@büch", "BÜCHER.example", "xn--bcher", "jürg@bücher.EXAMPLE."):
        assert await found(text=text) == [third], text
    await archive.remove_suppressions([third.id], [])
    assert await found(cause=Cause.MANUAL) == [second]
    assert await found(application="") == [second]
    assert await found(application="shop") == [first]
    assert await archive.count_suppressions(Selection(NOON), at_most=1) == 1


async def test_what_ran_out_is_listed_apart(archive: Archive) -> None:
    one = entry(1, expires_at=NOON + 10)
    await archive.add_suppressions([one])
    assert (await archive.suppressions(Selection(NOON + 9))).entries == (one,)
    assert (await archive.suppressions(Selection(NOON + 10))).entries == ()
    assert (await archive.suppressions(Selection(NOON + 10, is_expired=True))).entries == (one,)


async def test_the_entries_of_addresses_are_those_of_the_application_and_of_all(archive: Archive) -> None:
    mine, everyones = entry(1), entry(2, application="")
    await archive.add_suppressions([mine, everyones, entry(3, application="blog"), entry(4, "old@x.org", expires_at=9)])
    found = await archive.suppressions_of(["Jane@Example.com", "old@x.org", "new@x.org"], "shop", NOON)
    assert found == {"Jane@Example.com": (everyones, mine)}
    assert await archive.suppressions_of([], "shop", NOON) == {}


# -- within a claim ------------------------------------------------------------------------------------------
@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "archive.db"
    database.prepare(path)
    opened = database.open_writer(path)
    upgrade(opened)
    yield opened
    opened.close()


ASKED = [("d1", "shop", "Jane@example.com"), ("d2", "blog", "jane@example.com"), ("d3", "shop", "bob@example.com")]


def test_an_empty_list_keeps_nobody_from_being_sent_to(connection: sqlite3.Connection) -> None:
    assert suppression.reasons(connection, NOON, ASKED) == {}
    suppression.add(connection, [entry(1, "other@example.com")])
    assert suppression.reasons(connection, NOON, ASKED) == {}


def test_the_reason_is_told_by_delivery_for_the_application_that_it_holds_for(connection: sqlite3.Connection) -> None:
    suppression.add(connection, [entry(1)])
    assert suppression.reasons(connection, NOON, ASKED) == {
        "d1": "the recipient is on the suppression list (bounced): no such user"
    }
    suppression.add(connection, [entry(2, application="", cause=Cause.MANUAL, reason="")])
    found = suppression.reasons(connection, NOON, ASKED)
    assert found["d2"] == "the recipient is on the suppression list (put there by hand)"
    assert found.keys() == {"d1", "d2"}


def test_the_latest_of_several_reasons_is_told(connection: sqlite3.Connection) -> None:
    suppression.add(connection, [entry(2, cause=Cause.COMPLAINT, reason="spam"), entry(1)])
    assert "complained" in suppression.reasons(connection, NOON, ASKED)["d1"]


def test_a_reason_that_ran_out_counts_no_more(connection: sqlite3.Connection) -> None:
    suppression.add(connection, [entry(1, expires_at=NOON + 10)])
    assert suppression.reasons(connection, NOON + 9, ASKED)
    assert not suppression.reasons(connection, NOON + 10, ASKED)


def test_a_thousand_recipients_are_one_query(connection: sqlite3.Connection) -> None:
    suppression.add(connection, [entry(n, f"u{n}@example.com") for n in range(0, 1000, 2)])
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    found = suppression.reasons(connection, NOON, [(f"d{n}", "shop", f"U{n}@example.com") for n in range(1000)])
    assert len(found) == 500
    assert len(statements) == 2


# -- with the end of an attempt ------------------------------------------------------------------------------
async def test_a_refusal_for_good_is_written_down_with_its_entry(archive: Archive) -> None:
    copy = await tracked_copy(archive)
    [attempt] = (await archive.message(copy.message_id)).attempts
    [duty] = (await archive.message(copy.message_id)).deliveries
    failed = replace(duty, state=State.FAILED, due_at=None)
    event = Event(make_id(1, 60), NOON, Kind.FAILED, "upstream:mx", copy.message_id, duty.id)
    closing = Closing(closed(attempt, Reply(550, "no", "5.1.1")), failed, event, entry(1, delivery_id=duty.id))
    await archive.finish_attempts([closing])
    await archive.finish_attempts([closing])
    assert (await archive.suppressions(Selection(NOON))).entries == (closing.suppression,)
    assert await kinds(archive) == [Kind.FAILED, Kind.SUPPRESSION_ADDED]
