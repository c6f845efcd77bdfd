"""Legal holds and terms: what they keep nobody deletes, not by the archive's methods and not in the file itself."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from relay.archive.api import Archive, NotFound
from relay.archive.content import stored
from relay.archive.holds import EARLY, HELD
from relay.model.deletion import Fate, Order
from relay.model.delivery import State
from relay.model.event import Event, Kind
from relay.model.hold import LONGEST_NAME, Hold, name_fault
from relay.model.message import Message
from tests.support.archive_values import CONTENT, NOON, SECOND, a_message, captured_event, deliveries_of, new_id
from tests.support.fresh import open_archive

DAY = 24 * 3600
BOSS = "user:boss"


async def keep(archive: Archive, number: int = 1, at: int | None = None) -> Message:
    message = a_message(number) if at is None else a_message(number, received_at=at)
    await archive.add_message(message, stored(CONTENT), deliveries_of(message, State.SENT), [captured_event(message)])
    return message


async def delete(archive: Archive, message: Message, at: int = NOON + 9 * SECOND) -> tuple[Fate, str]:
    event = Event(new_id(), at, Kind.DELETED, "user:anna", message.id, data={"reason": "asked"})
    (outcome,) = await archive.delete_content([Order(message.id, event)])
    return outcome.fate, outcome.words


async def begin(archive: Archive, name: str = "Smith v. us") -> Hold:
    hold = Hold(new_id(), name, "the court asks", NOON, BOSS)
    assert await archive.make_hold(hold, Event(new_id(), NOON, Kind.HOLD_MADE, BOSS, data={"hold": hold.id}))
    return hold


def events(kind: Kind, hold: Hold, *messages: Message) -> list[Event]:
    return [Event(new_id(), NOON, kind, BOSS, message.id, data={"hold": hold.id}) for message in messages]


async def place(archive: Archive, hold: Hold, *messages: Message) -> list[str]:
    ids = [message.id for message in messages]
    return await archive.place_hold(hold.id, ids, events(Kind.HOLD_PLACED, hold, *messages))


async def end(archive: Archive, hold: Hold) -> bool:
    return await archive.end_hold(hold.id, Event(new_id(), NOON + SECOND, Kind.HOLD_ENDED, BOSS))


async def test_what_any_open_hold_keeps_is_not_deleted_until_the_last_one_ends(archive: Archive):
    message, free = await keep(archive, 1), await keep(archive, 2)
    first, second = await begin(archive), await begin(archive, "Tax 2026")
    assert await place(archive, first, message) == [message.id]
    assert await place(archive, first, message) == []
    await place(archive, second, message)
    assert [hold.name for hold in await archive.holds_of(message.id)] == ["Smith v. us", "Tax 2026"]
    assert await delete(archive, message) == (Fate.REFUSED, HELD)
    assert (await delete(archive, free))[0] is Fate.DELETED
    assert await end(archive, first)
    assert not await end(archive, first)
    assert await delete(archive, message) == (Fate.REFUSED, HELD)
    assert await archive.lift_hold(second.id, [message.id], events(Kind.HOLD_LIFTED, second, message)) == [message.id]
    assert (await delete(archive, message))[0] is Fate.DELETED
    kinds = [event.kind for _, event in await archive.events(message_id=message.id)]
    assert kinds == [Kind.CAPTURED, Kind.HOLD_PLACED, Kind.HOLD_PLACED, Kind.HOLD_LIFTED, Kind.DELETED]
    found = {(hold.name, hold.messages, hold.ended_by) for hold in await archive.holds(only_open=False)}
    assert found == {("Tax 2026", 0, None), ("Smith v. us", 1, BOSS)}


async def test_a_name_is_of_one_open_hold(archive: Archive):
    hold = await begin(archive)
    again = Hold(new_id(), hold.name, "", NOON, BOSS)
    event = Event(new_id(), NOON, Kind.HOLD_MADE, BOSS)
    assert not await archive.make_hold(again, event)
    await end(archive, hold)
    assert await archive.make_hold(again, event)
    assert await archive.make_hold(again, event)
    assert [one.id for one in await archive.holds(only_open=True)] == [again.id]


async def test_what_is_not_there_is_not_found(archive: Archive):
    hold, message = await begin(archive), await keep(archive)
    with pytest.raises(NotFound):
        await place(archive, hold, a_message(7))
    with pytest.raises(NotFound):
        await archive.hold(new_id())
    await end(archive, hold)
    with pytest.raises(NotFound):
        await place(archive, hold, message)


async def test_messages_of_a_hold_come_in_pages(archive: Archive):
    hold = await begin(archive)
    messages = [await keep(archive, number) for number in (1, 2, 3)]
    await place(archive, hold, *messages)
    assert await archive.held_messages(hold.id, limit=2) == [one.id for one in messages[:2]]
    assert await archive.held_messages(hold.id, after=messages[1].id) == [messages[2].id]


def told(number: int) -> Event:
    return Event(new_id(), NOON + number * DAY * SECOND, Kind.SETTING_CHANGED, "relay", data={"key": "ledger.worm"})


async def test_a_term_keeps_what_is_there_and_is_never_shortened_for_it(archive: Archive):
    old = await keep(archive, 1, NOON)
    assert await archive.use_term(10 * DAY, told(1))
    assert not await archive.use_term(10 * DAY, told(1))
    between = await keep(archive, 2, NOON + 2 * DAY * SECOND)
    assert await archive.use_term(0, told(3))
    later = await keep(archive, 3, NOON + 4 * DAY * SECOND)
    assert await delete(archive, old, NOON + 10 * DAY * SECOND - 1) == (Fate.REFUSED, EARLY)
    assert await delete(archive, between, NOON + 11 * DAY * SECOND) == (Fate.REFUSED, EARLY)
    assert (await delete(archive, old, NOON + 10 * DAY * SECOND))[0] is Fate.DELETED
    assert (await delete(archive, later, NOON + 5 * DAY * SECOND))[0] is Fate.DELETED
    assert (await delete(archive, between, NOON + 12 * DAY * SECOND))[0] is Fate.DELETED
    assert await archive.term() == 0


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "INSERT INTO deletion VALUES (1, 1, 'me', 'me', 'mine', NULL)",
            "(a legal hold keeps it|its term has not passed)",
        ),
        ("INSERT INTO deletion VALUES (2, 1, 'me', 'me', 'mine', NULL)", "its term has not passed"),
        ("DELETE FROM legal_hold", "facts are only added"),
        ("UPDATE legal_hold SET name = 'x'", "facts are only added"),
        ("DELETE FROM term", "facts are only added"),
        ("UPDATE term SET seconds = 1", "facts are only added"),
    ],
)
async def test_the_file_itself_refuses(url: str, statement: str, words: str):
    archive = await open_archive(url)
    held, _ = await keep(archive, 1), await keep(archive, 2)
    await place(archive, await begin(archive), held)
    await archive.use_term(DAY, told(0))
    await archive.close()
    database = sqlite3.connect(Path(urlsplit(url).path[1:]))
    with pytest.raises(sqlite3.IntegrityError, match=words):
        database.execute(statement)
    database.close()


@pytest.mark.parametrize(("name", "is_right"), [("Smith", True), ("", False), ("a\nb", False), ("x" * 101, False)])
def test_a_name_is_a_line(name: str, is_right: bool):
    assert (name_fault(name) == "") is is_right
    assert len(name) <= LONGEST_NAME or not is_right
