"""What people may do with a delivery of the queue, state by state."""

from __future__ import annotations

import pytest

from relay.model.delivery import Delivery, State
from relay.model.event import Kind
from relay.model.message import Mode, Recipient
from relay.model.operation import Operated, Refusal, cancel, reject, release, reroute, retry_now
from relay.model.switch import Pause, Switches

NOW = 1000


def in_state(state: State, due_at: int | None = 5000) -> Delivery:
    return Delivery("d", "m", Recipient("b@example.com"), state, 1, due_at=due_at, why="because", lane="r")


def told(operated: Operated) -> tuple[State, int | None, Kind]:
    assert not isinstance(operated, Refusal)
    delivery, kind = operated
    assert delivery.why != "because"
    return delivery.state, delivery.due_at, kind


@pytest.mark.parametrize("state", [State.QUEUED, State.DEFERRED, State.UNCONFIRMED])
def test_what_waits_is_tried_now_or_by_another_upstream(state: State) -> None:
    assert told(retry_now(in_state(state), NOW)) == (state, NOW, Kind.RETRIED)
    assert told(retry_now(in_state(state, None), NOW)) == (state, NOW, Kind.RETRIED)
    operated = reroute(in_state(state), NOW, "b")
    assert told(operated) == (state, NOW, Kind.REROUTED)
    assert not isinstance(operated, Refusal)
    assert (operated[0].wanted_upstream, operated[0].lane) == ("b", ">b")
    back = reroute(operated[0], NOW, None)
    assert not isinstance(back, Refusal)
    assert (back[0].wanted_upstream, back[0].lane) == (None, None)


def test_cancelling_does_not_hide_that_something_may_have_been_sent() -> None:
    assert told(cancel(in_state(State.DEFERRED))) == (State.CANCELLED, None, Kind.CANCELLED)
    assert told(cancel(in_state(State.UNCONFIRMED))) == (State.UNCONFIRMED, None, Kind.CANCELLED)
    assert isinstance(cancel(in_state(State.UNCONFIRMED, None)), Refusal)


def test_what_is_held_is_released_or_rejected_and_never_before_its_time() -> None:
    held = in_state(State.HELD, None)
    assert told(release(held, NOW, 10)) == (State.QUEUED, NOW, Kind.QUEUED)
    later = release(in_state(State.HELD), NOW, 10)
    assert told(later) == (State.QUEUED, 5000, Kind.QUEUED)
    assert not isinstance(later, Refusal)
    assert later[0].expires_at == 5010
    assert told(reject(held)) == told(cancel(held)) == (State.CANCELLED, None, Kind.CANCELLED)
    rerouted = reroute(held, NOW, "b")
    assert not isinstance(rerouted, Refusal)
    assert (rerouted[0].state, rerouted[0].due_at, rerouted[0].wanted_upstream) == (State.HELD, None, "b")
    assert "release it" in str(retry_now(held, NOW))


@pytest.mark.parametrize("state", sorted(set(State) - {State.HELD, State.QUEUED, State.DEFERRED, State.UNCONFIRMED}))
def test_what_has_ended_or_is_on_its_way_is_refused_in_words(state: State) -> None:
    delivery = in_state(state)
    for operated in (retry_now(delivery, NOW), reroute(delivery, NOW, "b"), cancel(delivery)):
        assert isinstance(operated, Refusal)
        assert operated.words.endswith(".")
    assert isinstance(release(delivery, NOW, 10), Refusal)
    assert isinstance(reject(delivery), Refusal)


def test_switches_survive_being_kept() -> None:
    pause = Pause("anna", 7, "moving")
    switches = Switches().pausing(pause).pausing(pause, "a").with_mode("shop", Mode.HOLD)
    assert Switches.of_json(switches.as_json()) == switches
    assert Switches.of_json(None) == Switches()
    assert Switches.of_json(Switches().as_json()) == Switches()


def test_a_pause_stops_one_upstream_or_all() -> None:
    one, everything = Pause("anna", 7), Pause("bob", 8, "fire")
    switches = Switches().pausing(one, "a")
    assert (switches.pause_of("a"), switches.pause_of("b")) == (one, None)
    switches = switches.pausing(everything)
    assert switches.pause_of("a") == switches.pause_of("b") == everything
    assert switches.resuming().resuming("a") == Switches()
    assert (str(one), str(everything)) == ("paused by anna", "paused by bob: fire")


def test_a_mode_is_switched_back_to_that_of_the_configuration() -> None:
    assert Switches().with_mode("shop", Mode.HOLD).with_mode("shop", None) == Switches()
