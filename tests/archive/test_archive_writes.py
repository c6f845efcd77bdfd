"""Every writing method: what is kept, what a repetition does, and what a failure leaves."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from relay.archive.api import (
    ApiToken,
    ApplicationRecord,
    Archive,
    ArchiveError,
    ArchiveUnavailable,
    Closing,
    NotFound,
    User,
    WebSession,
)
from relay.archive.api.engagement import INDIVIDUAL
from relay.archive.content import stored
from relay.archive.sums import prepare
from relay.model.delivery import State
from relay.model.edit import Edit
from relay.model.event import Event, Kind
from relay.model.fetch import Fetch, Judgement, Verdict
from relay.model.reply import Reply
from relay.model.summary import Addressee, Reference, Summary
from relay.model.suppression import Cause, Suppressed
from relay.model.token import Token, TokenKind
from tests.support.archive_values import (
    CONTENT,
    NOON,
    SECOND,
    a_message,
    an_attempt,
    an_event,
    captured_event,
    closed,
    deliveries_of,
    make_id,
)
from tests.support.fresh import open_archive

MESSAGE = a_message(1, recipients=("jane@example.com", "joe@example.com"))
DELIVERIES = deliveries_of(MESSAGE)
ATTEMPTS = [an_attempt(delivery, edits=(Edit(0, 0, b"Received: x\r\n", "trace"),)) for delivery in DELIVERIES]
OK = Reply(250, "ok", "2.0.0")
CLOSINGS = [
    Closing(
        closed(attempt, OK),
        replace(delivery, state=State.SENT, due_at=None, attempts=1, reply=OK, upstream="upstream"),
        Event(make_id(1, 7000 + n), NOON + SECOND, Kind.SENT, "upstream:upstream", MESSAGE.id, delivery.id),
    )
    for n, (attempt, delivery) in enumerate(zip(ATTEMPTS, DELIVERIES, strict=True))
]
TOKENS = [Token(f"token-{n}", one.id, MESSAGE.id, TokenKind.OPEN, NOON) for n, one in enumerate(DELIVERIES)]
FETCHES = [
    Fetch(make_id(n, 8000), "token-0", NOON + n, "GET", "192.0.2.0", "x", Verdict.HUMAN, "x", 1)
    for n in range(INDIVIDUAL + 3)
]
RESENT = [replace(DELIVERIES[0], id=make_id(2, 1000), created_at=NOON)]
SUMMARY = Summary(
    subject="Order",
    senders=(Addressee("Shop", "shop@example.com"),),
    header_text="Subject: Order",
    body_text="body",
    tags=("order",),
    references=(Reference("invoice", "INV-1"),),
)
USER = User("ann", "admin", "$argon2id$x", NOON)
SESSION = WebSession(b"s" * 32, "ann", NOON, NOON + SECOND, "127.0.0.1")
TOKEN = ApiToken(make_id(3), "ci", "ann", b"t" * 32, NOON)
ENTRY = Suppressed(make_id(4), "jane@example.com", "shop", Cause.MANUAL, "asked", NOON, "user:ann")
APPLICATION = ApplicationRecord("shop", "shop-1", b"a" * 32, NOON, None, ("@example.com",), ("web",))

Step = Callable[[Archive], Awaitable[Any]]
Rows = dict[str, list[tuple[Any, ...]]]
"""By the table."""


async def keep(archive: Archive) -> None:
    await archive.add_message(MESSAGE, stored(CONTENT), DELIVERIES, [captured_event(MESSAGE)])


async def claimed(archive: Archive) -> None:
    await keep(archive)
    await archive.claim("me", NOON + SECOND, NOON + 60 * SECOND, 10)


async def begun(archive: Archive) -> None:
    await claimed(archive)
    await archive.begin_attempts(ATTEMPTS, TOKENS)


async def fetched(archive: Archive) -> None:
    await begun(archive)
    await archive.add_fetches(FETCHES)


async def ann(archive: Archive) -> None:
    await archive.put_user(USER, an_event(1))


async def signed_in(archive: Archive) -> None:
    await ann(archive)
    await archive.add_session(SESSION, an_event(2))
    await archive.add_token(TOKEN, an_event(3))


async def with_application(archive: Archive) -> None:
    await archive.put_application(APPLICATION, an_event(1))


async def suppressed(archive: Archive) -> None:
    await archive.add_suppressions([ENTRY])


async def nothing(archive: Archive) -> None:
    """An empty archive."""


WRITES: dict[str, tuple[Step, Step]] = {
    "add_message": (nothing, keep),
    "renew": (claimed, lambda a: a.renew("me", [DELIVERIES[0].id], NOON + 90 * SECOND)),
    "begin_attempts": (claimed, lambda a: a.begin_attempts(ATTEMPTS, TOKENS)),
    "add_fetches": (begun, lambda a: a.add_fetches(FETCHES)),
    "judge": (fetched, lambda a: a.judge([Judgement(make_id(8, 9), NOON, FETCHES[0].id, Verdict.PROXY, "y", 2)])),
    "finish_attempts": (begun, lambda a: a.finish_attempts(CLOSINGS)),
    "release": (claimed, lambda a: a.release(DELIVERIES)),
    "recover": (begun, lambda a: a.recover(NOON + 99 * SECOND, [make_id(9, n) for n in range(9)])),
    "add_events": (nothing, lambda a: a.add_events([an_event(1), an_event(2)])),
    "add_deliveries": (keep, lambda a: a.add_deliveries(RESENT, [an_event(4, Kind.RESENT)])),
    "add_summaries": (keep, lambda a: a.add_summaries([(MESSAGE.id, SUMMARY)])),
    "put_user": (nothing, ann),
    "remove_user": (signed_in, lambda a: a.remove_user("ann", an_event(4))),
    "add_session": (ann, lambda a: a.add_session(SESSION, an_event(2))),
    "remove_session": (signed_in, lambda a: a.remove_session(SESSION.token_hash, an_event(4))),
    "add_token": (ann, lambda a: a.add_token(TOKEN, an_event(2))),
    "remove_token": (signed_in, lambda a: a.remove_token(TOKEN.id, an_event(4))),
    "put_application": (nothing, with_application),
    "remove_application": (with_application, lambda a: a.remove_application("shop", an_event(2))),
    "add_suppressions": (nothing, suppressed),
    "remove_suppressions": (suppressed, lambda a: a.remove_suppressions([ENTRY.id], [an_event(4)])),
    "put_setting": (nothing, lambda a: a.put_setting("key", {"a": [1, None]})),
}
"""Method: (what must be there before, the write)."""


def path_of(url: str) -> Path:
    return Path(urlsplit(url).path[1:])


def dump(url: str) -> Rows:
    """All rows of all tables of a closed archive."""
    database = sqlite3.connect(path_of(url))
    names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    rows = {name: sorted(database.execute(f'SELECT * FROM "{name}"'), key=repr) for name in names}
    database.execute("INSERT INTO full_text (full_text, rank) VALUES ('integrity-check', 1)")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    database.close()
    # How often the figures of a day were found to be out of date is no fact.
    rows["figure_day"] = [row[:1] for row in rows["figure_day"]]
    rows["row_sum"] = [row[:2] if row[0] == "figure_day" else row for row in rows["row_sum"]]
    # Salts are random, and with them every hash of the log: how long it is, is all that two archives share.
    rows["leaf"], rows["tree"] = [row[:1] for row in rows["leaf"]], [row[:1] for row in rows["tree"]]
    return {name: found for name, found in rows.items() if not name.startswith("full_text")}


@pytest.fixture(scope="module")
def rows_of_one_write() -> dict[str, Rows]:
    """By the method: what `once` found."""
    return {}


async def once(folder: Path, method: str, found: dict[str, Rows]) -> Rows:
    """All rows when all went well. It is tried for the first test of a method that asks."""
    if method not in found:
        url = f"sqlite:///{folder}/once/archive.db"
        archive = await open_archive(url)
        for step in WRITES[method]:
            await step(archive)
        await archive.close()
        found[method] = dump(url)
    return found[method]


@pytest.mark.parametrize("method", WRITES)
async def test_a_repeated_write_changes_nothing(
    url: str, tmp_path: Path, method: str, rows_of_one_write: dict[str, Rows]
):
    before, write = WRITES[method]
    archive = await open_archive(url)
    await before(archive)
    await write(archive)
    await write(archive)
    await archive.close()
    assert dump(url) == await once(tmp_path, method, rows_of_one_write)


@pytest.mark.parametrize("method", WRITES)
async def test_a_lost_write_leaves_nothing_and_can_be_repeated(
    url: str, tmp_path: Path, method: str, rows_of_one_write: dict[str, Rows]
):
    before, write = WRITES[method]
    archive = await open_archive(url)
    await before(archive)
    other = sqlite3.connect(path_of(url), isolation_level=None)
    state = list(other.iterdump())
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ArchiveUnavailable, match="locked"):
        await write(archive)
    other.execute("ROLLBACK")
    assert list(other.iterdump()) == state
    other.close()
    await write(archive)
    await archive.close()
    assert dump(url) == await once(tmp_path, method, rows_of_one_write)


@pytest.mark.parametrize("method", WRITES)
async def test_a_write_whose_answer_is_lost_is_done_and_can_be_repeated(
    url: str, tmp_path: Path, method: str, rows_of_one_write: dict[str, Rows]
):
    before, write = WRITES[method]
    archive = await open_archive(url)
    await before(archive)
    task = asyncio.ensure_future(write(archive))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await archive.close()
    expected = await once(tmp_path, method, rows_of_one_write)
    assert dump(url) == expected
    archive = await open_archive(url)
    await write(archive)
    await archive.close()
    assert dump(url) == expected


async def test_a_full_disk_keeps_nothing_says_so_and_is_left_behind(url: str):
    archive = await open_archive(url)
    await limit_pages(archive, 0)
    large = stored(bytes(range(256)) * 4000 * 8)
    message = a_message(2, content=large)
    with pytest.raises(ArchiveUnavailable) as caught:
        for number in range(10_000):
            filler = stored(number.to_bytes(4, "big") * 5000)
            letter = a_message(100 + number, content=filler)
            await archive.add_message(letter, replace(filler, frames=(bytes(20_000),)), [], [])
    assert caught.value.is_full
    health = await archive.health()
    assert not health.is_writable
    assert health.problems
    kept = (await archive.health()).messages
    assert kept == number
    with pytest.raises(ArchiveUnavailable):
        await archive.add_message(message, replace(large, frames=(bytes(2_000_000),)), deliveries_of(message), [])
    with pytest.raises(NotFound):
        await archive.message(message.id)
    await limit_pages(archive, 1_000_000)
    await archive.add_message(message, large, deliveries_of(message), [captured_event(message)])
    health = await archive.health()
    assert (health.is_writable, health.problems, health.messages) == (True, (), kept + 1)
    await archive.close()
    dump(url)


async def limit_pages(archive: Any, spare: int) -> None:
    """Makes the disk of the writing connection full after `spare` more pages: SQLite's own SQLITE_FULL."""

    def limit(database: sqlite3.Connection, items: list[int]) -> list[None]:
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages + 40 + items[0]}")
        return [None]

    await archive._write(limit, spare)


async def test_one_bad_item_does_not_hurt_the_others_of_its_group(archive):
    good = [a_message(number) for number in range(1, 9)]
    bad = replace(a_message(99), application="\udcff")
    results = await asyncio.gather(
        *(archive.add_message(m, stored(CONTENT), deliveries_of(m), [captured_event(m)]) for m in [*good[:4], bad]),
        *(archive.add_message(m, stored(CONTENT), deliveries_of(m), [captured_event(m)]) for m in good[4:]),
        return_exceptions=True,
    )
    errors = [result for result in results if result is not None]
    assert len(errors) == 1
    assert isinstance(errors[0], ArchiveError)
    assert "cannot be stored" in str(errors[0])
    assert (await archive.health()).messages == 8


async def test_waiting_messages_share_a_commit(archive):
    before = await archive.health()
    messages = [a_message(number) for number in range(1, 51)]
    await asyncio.gather(
        *(archive.add_message(m, stored(CONTENT), deliveries_of(m), [captured_event(m)]) for m in messages)
    )
    after = await archive.health()
    assert after.messages == 50
    assert after.commits - before.commits < 10
    assert after.committed_units - before.committed_units >= 50


async def test_the_same_message_twice_in_one_group_is_kept_once(archive):
    await asyncio.gather(*(keep(archive) for _ in range(5)))
    assert (await archive.health()).messages == 1
    assert len(await archive.events()) == 1


async def test_cancelling_callers_at_any_moment_never_leaves_half_a_message(url: str):
    archive = await open_archive(url)
    messages = [a_message(number, recipients=("a@example.com", "b@example.com")) for number in range(1, 61)]
    tasks = [
        asyncio.ensure_future(archive.add_message(m, stored(CONTENT), deliveries_of(m), [captured_event(m)]))
        for m in messages
    ]
    for n, task in enumerate(tasks):
        for _ in range(n % 3):
            await asyncio.sleep(0)
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await archive.add_events([an_event(1)])
    await archive.close()
    rows = dump(url)
    kept = len(rows["message"])
    assert (len(rows["content"]), len(rows["delivery"]), len(rows["event"])) == (kept, 2 * kept, kept + 1)


async def test_a_message_comes_back_as_it_was_given(archive):
    await begun(archive)
    await archive.finish_attempts(CLOSINGS)
    await archive.add_summaries([(MESSAGE.id, SUMMARY)])
    child = a_message(5, parent_id=MESSAGE.id)
    await archive.add_message(child, stored(CONTENT), [], [])
    found = await archive.message(MESSAGE.id)
    assert found.message == MESSAGE
    assert found.deliveries == tuple(closing.delivery for closing in CLOSINGS)
    assert found.attempts == tuple(closing.attempt for closing in CLOSINGS)
    assert found.summary == SUMMARY
    assert found.children == (child.id,)
    assert (await archive.message(child.id)).message == child


async def test_what_is_not_there_is_not_found(archive):
    missing = make_id(404)
    for call in (
        archive.message(missing),
        archive.listing(missing),
        archive.content(missing),
        archive.add_deliveries(DELIVERIES, []),
        archive.begin_attempts(ATTEMPTS),
        archive.add_summaries([(missing, SUMMARY)]),
        archive.remove_user("nobody", an_event(1)),
        archive.remove_token("nothing", an_event(1)),
        archive.remove_application("none", an_event(1)),
        archive.add_session(SESSION, an_event(1)),
        archive.add_token(TOKEN, an_event(1)),
    ):
        with pytest.raises(NotFound):
            await call
    with pytest.raises(NotFound):
        async for _ in archive.content_chunks(missing):
            pass


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET at = 0",
        "DELETE FROM event",
        "UPDATE message SET sender = ''",
        "DELETE FROM message",
        "UPDATE content SET frame = x''",
        "DELETE FROM content",
        "UPDATE attempt SET wire_size = 0",
        "DELETE FROM attempt",
        "UPDATE edit_list SET data = x''",
        "DELETE FROM edit_list",
    ],
)
async def test_the_database_refuses_to_change_facts(url: str, statement: str):
    archive = await open_archive(url)
    await begun(archive)
    await archive.finish_attempts(CLOSINGS)
    await archive.close()
    database = sqlite3.connect(path_of(url))
    prepare(database)
    with pytest.raises(sqlite3.IntegrityError, match="facts are only added"):
        database.execute(statement)
    database.close()


async def test_one_edit_list_is_stored_once_for_all_who_share_it(url: str):
    archive = await open_archive(url)
    message = a_message(1, recipients=tuple(f"r{n}@example.com" for n in range(1000)))
    duties = deliveries_of(message)
    await archive.add_message(message, stored(CONTENT), duties, [])
    edits = tuple(Edit(n, n + 1, b"\r\n", "line-ends") for n in range(2000))
    await archive.begin_attempts([an_attempt(delivery, edits=edits) for delivery in duties])
    attempts = (await archive.message(message.id)).attempts
    assert len(attempts) == 1000
    assert attempts[0].edits == edits
    assert all(attempt.edits is attempts[0].edits for attempt in attempts)
    await archive.close()
    assert len(dump(url)["edit_list"]) == 1


async def test_events_are_numbered_in_the_order_of_recording(archive):
    await archive.add_events([an_event(3), an_event(1)])
    await archive.add_events([an_event(1), an_event(2)])
    found = await archive.events()
    assert [(seq, event.id) for seq, event in found] == [(n, an_event(i).id) for n, i in ((1, 3), (2, 1), (3, 2))]
    assert await archive.events(after=2) == found[2:]
    assert await archive.events(limit=1) == found[:1]
    await keep(archive)
    assert [event.kind for _, event in await archive.events(message_id=MESSAGE.id)] == [Kind.CAPTURED]


async def test_readers_see_every_write_that_returned(archive):
    for number in range(1, 30):
        message = a_message(number)
        await archive.add_message(message, stored(CONTENT), deliveries_of(message), [])
        seen = await asyncio.gather(*(archive.listing(message.id) for _ in range(4)))
        assert {listing.seq for listing in seen} == {number}
