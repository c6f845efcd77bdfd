"""The port for return paths: only what we gave out a token for comes in, kept before the 250, and read then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from relay.archive.api import Archive, ArchiveUnavailable
from relay.archive.api.report import Keeping
from relay.archive.content import stored
from relay.arrivals import Arrivals
from relay.config import Bounces, Config
from relay.feedback.inbound import SOURCE
from relay.feedback.mapping import Mapper
from relay.feedback.returned.reports import read_returned
from relay.model.bounce import BounceClass
from relay.model.delivery import State
from relay.model.event import Grade
from relay.model.report import Payload
from relay.model.suppressing import SuppressionRules
from relay.model.token import Token, TokenKind
from tests.support.archive_values import (
    CONTENT,
    NOON,
    SECOND,
    a_message,
    an_attempt,
    captured_event,
    deliveries_of,
    new_id,
)
from tests.support.exactclient import ExactClient
from tests.support.failing_archive import FailingArchive
from tests.support.reported import LONG_AFTER, Sent, finish, states
from tests.support.returned_mail import report, status_of

TOKEN = "abcdefghijklmnopqrstuvwxyz"
PATH = f"bounces+{TOKEN}@bounces.example.com"
NOW = NOON + 3600 * SECOND


def configured(**more: object) -> Config:
    return Config(bounces=Bounces(domain="bounces.example.com", listen=True, port=0, **more))  # type: ignore[arg-type]


async def sent_with_token(archive: Archive, *recipients: str) -> Sent:
    message = a_message(1, recipients=recipients or ("jo@example.net",))
    await archive.add_message(message, stored(CONTENT), deliveries_of(message), [captured_event(message)])
    claims = await archive.claim("me", message.received_at, LONG_AFTER, 100)
    deliveries = tuple(delivery for claim in claims for delivery in claim.deliveries)
    token = Token(TOKEN, deliveries[0].id, message.id, TokenKind.RETURN, NOON)
    other = Token("z" * 26, deliveries[0].id, message.id, TokenKind.OPEN, NOON)
    await archive.begin_attempts([an_attempt(delivery) for delivery in deliveries], [token, other])
    sent = Sent(message.id, deliveries)
    await finish(archive, sent, None)
    return sent


@dataclass
class House:
    arrivals: Arrivals
    mapper: Mapper

    async def client(self) -> ExactClient:
        return await ExactClient.connect("127.0.0.1", self.arrivals.bound[0].port)


@asynccontextmanager
async def house(archive: Archive, config: Config | None = None) -> AsyncIterator[House]:
    mapper = Mapper(
        archive, readers={SOURCE: read_returned}, rules=SuppressionRules(), clock=lambda: NOW, new_id=new_id
    )
    arrivals = Arrivals(archive, clock=lambda: NOW, new_id=new_id, kept=mapper.wake)
    await arrivals.use(config or configured(), "mx.shop.example")
    mapper.start()
    try:
        yield House(arrivals, mapper)
    finally:
        await arrivals.stop(1.0)
        await mapper.stop(10)


async def reach(archive: Archive, sent: Sent, state: State) -> None:
    async with asyncio.timeout(10):
        while await states(archive, sent) != [state]:
            await asyncio.sleep(0.005)


async def test_a_bounce_to_a_return_path_makes_its_delivery_bounced(archive: Archive) -> None:
    sent = await sent_with_token(archive)
    async with house(archive) as running:
        client = await running.client()
        code, _ = await client.transaction("", [PATH], report(status_of()))
        assert code == 250
        await reach(archive, sent, State.BOUNCED)
        await client.quit()
    [found] = await archive.reports(sent.message_id)
    assert found.source == SOURCE
    assert found.grade is Grade.UNSIGNED
    assert found.report.bounce is BounceClass.HARD
    assert found.report.status == "5.1.1"
    payload = await archive.payload(found.report.payload_id)
    assert payload.body == report(status_of())
    assert payload.return_token == TOKEN


async def test_the_letter_case_of_the_return_path_does_not_matter(archive: Archive) -> None:
    sent = await sent_with_token(archive)
    async with house(archive) as running:
        client = await running.client()
        code, _ = await client.transaction("", [PATH.upper()], report(status_of()))
        assert code == 250
        await reach(archive, sent, State.BOUNCED)
        client.close()


@pytest.mark.parametrize(
    "address",
    [
        "bounces+aaaaaaaaaaaaaaaaaaaaaaaaaa@bounces.example.com",
        f"bounces+{'z' * 26}@bounces.example.com",
        "bounces@bounces.example.com",
        "postmaster@bounces.example.com",
        f"bounces+{TOKEN}@elsewhere.example",
        f"other+{TOKEN}@bounces.example.com",
        "someone@example.org",
    ],
)
async def test_mail_for_anything_but_a_token_of_ours_is_refused(archive: Archive, address: str) -> None:
    await sent_with_token(archive)
    async with house(archive) as running:
        client = await running.client()
        await client.command("MAIL FROM:<>", 250)
        text = await client.command(f"RCPT TO:<{address}>", 550)
        assert text.startswith("5.1.1")
        await client.command("DATA", 503)
        client.close()
    assert await archive.unmapped(10) == []


async def test_nobody_can_sign_in_and_nobody_can_relay(archive: Archive) -> None:
    async with house(archive) as running:
        client = await running.client()
        await client.send(b"AUTH PLAIN AGEAYg==\r\n")
        assert (await client.reply())[0] in (502, 503, 504)
        await client.command("MAIL FROM:<friend@example.org>", 250)
        await client.command("RCPT TO:<victim@example.net>", 550)
        client.close()


async def test_a_mail_beyond_the_size_limit_is_refused_and_not_kept(archive: Archive) -> None:
    await sent_with_token(archive)
    async with house(archive, configured(max_size=2000)) as running:
        client = await running.client()
        code, text = await client.transaction("", [PATH], report(status_of(), text="x" * 70 + "\r\n" * 2000))
        assert (code, text.split(" ")[0]) == (552, "5.3.4")
        client.close()
    assert await archive.unmapped(10) == []


async def test_the_same_bounce_twice_counts_once(archive: Archive) -> None:
    sent = await sent_with_token(archive)
    async with house(archive) as running:
        client = await running.client()
        for _ in range(2):
            code, _ = await client.transaction("", [PATH], report(status_of()))
            assert code == 250
        await reach(archive, sent, State.BOUNCED)
        client.close()
    assert len(await archive.reports(sent.message_id)) == 1


class FullArchive:
    """The real archive, on a disk without space for payloads."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def __getattr__(self, name: str) -> Any:
        return getattr(self._archive, name)

    async def add_payload(self, payload: Payload) -> Keeping:
        raise ArchiveUnavailable("no space left", is_full=True)


@pytest.mark.parametrize(
    ("how", "reply"), [("lost", (451, "4.3.0")), ("broken", (451, "4.3.0")), ("full", (452, "4.3.1"))]
)
async def test_what_cannot_be_kept_is_not_answered_250(archive: Archive, how: str, reply: tuple[int, str]) -> None:
    sent = await sent_with_token(archive)
    failing: Any = FullArchive(archive) if how == "full" else FailingArchive(archive, {"add_payload": [how]})
    async with house(failing) as running:
        client = await running.client()
        code, text = await client.transaction("", [PATH], report(status_of()))
        assert (code, text.split(" ")[0]) == reply
        if how != "full":
            code, _ = await client.transaction("", [PATH], report(status_of()))
            assert code == 250
            await reach(archive, sent, State.BOUNCED)
        client.close()


async def test_a_port_that_is_taken_is_an_error_of_the_start(archive: Archive) -> None:
    async with house(archive) as running:
        taken = Config(bounces=Bounces(domain="b.example", listen=True, port=running.arrivals.bound[0].port))
        other = Arrivals(archive, clock=lambda: NOW, new_id=new_id, kept=lambda: None)
        with pytest.raises(OSError, match="in use"):
            await other.use(taken, "mx.shop.example")
        await other.stop(0)


async def test_a_reload_takes_another_domain_and_closes_the_port_when_it_is_switched_off(archive: Archive) -> None:
    await sent_with_token(archive)
    async with house(archive) as running:
        port = running.arrivals.bound[0].port
        other = Config(bounces=Bounces(domain="other.example", listen=True, port=0))
        await running.arrivals.use(other, "mx.shop.example")
        assert running.arrivals.bound[0].port == port
        client = await running.client()
        await client.command("MAIL FROM:<>", 250)
        await client.command(f"RCPT TO:<{PATH}>", 550)
        await client.command(f"RCPT TO:<bounces+{TOKEN}@other.example>", 250)
        client.close()
        await running.arrivals.use(Config(), "mx.shop.example")
        assert running.arrivals.bound == []
