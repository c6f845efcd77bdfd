"""Each recipient of a tracked message gets a copy of their own, whose tokens exist before it goes out."""

from __future__ import annotations

import re

from relay.archive.api import Archive, StoredMessage
from relay.clock import new_token
from relay.config import Application
from relay.config import Tracking as TrackingTable
from relay.courier.marking import Marking
from relay.model.event import Event, Kind
from relay.model.token import TokenKind
from relay.rendition.edit import splice
from tests.support.dispatch import at_rest, courier_of, message_of, queue, states, upstream_of
from tests.support.upstream import ReceivedMessage, ScriptedUpstream

URL = "https://t.example.org"
CONTENT = (
    b"From: jo@example.com\r\nSubject: x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<body><a href='https://example.com/?a=1&amp;b=2'>x</a></body>\n"
)


def marking(applications: tuple[Application, ...] = (), **table: object) -> Marking:
    return Marking(TrackingTable.model_validate({"url": URL, **table}), applications, new_token)


async def sent(
    archive: Archive, content: bytes, marking: Marking, *recipients: str
) -> tuple[StoredMessage, list[ReceivedMessage]]:
    message = await queue(archive, message_of(content, *recipients), content, due_at=0)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)], marking=marking)
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert set(states(found).values()) == {"sent"}
    return found, upstream.messages


async def reasons(archive: Archive, message_id: str) -> list[str]:
    events: list[Event] = [event for _, event in await archive.events(message_id=message_id)]
    return [reason for event in events if event.kind is Kind.NOT_TRACKED for reason in event.data["reasons"]]


async def test_each_recipient_gets_a_copy_with_tokens_of_their_own(archive: Archive) -> None:
    recipients = ("b@example.com", "c@example.com", "d@example.com")
    found, received = await sent(archive, CONTENT, marking(opens=True, clicks=True), *recipients)
    assert len(received) == 3
    seen: set[str] = set()
    for attempt in found.attempts:
        wire = splice(CONTENT, attempt.edits)
        assert [one.content for one in received].count(wire) == 1
        ids = re.findall(rf"{URL}/[oc]/([\w-]+)".encode(), wire)
        assert len(ids) == 2
        for id in ids:
            token = await archive.tracking_token(id.decode())
            assert token is not None
            assert token.delivery_id == attempt.delivery_id
            assert token.url == ("https://example.com/?a=1&b=2" if token.kind is TokenKind.CLICK else "")
            seen.add(token.id)
    assert len(seen) == 6
    assert await reasons(archive, found.message.id) == []


async def test_a_message_without_tracking_is_one_copy_for_all(archive: Archive) -> None:
    _, received = await sent(archive, CONTENT, marking(), "b@example.com", "c@example.com")
    assert len(received) == 1
    assert URL.encode() not in received[0].content


async def test_why_nothing_was_tracked_is_written_down_once_and_all_share_a_copy(archive: Archive) -> None:
    content = b"X-Mailwitness-Track: opens\r\nDKIM-Signature: v=1\r\n" + CONTENT.replace(b"\n", b"\r\n").replace(
        b"\r\r", b"\r"
    )
    found, received = await sent(archive, content, marking(), "b@example.com", "c@example.com")
    assert len(received) == 1
    assert await reasons(archive, found.message.id) == ["left alone: it is already signed (DKIM-Signature)"]


async def test_an_application_has_settings_and_an_address_of_its_own(archive: Archive) -> None:
    message = message_of(CONTENT)
    own = Application(name=message.application, opens=True, tracking_url="https://own.example/")
    _, received = await sent(archive, CONTENT, marking((own,), clicks=True))
    assert b"https://own.example/o/" in received[0].content
    assert b"https://own.example/c/" in received[0].content
    nowhere = own.model_copy(update={"tracking_url": ""})
    _, received = await sent(archive, CONTENT, marking((nowhere,), url=""))
    assert b"<img" not in received[0].content


async def test_tracking_that_fails_sends_the_original_and_says_so(archive: Archive) -> None:
    broken = Marking(TrackingTable(url=URL, opens=True), (), lambda: "not fit for a URL")
    found, received = await sent(archive, CONTENT, broken)
    assert b"<img" not in received[0].content
    (reason,) = await reasons(archive, found.message.id)
    assert reason.startswith("left alone: tracking failed: ValueError")


async def test_a_survey_that_fails_is_a_reason() -> None:
    broken = Marking(TrackingTable.model_construct(url="no address", opens=True), (), new_token)
    found = broken.survey(message_of(CONTENT), CONTENT)
    assert found is not None
    assert not found.pages
    assert found.skipped[0].startswith("left alone: tracking failed: ValueError")
