"""Before a message is sent again its page tells who has it, who may have it, and who wants no more."""

from __future__ import annotations

import html

from relay.archive.api import Closing
from relay.model.delivery import Attempt, Outcome, RetrySchedule, State, after
from relay.model.event import Event, Grade, Kind
from relay.model.reply import Reply, local_reply
from relay.model.report import Payload, Report, ReportKind
from relay.model.suppressing import NO_RULES
from relay.model.switch import Pause, Switches
from tests.support.viewer_house import SECOND, House

FOUR = ("ann@example.org", "bob@example.org", "cleo@example.org", "dan@example.org")
SCHEDULE = RetrySchedule((60 * SECOND,), 60 * SECOND, 3600 * SECOND)


async def attempted(house: House, message_id: str, number: int, reply: Reply, *, is_uncertain: bool = False) -> str:
    """An attempt at the delivery with that number; its id."""
    delivery = (await house.archive.message(message_id)).deliveries[number]
    now = house.clock()
    attempt = Attempt(house.new_id(), delivery.id, message_id, 1, "provider", now, (), bytes(32), 100)
    await house.archive.begin_attempts([attempt])
    done, kind = after(delivery, Outcome(reply, is_uncertain), now, SCHEDULE, retry_unconfirmed=False)
    closed = Attempt(
        attempt.id, delivery.id, message_id, 1, "provider", now, (), bytes(32), 100, now, reply, is_uncertain
    )
    event = Event(house.new_id(), now, kind, "upstream:provider", message_id, delivery.id, Grade.PEER)
    await house.archive.finish_attempts([Closing(closed, done, event)])
    return delivery.id


async def reported(house: House, delivery_id: str, kind: ReportKind) -> None:
    now = house.clock()
    payload = Payload(house.new_id(), now, "webhook:ses", Grade.SIGNED, "signature verified", {}, kind.encode())
    await house.archive.add_payload(payload)
    report = Report(house.new_id(), payload.id, now, kind, house.new_id(), delivery_id=delivery_id)
    await house.archive.add_reports(payload.id, [report], NO_RULES)


async def test_each_recipient_comes_with_what_is_known(house: House) -> None:
    message = await house.add(recipients=FOUR, state=State.QUEUED)
    ok, lost = Reply(250, "Ok", "2.0.0"), local_reply(451, "4.4.2", "lost")
    delivered = await attempted(house, message, 0, ok)
    await attempted(house, message, 1, lost, is_uncertain=True)
    complained = await attempted(house, message, 2, ok)
    await reported(house, delivered, ReportKind.DELIVERED)
    await reported(house, complained, ReportKind.COMPLAINED)
    pause = Pause("ann", house.clock(), "")
    event = Event(house.new_id(), house.clock(), Kind.PAUSED, "user:ann")
    await house.archive.put_switches(Switches(paused=pause), event, Switches())
    client = await house.client("operator")
    async with client.get(f"/messages/{message}/resend") as answer:
        page = html.unescape(await answer.text())
    assert "has it: sent on 24 Nov 2026" in page
    assert "reported delivered by webhook ses" in page
    assert "may have it already: the answer was lost on 24 Nov 2026" in page
    assert "1 recipient may already have it" in page
    assert "on its way already" in page
    assert "complained" in page
    assert "All sending is paused. What you send again waits" in page
    ticked = [address for address in FOUR if f'value="{address}" checked' in page]
    assert ticked == ["bob@example.org", "dan@example.org"]
