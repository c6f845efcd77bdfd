"""Rules of retention over a real archive: the first that fits decides, holds win, runs are events, the term is kept."""

from __future__ import annotations

from relay.archive.content import stored
from relay.config.retention import Retention
from relay.model.delivery import State
from relay.model.event import Event, Kind
from relay.model.hold import Hold
from relay.model.summary import Summary
from relay.notary.retention import RUN_ASKED, Done, Keeper, run
from tests.support.archive_reports import a_payload, a_report, reported
from tests.support.archive_values import CONTENT, NOON, SECOND, a_message, captured_event, deliveries_of, new_id
from tests.support.fresh import open_archive

DAY = 24 * 3600
RULES = (
    Retention(name="bills", tag=("invoice",), body=0),
    Retention(name="shop", application=("shop",), body=10 * DAY),
)


def later(days: int):
    return lambda: NOON + days * DAY * SECOND


async def keep(archive, number, application, tags=()):
    message = a_message(number, application=application, received_at=NOON)
    await archive.add_message(message, stored(CONTENT), deliveries_of(message, State.SENT), [captured_event(message)])
    await archive.add_summaries([(message.id, Summary(subject="hello", tags=tags))])
    return message.id


async def put_under_a_hold(archive, message_id):
    hold = Hold(new_id(), "Smith", "", NOON, "user:boss")
    await archive.make_hold(hold, Event(new_id(), NOON, Kind.HOLD_MADE, "user:boss", data={"hold": hold.id}))
    placed = Event(new_id(), NOON, Kind.HOLD_PLACED, "user:boss", message_id, data={"hold": hold.id})
    await archive.place_hold(hold.id, [message_id], [placed])
    return hold


async def test_rules_delete_what_is_over_and_nothing_else(tmp_path):
    archive = await open_archive(f"sqlite:///{tmp_path}/data/archive.db")
    gone, held = await keep(archive, 1, "shop"), await keep(archive, 2, "shop")
    others = [await keep(archive, 3, "shop", ("invoice",)), await keep(archive, 4, "crm")]
    await put_under_a_hold(archive, held)
    assert await run(archive, RULES, clock=later(9), new_id=new_id, is_dry=True) == [
        Done("bills", 0, 0),
        Done("shop", 0, 0),
    ]
    dry = await run(archive, RULES, clock=later(10), new_id=new_id, is_dry=True)
    assert dry == [Done("bills", 0, 0), Done("shop", 1, 1)]
    assert (await archive.message(gone)).deletion is None
    keeper = Keeper(RULES, 0, archive=archive, clock=later(10), new_id=new_id)
    await keeper.run_due()
    await keeper.run_due()
    deletion = (await archive.message(gone)).deletion
    assert deletion is not None
    assert (deletion.by, deletion.reason) == ("relay", "retention: shop")
    assert [(await archive.message(one)).deletion for one in (held, *others)] == [None, None, None]
    (told,) = [event for _, event in await archive.events() if event.kind is Kind.RETENTION_RUN]
    nothing = {"deleted": 0, "kept": 0, "erased": 0, "stayed": 0}
    assert told.data == {"rules": {"bills": nothing, "shop": {**nothing, "deleted": 1, "kept": 1}}}
    await archive.close()


async def test_facts_go_when_their_own_time_is_over_and_a_hold_keeps_both(tmp_path):
    archive = await open_archive(f"sqlite:///{tmp_path}/data/archive.db")
    gone, held, other = await keep(archive, 1, "shop"), await keep(archive, 2, "shop"), await keep(archive, 3, "crm")
    await put_under_a_hold(archive, held)
    rules = (Retention(name="shop", application=("shop",), body=10 * DAY, metadata=20 * DAY),)
    for day, done in ((10, Done("shop", 1, 1, 0, 0)), (19, Done("shop", 0, 1, 0, 0)), (20, Done("shop", 0, 1, 1, 1))):
        assert await run(archive, rules, clock=later(day), new_id=new_id, is_dry=True) == [done], day
        assert await run(archive, rules, clock=later(day), new_id=new_id) == [done], day
        deletion = (await archive.message(gone)).deletion
        assert deletion is not None
        assert deletion.erased_at == (NOON + 20 * DAY * SECOND if day == 20 else None)
    assert await run(archive, rules, clock=later(21), new_id=new_id) == [Done("shop", 0, 1, 0, 1)]
    assert [(await archive.message(one)).deletion for one in (held, other)] == [None, None]
    (erased,) = [event for _, event in await archive.events(message_id=gone) if event.kind is Kind.ERASED]
    assert (erased.actor, erased.data["reason"]) == ("relay", "retention: shop")
    await archive.close()


async def test_what_comes_after_the_facts_went_goes_with_the_next_run(tmp_path):
    archive = await open_archive(f"sqlite:///{tmp_path}/data/archive.db")
    rules = (Retention(name="all", body=DAY, metadata=DAY),)
    gone = await keep(archive, 1, "shop")
    await run(archive, rules, clock=later(1), new_id=new_id)
    payload = a_payload(1, body=b"jane@example.com", headers={"X-Of": "jane@example.com"})
    (delivery,) = (await archive.message(gone)).deliveries
    late = a_report(payload, recipient="jane@example.com", delivery_id=delivery.id)
    await reported(archive, payload, late)
    hold = await put_under_a_hold(archive, gone)
    await run(archive, rules, clock=later(2), new_id=new_id)
    (kept,) = await archive.reports(gone)
    assert kept.report.recipient == "jane@example.com"
    await archive.end_hold(hold.id, Event(new_id(), NOON, Kind.HOLD_ENDED, "user:boss", data={"hold": hold.id}))
    await run(archive, rules, clock=later(3), new_id=new_id)
    (kept,) = await archive.reports(gone)
    assert kept.report.recipient == ""
    await archive.close()


async def test_the_configured_term_holds_from_the_start(tmp_path):
    archive = await open_archive(f"sqlite:///{tmp_path}/data/archive.db")
    keeper = Keeper((), 5 * DAY, archive=archive, clock=later(0), new_id=new_id)
    await keeper.start()
    assert await archive.term() == 5 * DAY
    await keeper.use((), 0)
    assert await archive.term() == 0
    await keeper.stop()
    await archive.close()


async def test_a_run_that_a_command_asks_for_is_done_at_once(tmp_path):
    archive = await open_archive(f"sqlite:///{tmp_path}/data/archive.db")
    keeper = Keeper(RULES, 0, archive=archive, clock=later(10), new_id=new_id)
    await keeper.run_due()
    gone = await keep(archive, 1, "shop")
    await keeper.run_asked()
    assert (await archive.message(gone)).deletion is None
    await archive.put_setting(RUN_ASKED, {"by": "command:anna"})
    await keeper.run_asked()
    assert (await archive.message(gone)).deletion is not None
    assert await archive.setting(RUN_ASKED) is None
    await archive.close()
