from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from relay.archive import scrub
from relay.archive.api import Archive, Closing, Gone, NotFound
from relay.archive.content import stored
from relay.archive.database import open_writer
from relay.archive.deletion import delete_contents
from relay.archive.query import parse_query
from relay.model.bounce import BounceClass
from relay.model.deletion import Fate, Order, Request, Standing
from relay.model.delivery import Delivery, State
from relay.model.edit import Edit
from relay.model.event import Event, Kind
from relay.model.message import Message
from relay.model.reply import Reply
from relay.model.report import ReportKind
from relay.model.summary import Addressee, Reference, Summary
from tests.support.archive_reports import a_payload, a_report, reported, sent
from tests.support.archive_values import (
    NOON,
    SECOND,
    a_message,
    an_attempt,
    captured_event,
    closed,
    deliveries_of,
    make_id,
    new_id,
)
from tests.support.fresh import open_archive

SECRET = "xylophonist"
TEXT = f"From: Ann {SECRET}a <ann@example.com>\r\nSubject: {SECRET}b\r\n\r\nThe {SECRET}c of {SECRET}d\r\n".encode()
SUMMARY = Summary(
    subject=f"{SECRET}b",
    senders=(Addressee(f"Ann {SECRET}a", "ann@example.com"),),
    to=(Addressee(f"Jane {SECRET}e", "jane@example.com"),),
    header_message_id="1@example.com",
    header_text=f"Subject: {SECRET}b",
    body_text=f"The {SECRET}c of {SECRET}d",
    snippet=f"The {SECRET}c",
    filenames=(f"{SECRET}.pdf",),
    attachment_count=1,
    tags=("invoice",),
    references=(Reference("invoice", "INV-12345"),),
)


async def keep(archive: Archive, number: int = 1, state: State = State.SENT, content: bytes = TEXT) -> Message:
    message = a_message(number, content=stored(content))
    await archive.add_message(message, stored(content), deliveries_of(message, state), [captured_event(message)])
    await archive.add_summaries([(message.id, SUMMARY)])
    return message


def deleted_event(message: Message, actor: str = "user:anna", reason: str = "asked by the customer") -> Event:
    return Event(new_id(), NOON + 9 * SECOND, Kind.DELETED, actor, message.id, data={"reason": reason})


def cancelled(deliveries: Sequence[Delivery]) -> list[Event]:
    return [Event(new_id(), NOON, Kind.CANCELLED, "user:anna", one.message_id, one.id) for one in deliveries]


async def delete(archive: Archive, message: Message, cancellations: Sequence[Event] = ()) -> tuple[Fate, str]:
    (outcome,) = await archive.delete_content([Order(message.id, deleted_event(message), cancellations)])
    return outcome.fate, outcome.words


async def until(holds: Callable[[], bool], deadline: float = 10.0) -> None:
    async with asyncio.timeout(deadline):
        while not holds():
            await asyncio.sleep(0.02)


def octets_of(url: str) -> bytes:
    folder = Path(urlsplit(url).path[1:]).parent
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.name.startswith("archive.db"))


async def test_the_content_goes_and_the_fact_stays(archive: Archive):
    message = await keep(archive)
    assert await delete(archive, message) == (Fate.DELETED, "")
    with pytest.raises(Gone):
        await archive.content(message.id)
    with pytest.raises(Gone):
        [piece async for piece in archive.content_chunks(message.id)]
    found = await archive.message(message.id)
    assert found.message == message
    assert found.deletion is not None
    assert (found.deletion.by, found.deletion.asked_by, found.deletion.reason) == (
        "user:anna",
        "user:anna",
        "asked by the customer",
    )
    assert [event.kind for _, event in await archive.events(message_id=message.id)] == [Kind.CAPTURED, Kind.DELETED]
    listed = await archive.listing(message.id)
    assert (listed.is_deleted, listed.subject, listed.snippet, listed.sender) == (True, "", "", "ann@example.com")
    assert listed.references == (Reference("invoice", "INV-12345"),)
    assert listed.attachment_count == 0


async def test_no_file_of_the_archive_has_a_word_of_it_afterwards(url: str):
    archive = await open_archive(url)
    for number in range(1, 40):
        # Neighbours, so that the search index has several segments with other words.
        await keep(archive, number, content=b"Subject: other\r\n\r\nneighbour\r\n")
    message = a_message(50, content=stored(TEXT))
    await archive.add_message(message, stored(TEXT), deliveries_of(message, State.SENT), [captured_event(message)])
    await archive.add_summaries([(message.id, SUMMARY)])
    for number in range(1, 40):
        await archive.add_summaries([(make_id(number), Summary(body_text="neighbour"))])
    assert SECRET.encode() in octets_of(url)
    await delete(archive, message)
    await until(lambda: SECRET.encode() not in octets_of(url))
    await archive.close()
    assert SECRET.encode() not in octets_of(url)
    again = await open_archive(url)
    assert (await again.message(message.id)).deletion is not None
    await again.close()


async def test_what_was_deleted_is_found_by_address_and_reference_but_not_by_its_words(archive: Archive):
    message, other = await keep(archive, 1), await keep(archive, 2)
    await delete(archive, message)

    async def ids(query: str) -> list[str]:
        return [row.id for row in (await archive.search(parse_query(query, now=NOON))).rows]

    assert await ids("is:deleted") == [message.id]
    assert await ids("-is:deleted") == [other.id]
    assert await ids("recipient:jane is:deleted") == [message.id]
    assert await ids("from:ann@example.com is:deleted") == [message.id]
    assert await ids("ref:INV-12345 is:deleted") == [message.id]
    assert await ids(SECRET) == [other.id]
    assert await ids("has:attachment") == [other.id]


async def test_to_delete_again_changes_nothing(archive: Archive):
    message = await keep(archive)
    await delete(archive, message)
    assert await delete(archive, message) == (Fate.GONE, "")
    assert len(await archive.events(message_id=message.id)) == 2


async def test_a_message_that_is_not_there_is_not_found(archive: Archive):
    with pytest.raises(NotFound):
        await delete(archive, a_message(1))


async def test_what_is_being_sent_is_refused_in_words(archive: Archive):
    message = await keep(archive, state=State.QUEUED)
    await archive.claim("courier", NOON + 60 * SECOND, NOON + 90 * SECOND, 10)
    fate, words = await delete(archive, message, cancelled((await archive.message(message.id)).deliveries))
    assert fate is Fate.REFUSED
    assert words == "It is being sent at this moment: try again when it has ended."
    assert await archive.content(message.id) == TEXT


async def test_what_waits_is_cancelled_with_an_event_of_its_own_or_refused(archive: Archive):
    message = await keep(archive, state=State.HELD)
    fate, words = await delete(archive, message)
    assert (fate, words) == (Fate.REFUSED, "A delivery of it came to wait meanwhile: try again.")
    deliveries = (await archive.message(message.id)).deliveries
    assert (await delete(archive, message, cancelled(deliveries)))[0] is Fate.DELETED
    assert [one.state for one in (await archive.message(message.id)).deliveries] == [State.CANCELLED]
    kinds = [event.kind for _, event in await archive.events(message_id=message.id)]
    assert kinds == [Kind.CAPTURED, Kind.CANCELLED, Kind.DELETED]


async def test_what_may_have_been_sent_stays_unconfirmed_and_is_not_tried_again(archive: Archive):
    message = await keep(archive, state=State.UNCONFIRMED)
    deliveries = (await archive.message(message.id)).deliveries
    await delete(archive, message, cancelled(deliveries))
    (delivery,) = (await archive.message(message.id)).deliveries
    assert (delivery.state, delivery.due_at, delivery.why) == (State.UNCONFIRMED, None, "not tried again: deleted")


async def test_nothing_deleted_is_sent_again(archive: Archive):
    message = await keep(archive)
    await delete(archive, message)
    again = Delivery(new_id(), message.id, message.envelope.recipients[0], State.QUEUED, NOON, NOON, NOON + SECOND)
    with pytest.raises(Gone):
        await archive.add_deliveries([again], [])


async def test_an_indexer_that_had_read_it_before_brings_nothing_back(archive: Archive):
    message = a_message(1, content=stored(TEXT))
    await archive.add_message(message, stored(TEXT), deliveries_of(message, State.SENT), [captured_event(message)])
    await delete(archive, message)
    await archive.add_summaries([(message.id, SUMMARY)])
    assert (await archive.listing(message.id)).subject == ""
    assert await archive.unindexed(10) == []


async def tried(archive: Archive, message: Message, edits: tuple[Edit, ...]) -> None:
    (delivery,) = (await archive.message(message.id)).deliveries
    attempt = an_attempt(delivery, edits=edits)
    await archive.begin_attempts([attempt])
    event = Event(new_id(), NOON, Kind.SENT, "upstream:upstream", message.id, delivery.id)
    await archive.finish_attempts([Closing(closed(attempt, Reply(250, "ok")), delivery, event)])


async def test_edits_of_this_message_alone_go_and_those_that_others_share_stay(archive: Archive, url: str):
    shared = (Edit(0, 0, b"X-Shared: 1\r\n", "trace"),)
    own = (Edit(0, 0, f"X-Own: {SECRET}\r\n".encode(), "trace"),)
    first, second, third = [await keep(archive, number) for number in (1, 2, 3)]
    await tried(archive, first, shared)
    await tried(archive, second, shared)
    await tried(archive, third, own)
    await delete(archive, first)
    await delete(archive, third)
    assert [attempt.edits for attempt in (await archive.message(second.id)).attempts] == [shared]
    (attempt,) = (await archive.message(third.id)).attempts
    assert (attempt.edits, attempt.reply) == ((), Reply(250, "ok"))
    # The same list again, for another message: it is whole again.
    fourth = await keep(archive, 4)
    await tried(archive, fourth, own)
    assert [attempt.edits for attempt in (await archive.message(fourth.id)).attempts] == [own]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM content WHERE message_seq = 1",
        "UPDATE edit_list SET data = x''",
        "UPDATE deletion SET reason = 'another'",
        "DELETE FROM deletion",
    ],
)
async def test_the_file_itself_refuses_to_let_go_of_anything_else(url: str, statement: str):
    archive = await open_archive(url)
    kept, gone = await keep(archive, 1), await keep(archive, 2)
    await tried(archive, kept, (Edit(0, 0, b"X: 1\r\n", "trace"),))
    await delete(archive, gone)
    await archive.close()
    database = sqlite3.connect(urlsplit(url).path[1:])
    with pytest.raises(sqlite3.IntegrityError, match="facts are only added"):
        database.execute(statement)
    database.close()


# -- two persons ---------------------------------------------------------------------------------------------------
def a_request(message: Message, by: str = "user:anna") -> tuple[Request, Event]:
    request = Request(new_id(), message.id, NOON, by, "the customer asked")
    return request, Event(new_id(), NOON, Kind.DELETION_ASKED, by, message.id, data={"reason": request.reason})


async def approve(archive: Archive, message: Message, request: Request, by: str) -> tuple[Fate, str]:
    event = deleted_event(message, by, request.reason)
    (outcome,) = await archive.delete_content([Order(message.id, event, (), request.id)])
    return outcome.fate, outcome.words


async def test_a_request_is_approved_by_another_person_only(archive: Archive):
    message = await keep(archive)
    request, event = a_request(message)
    assert await archive.ask_deletion(request, event)
    assert await archive.open_deletion_request(message.id) == request
    fate, words = await approve(archive, message, request, "user:anna")
    assert (fate, words) == (Fate.REFUSED, "Whoever asks for it cannot approve it: another person has to.")
    assert await archive.content(message.id) == TEXT
    assert (await approve(archive, message, request, "user:boss"))[0] is Fate.DELETED
    found = await archive.deletion_request(request.id)
    assert (found.standing, found.decided_by) == (Standing.APPROVED, "user:boss")
    deletion = (await archive.message(message.id)).deletion
    assert deletion is not None
    assert (deletion.asked_by, deletion.by) == ("user:anna", "user:boss")
    assert await archive.open_deletion_request(message.id) is None
    assert await archive.deletion_requests(only_open=True) == []
    assert await archive.deletion_requests(only_open=False) == [found]


async def test_there_is_one_open_request_for_a_message(archive: Archive):
    message = await keep(archive)
    request, event = a_request(message)
    assert await archive.ask_deletion(request, event)
    assert await archive.ask_deletion(request, event)
    other, other_event = a_request(message, "user:ben")
    assert not await archive.ask_deletion(other, other_event)
    assert await archive.deletion_requests(only_open=True) == [request]


async def test_a_refused_request_deletes_nothing_and_is_closed(archive: Archive):
    message = await keep(archive)
    request, event = a_request(message)
    await archive.ask_deletion(request, event)
    refusal = Event(new_id(), NOON + SECOND, Kind.DELETION_REFUSED, "user:boss", message.id)
    assert await archive.refuse_deletion(request.id, "we need it", refusal)
    assert not await archive.refuse_deletion(request.id, "we need it", refusal)
    fate, words = await approve(archive, message, request, "user:boss")
    assert (fate, words) == (Fate.REFUSED, "The request is not open any more.")
    found = await archive.deletion_request(request.id)
    assert (found.standing, found.answer, found.decided_at) == (Standing.REFUSED, "we need it", NOON + SECOND)


async def test_what_is_deleted_cannot_be_asked_for(archive: Archive):
    message = await keep(archive)
    await delete(archive, message)
    request, event = a_request(message)
    assert not await archive.ask_deletion(request, event)


async def test_requests_come_newest_first_in_pages(archive: Archive):
    made: list[Request] = []
    for number in (1, 2, 3):
        request, event = a_request(await keep(archive, number))
        await archive.ask_deletion(request, event)
        made.insert(0, request)
    made.sort(key=lambda one: one.id, reverse=True)
    assert await archive.deletion_requests(only_open=True, limit=2) == made[:2]
    assert await archive.deletion_requests(only_open=True, before=made[1].id) == made[2:]


async def test_a_request_that_is_not_there_is_not_found(archive: Archive):
    with pytest.raises(NotFound):
        await archive.deletion_request(new_id())
    message = await keep(archive)
    with pytest.raises(NotFound):
        await archive.refuse_deletion(new_id(), "", deleted_event(message))


async def test_a_restart_goes_on_with_what_the_search_index_still_knows(url: str):
    archive = await open_archive(url)
    message = await keep(archive)
    await archive.add_summaries([(message.id, SUMMARY)])
    await archive.close()
    # As a kill right after the commit leaves it: deleted, and the merging is still to come.
    database = open_writer(Path(urlsplit(url).path[1:]))
    with database:
        database.execute("BEGIN")
        delete_contents(database, [[Order(message.id, deleted_event(message))]])
    assert scrub.is_due(database)
    database.close()
    assert SECRET.encode() in octets_of(url)
    archive = await open_archive(url)
    await until(lambda: SECRET.encode() not in octets_of(url))
    await archive.close()


async def test_a_bounce_goes_with_the_message_that_it_is_about_also_one_that_comes_later(archive: Archive):
    message, _ = await sent(archive, 1, provider_id="p")
    before, after = a_payload(1), a_payload(2)
    await reported(archive, before, a_report(before, ReportKind.BOUNCED, provider_id="p", bounce=BounceClass.HARD))
    assert (await archive.payload(before.id)).body
    await delete(archive, message)
    assert (await archive.payload(before.id)).body == b""
    await reported(archive, after, a_report(after, ReportKind.COMPLAINED, provider_id="p"))
    assert (await archive.payload(after.id)).body == b""
    assert len(await archive.reports(message.id)) == 2


async def test_a_payload_that_tells_of_others_too_stays(archive: Archive):
    first, _ = await sent(archive, 1, provider_id="p")
    await sent(archive, 2, provider_id="q")
    payload = a_payload(1)
    reports = [a_report(payload, key=key, provider_id=key) for key in ("p", "q")]
    await reported(archive, payload, *reports)
    await delete(archive, first)
    assert (await archive.payload(payload.id)).body == payload.body
