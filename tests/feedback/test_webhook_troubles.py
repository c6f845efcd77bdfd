"""`/hooks/NAME` with slow senders, an archive that fails, and a network that must not be asked too early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from pydantic import SecretStr

from relay.archive.api import Archive
from relay.config import WebhookSource
from tests.support.failing_archive import FailingArchive
from tests.support.hook_place import DELIVERED, Place, place
from tests.support.hooks import (
    CERTIFICATE_URL,
    JSON,
    SUBSCRIBE_URL,
    Post,
    Web,
    certificate,
    iso,
    post,
    sns_confirmation,
    sns_message,
    tables,
)
from tests.support.waiting import until


@pytest.fixture
async def at(archive: Archive) -> AsyncIterator[Place]:
    async with place(archive) as opened:
        yield opened


# -- slow and broken senders ---------------------------------------------------------------------------------
async def test_a_body_that_drips_is_answered_408(archive: Archive):
    async with place(archive, body_deadline=0.2) as at:
        reader, writer = await asyncio.open_connection(*at.beacon.bound)
        writer.write(b"POST /hooks/brevo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: 100\r\n\r\n{")
        async with asyncio.timeout(10):
            assert b" 408 " in await reader.readline()
        writer.close()


async def test_too_many_bodies_at_a_time_are_answered_503(archive: Archive):
    async with place(archive, at_a_time=1) as at:
        reader, writer = await asyncio.open_connection(*at.beacon.bound)
        writer.write(b"POST /hooks/brevo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: 100\r\n\r\n{")
        await writer.drain()
        hooks = cast(Any, at.beacon)._hooks
        await until(lambda: hooks._bodies.total() == 1)
        assert (await at.send("brevo", post("brevo", {})))[0] == 503
        writer.close()
        await until(lambda: not hooks._bodies)
        assert (await at.send("brevo", post("brevo", {})))[0] == 200
        assert reader is not None


@pytest.mark.parametrize("how", ["lost", "broken"])
async def test_what_cannot_be_kept_is_answered_503_and_taken_the_next_time(archive: Archive, how: str):
    failing = FailingArchive(archive, {"add_payload": [how]})
    async with place(archive, store=failing) as at:
        given = post("mailgun", DELIVERED["mailgun"])
        assert [(await at.send("mailgun", given))[0] for _ in range(2)] == [503, 200]


async def test_what_was_kept_though_the_answer_was_lost_is_taken_the_next_time(archive: Archive):
    failing = FailingArchive(archive, {"add_payload": ["done"]})
    async with place(archive, store=failing) as at:
        given = post("mailgun", DELIVERED["mailgun"])
        assert [(await at.send("mailgun", given))[0] for _ in range(2)] == [503, 200]
        assert await at.count() == 1


# -- fetching ------------------------------------------------------------------------------------------------
def signed_by_us(**changed: Any) -> Post:
    return post("ses", sns_message(DELIVERED["ses"], **changed))


EVIL = "https://127.0.0.1:1/SimpleNotificationService-0.pem"


@pytest.mark.parametrize(
    "given",
    [
        signed_by_us(TopicArn="arn:aws:sns:eu-central-1:999999999999:theirs"),
        signed_by_us(SigningCertURL=EVIL),
        signed_by_us(SignatureVersion="1"),
        signed_by_us(Timestamp=iso(-9000)),
        signed_by_us(
            SigningCertURL="https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-0.pem"
        ),
        post("ses", sns_confirmation(SigningCertURL=EVIL, SubscribeURL=EVIL)),
        post("ses", sns_confirmation(TopicArn="arn:aws:sns:eu-central-1:999999999999:theirs")),
        Post(b"{}", JSON),
        Post(b"[" * 9000, JSON),
    ],
)
async def test_nothing_is_fetched_for_a_request_that_is_not_of_our_topic_and_provider(at: Place, given: Post):
    status, _ = await at.send("ses", given)
    assert status in (400, 403)
    assert at.web.fetched == []
    assert await at.count() == 0


async def test_a_forged_message_has_the_certificate_fetched_and_nothing_else(at: Place):
    given = post("ses", sns_confirmation(), is_forged=True)
    assert (await at.send("ses", given))[0] == 403
    assert at.web.fetched == [CERTIFICATE_URL]
    assert await at.count() == 0


async def test_the_certificate_is_fetched_once(at: Place):
    for number in range(3):
        given = signed_by_us(MessageId=f"number {number}")
        assert (await at.send("ses", given))[0] == 200
    assert at.web.fetched == [CERTIFICATE_URL]


async def test_a_subscription_is_confirmed_after_it_was_verified_and_kept(at: Place):
    assert (await at.send("ses", post("ses", sns_confirmation())))[0] == 200
    assert at.web.fetched == [CERTIFICATE_URL, SUBSCRIBE_URL]
    assert await at.count() == 1


async def test_a_subscription_to_another_place_is_not_confirmed(at: Place):
    for url in (EVIL, "https://sns.eu-central-1.amazonaws.com/?Action=DeleteTopic&TopicArn=x"):
        assert (await at.send("ses", post("ses", sns_confirmation(SubscribeURL=url))))[0] == 403
    assert at.web.fetched == [CERTIFICATE_URL]
    assert await at.count() == 0


async def test_a_certificate_that_cannot_be_had_is_answered_503_and_asked_for_again(archive: Archive):
    async with place(archive, web=Web({})) as at:
        assert (await at.send("ses", signed_by_us()))[0] == 503
        at.web.pages[CERTIFICATE_URL] = certificate()
        assert (await at.send("ses", signed_by_us()))[0] == 200
        assert at.web.fetched == [CERTIFICATE_URL] * 2


async def test_a_confirmation_that_fails_is_answered_503_and_tried_again(archive: Archive):
    async with place(archive, web=Web({CERTIFICATE_URL: certificate()})) as at:
        given = post("ses", sns_confirmation())
        assert (await at.send("ses", given))[0] == 503
        at.web.pages[SUBSCRIBE_URL] = b"<xml/>"
        assert (await at.send("ses", given))[0] == 200
        assert at.web.fetched == [CERTIFICATE_URL, SUBSCRIBE_URL, SUBSCRIBE_URL]


async def test_other_tables_hold_at_once(at: Place):
    given = post("resend", DELIVERED["resend"])
    hooks = cast(Any, at.beacon)._hooks
    hooks.use({"resend": WebhookSource(key=SecretStr("whsec_YW5vdGhlciBzZWNyZXQgb2YgdHdlbnR5"))})
    assert (await at.send("resend", given))[0] == 403
    hooks.use(tables())
    assert (await at.send("resend", given))[0] == 200
