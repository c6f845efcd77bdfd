from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from relay.archive.api import Archive
from relay.archive.content import stored
from relay.archive.query import Query
from relay.config import Alert
from relay.model.alert import CALM, Rule
from relay.model.delivery import State
from relay.model.event import Event, Kind
from relay.model.upstream import Health, UpstreamState
from relay.watch import SETTING, Watch
from tests.support.archive_values import CONTENT, NOON, SECOND, a_message, deliveries_of, new_id
from tests.support.fresh import open_archive

HOUR = 3600 * SECOND


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    opened = await open_archive(f"sqlite:///{tmp_path}/archive.db")
    yield opened
    await opened.close()


class Place:
    """A watch whose clock the test turns."""

    def __init__(self, archive: Archive, *rules: Alert, can_send: bool = True) -> None:
        self.now = NOON + HOUR
        self.states: Sequence[UpstreamState] = ()
        self.archive = archive
        self.watch = Watch(
            rules,
            archive=archive,
            clock=lambda: self.now,
            new_id=new_id,
            upstream_states=lambda: self.states,
            hostname="mail.example.com",
            can_send=can_send,
        )

    async def told(self) -> list[tuple[Kind, str]]:
        await self.watch.look()
        events = [event for _, event in await self.archive.events(limit=1000)]
        return [(event.kind, str(event.data["words"])) for event in events if event.kind.value.startswith("alert")]


async def send(archive: Archive, count: int, state: State, first: int = 1, application: str = "shop") -> None:
    for number in range(first, first + count):
        message = a_message(number, application=application)
        await archive.add_message(message, stored(CONTENT), deliveries_of(message, state), [])


async def test_a_bounce_rate_is_raised_and_over_and_a_restart_tells_nothing_twice(archive: Archive):
    rule = Alert(name="bounces", rule=Rule.BOUNCE_RATE, application="shop", window=7200, at_least=10)
    place = Place(archive, rule)
    await send(archive, 9, State.SENT)
    await send(archive, 1, State.BOUNCED, 10)
    await send(archive, 50, State.SENT, 100, "other")
    raised = (Kind.ALERT_RAISED, "10.0 % of 10 deliveries of shop in 2 h bounced; the limit is 5 %")
    assert await place.told() == [raised]
    assert await place.told() == [raised]
    again = Place(archive, rule)
    assert await again.told() == [raised]
    await send(archive, 90, State.DELIVERED, 200)
    assert await again.told() == [raised]
    again.now += CALM
    assert (await again.told())[1][0] is Kind.ALERT_CLEARED
    assert await archive.setting(SETTING) == {}


async def test_a_rate_of_few_deliveries_says_nothing(archive: Archive):
    place = Place(archive, Alert(name="bounces", rule=Rule.BOUNCE_RATE, window=7200))
    await send(archive, 19, State.BOUNCED)
    assert await place.told() == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Alert(name="a", rule=Rule.FAILURE_RATE, at_least=1, window=7200), "100.0 % of 3 deliveries in 2 h failed"),
        (Alert(name="a", rule=Rule.QUEUE_AGE, window=60), "The oldest waiting delivery has waited for 59 min"),
        (Alert(name="a", rule=Rule.SILENCE, window=60, application="shop"), "No mail of shop for 59 min"),
        (Alert(name="a", rule=Rule.SILENCE, window=60), "No mail for 59 min"),
        (Alert(name="a", rule=Rule.UPSTREAM_DOWN), "Cannot be reached: ses"),
        (Alert(name="a", rule=Rule.SIGN_IN_FAILURES, above=2, window=7200), "More than 2 sign-ins refused in 2 h"),
    ],
)
async def test_each_rule_says_what_it_sees(archive: Archive, rule: Alert, words: str):
    place = Place(archive, rule)
    await send(archive, 3, State.FAILED, 50)
    await send(archive, 1, State.QUEUED, 55)
    place.states = [UpstreamState("ses", Health.RESTING, NOON), UpstreamState("own", Health.UP, NOON)]
    refused = [Event(new_id(), NOON, Kind.SIGN_IN_REFUSED, "relay") for _ in range(3)]
    await archive.add_events(refused)
    ((kind, told),) = await place.told()
    assert kind is Kind.ALERT_RAISED
    assert told.startswith(words)


async def test_nothing_is_raised_in_an_empty_house(archive: Archive):
    rules = [Alert(name=rule.value, rule=rule, at_least=1, above=1) for rule in Rule]
    assert await Place(archive, *rules).told() == []


async def test_a_mail_goes_to_whom_the_rule_names_and_no_bounce_of_it_comes_back(archive: Archive):
    rule = Alert(name="quiet", rule=Rule.SILENCE, window=60, mail_to=("ops@example.com",))
    place = Place(archive, rule)
    await send(archive, 1, State.SENT)
    await place.told()
    (row,) = await archive.newer((await _everything()), 1, 10)
    kept = await archive.message(row.id)
    content = (await archive.content(row.id)).decode()
    assert kept.message.envelope.sender == ""
    assert [one.recipient.address for one in kept.deliveries] == ["ops@example.com"]
    assert kept.deliveries[0].state is State.QUEUED
    assert "Subject: Alert: quiet\r\n" in content
    assert "Auto-Submitted: auto-generated\r\n" in content
    assert "No mail for 60 min." in content


async def test_where_nothing_can_be_sent_the_mail_is_captured(archive: Archive):
    rule = Alert(name="quiet", rule=Rule.SILENCE, window=60, mail_to=("ops@example.com",))
    place = Place(archive, rule, can_send=False)
    await send(archive, 1, State.SENT)
    await place.told()
    (row,) = await archive.newer((await _everything()), 1, 10)
    assert dict(row.states) == {State.CAPTURED: 1}


async def test_the_alert_of_a_rule_that_is_gone_is_over(archive: Archive):
    place = Place(archive, Alert(name="quiet", rule=Rule.SILENCE, window=60))
    await send(archive, 1, State.SENT)
    await place.told()
    place.watch.use((), hostname="mail.example.com", can_send=True)
    assert [kind for kind, _ in await place.told()] == [Kind.ALERT_RAISED, Kind.ALERT_CLEARED]


async def test_it_looks_by_itself_until_it_is_stopped(archive: Archive):
    place = Place(archive, Alert(name="quiet", rule=Rule.SILENCE, window=60))
    await send(archive, 1, State.SENT)
    place.watch.start()
    await place.watch.stop()
    await Place(archive).watch.stop()


async def _everything() -> Query:

    return Query()
