"""Rows of the tables of which no signed evidence tells: what programs and people keep, and what waits."""

from __future__ import annotations

from dataclasses import replace

from relay.archive.api import Archive
from relay.archive.api.idempotency import Claim
from relay.archive.api.sign_in import WebSession
from relay.archive.api.view import View
from relay.archive.content import stored
from relay.model.delivery import Delivery
from relay.model.event import Event, Kind
from relay.model.fetch import Fetch, Verdict
from relay.model.notification import Notification
from relay.model.token import Token, TokenKind
from tests.support.archive_values import NOON, SECOND, a_message, captured_event, deliveries_of, make_id, new_id

DAY = 86_400 * SECOND


def tokens_for(delivery: Delivery) -> list[Token]:
    of = delivery.id, delivery.message_id
    return [
        Token("pixel-token", *of, TokenKind.OPEN, NOON, part=2),
        Token("link-token", *of, TokenKind.CLICK, NOON, "https://a.example/?q=ü&x=1", 2),
    ]


async def add_fetches(archive: Archive) -> None:
    fetch = Fetch(
        id=make_id(1, 9000),
        token_id="pixel-token",
        at=NOON + SECOND,
        method="GET",
        address="192.0.2.0",
        user_agent="Mozilla/5.0 (X11; Linux)",
        verdict=Verdict.HUMAN,
        reason="nothing speaks against it",
        rules_version=1,
        signals=(("Sec-Purpose", "prefetch"),),
        network="Acme",
    )
    later = replace(fetch, id=make_id(2, 9000), token_id="link-token", at=NOON + 2 * SECOND, verdict=Verdict.SCANNER)
    await archive.add_fetches([fetch, later])


async def add_own(archive: Archive, *deliveries: Delivery) -> None:
    """What Ann keeps, what her browsers and the programs are known by, and what these are to be told."""
    await archive.put_preference("ann", "columns", ["to", "subject"])
    await archive.put_preference("ann", "zone", "UTC")
    for number, name in enumerate(("Late", "Ärger"), 1):
        await archive.put_view(View(make_id(number, 7000), "ann", name, False, "status:failed", "-date", "", ()))
        session = WebSession(
            bytes([number]) * 32, "ann", NOON, NOON + DAY, "192.0.2.1", user_agent="x", method="password"
        )
        await archive.add_session(session, Event(new_id(), NOON, Kind.SIGNED_IN, "user:ann"))
        claim = Claim("shop", f"order-{number}", bytes([number]) * 32, make_id(number), NOON)
        await archive.claim_key(claim, forget_before=0)
    await archive.earlier_copies(b"print" * 4, "shop", deliveries, window=DAY, now=NOON)
    await archive.use_endpoints({"crm": "https://crm.example/", "tickets": "https://tickets.example/"})
    told = [Notification(make_id(number, 8000), "crm", number, NOON, NOON, due_at=NOON) for number in (1, 2)]
    await archive.add_notifications(told, {"crm": 2})


async def add_waiting(archive: Archive, number: int) -> None:
    """A message that the indexer has not reached, of another day."""
    message = replace(a_message(number), received_at=NOON + 3 * DAY)
    content = stored(b"Subject: Waiting\r\n\r\nStill.\r\n")
    message = replace(message, size=content.size, sha256=content.sha256)
    await archive.add_message(message, content, deliveries_of(message), [captured_event(message)])
