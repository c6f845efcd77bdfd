"""A recipient's timeline: who reported what, when it happened and was heard; what came, as text and nothing else."""

from __future__ import annotations

import html
from dataclasses import replace

from relay.archive.content import stored
from relay.model.bounce import BounceClass
from relay.model.delivery import State
from relay.model.event import Grade, Kind
from relay.model.message import Recipient
from relay.model.report import Payload, Report, ReportKind
from relay.model.suppressing import NO_RULES
from tests.support.viewer_house import LETTER, SECOND, House

DIAGNOSTIC = "smtp; 550 5.1.1 <ann@example.org>: " + "very long " * 200 + "the end"
BODY = b'{"note": "<script>alert(1)</script>", "raw": "\xff\x00"}\r\n'


async def report(house: House, delivery_id: str, kind: ReportKind, **fields: object) -> str:
    """A payload with one report about the delivery; the payload's id."""
    now = house.clock()
    verdict = "returned to our own return path"
    payload = Payload(house.new_id(), now, "bounce", Grade.UNSIGNED, verdict, {"MAIL FROM": "<>"}, kind.encode() + BODY)
    await house.archive.add_payload(payload)
    made = Report(house.new_id(), payload.id, now - 60 * SECOND, kind, house.new_id(), delivery_id=delivery_id)
    await house.archive.add_reports(payload.id, [replace(made, **fields)], NO_RULES)  # type: ignore[arg-type]
    return payload.id


async def page(house: House, path: str, status: int = 200, role: str = "auditor") -> str:
    async with (await house.client(role)).get(path) as answer:
        assert answer.status == status
        return await answer.text()


async def test_each_report_says_who_when_and_what_untruncated(house: House) -> None:
    message = await house.add(state=State.SENT)
    (delivery,) = (await house.archive.message(message)).deliveries
    for kind in (ReportKind.ACCEPTED, ReportKind.DELAYED, ReportKind.RELAYED, ReportKind.EXPANDED):
        await report(house, delivery.id, kind)
    payload = await report(
        house,
        delivery.id,
        ReportKind.BOUNCED,
        bounce=BounceClass.HARD,
        status="5.1.1",
        diagnostic=DIAGNOSTIC,
        explanation="There is no such mailbox.",
        action="Ask for the right address.",
    )
    shown = html.unescape(await page(house, f"/messages/{message}"))
    for text in (
        "Accepted: the provider reports that it has it",
        "Delayed: reported as still being tried",
        "Relayed: passed on to a server that reports nothing",
        "Expanded: passed on to the members of a list",
        "Bounced, hard: no such mailbox or domain, a returned mail (D)",
        "What to do: Ask for the right address.",
        DIAGNOSTIC,
        "returned to our own return path",
        "we heard of it",
        f'href="/payloads/{payload}"',
    ):
        assert text in shown


async def test_what_came_is_shown_as_text_and_can_be_taken_away_octet_for_octet(house: House) -> None:
    message = await house.add(state=State.SENT)
    (delivery,) = (await house.archive.message(message)).deliveries
    payload = await report(house, delivery.id, ReportKind.DELIVERED)
    shown = await page(house, f"/payloads/{payload}")
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "MAIL FROM" in shown
    async with (await house.client("auditor")).get(f"/payloads/{payload}/body") as answer:
        assert await answer.read() == b"delivered" + BODY
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    (event,) = [one for one in await house.events(Kind.DOWNLOADED) if one.data.get("what") == "payload"]
    assert event.actor == "user:auditor"
    await page(house, f"/payloads/{house.new_id()}", 404)


async def test_a_redirected_message_names_the_recipient_it_was_for(house: House) -> None:
    kept = await house.add(state=State.CAPTURED)
    (delivery,) = (await house.archive.message(kept)).deliveries
    other = replace((await house.archive.message(kept)).message, id=house.new_id())
    redirected = replace(
        delivery,
        id=house.new_id(),
        message_id=other.id,
        recipient=Recipient("test@shop.example.com"),
        original="ann@example.org",
        state=State.SENT,
    )
    await house.archive.add_message(other, stored(LETTER), [redirected], [house.event()])
    shown = await page(house, f"/messages/{other.id}")
    assert "test@shop.example.com" in shown
    assert "The message was for <b>ann@example.org</b>; it was redirected." in shown


async def test_what_waits_is_acted_on_beside_its_story(house: House) -> None:
    message = await house.add(state=State.QUEUED)
    (delivery,) = (await house.archive.message(message)).deliveries
    shown = await page(house, f"/messages/{message}", role="operator")
    for name in ("retry", "reroute", "cancel"):
        assert f'value="{name}:{delivery.id}"' in shown
    assert "Waits: due; waits for its turn." in shown
    assert 'name="only"' not in await page(house, f"/messages/{message}")
