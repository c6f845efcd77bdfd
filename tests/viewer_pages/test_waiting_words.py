"""Why a delivery waits: what stops it is said first, then what time it waits for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relay.model.delivery import Delivery, State
from relay.model.message import Recipient
from relay.model.switch import Pause, Switches
from relay.model.upstream import Health, UpstreamState
from viewer.work import waiting_words
from viewer.work.waiting_words import HEALTH

NOW = 1_795_521_600_000_000
QUEUED = Delivery("D", "M", Recipient("a@b.example"), State.QUEUED, NOW, due_at=NOW)
LATER = NOW + 240_000_000
PAUSE = Pause("ann", NOW, "moving")
RESTING = {"ses": UpstreamState("ses", Health.RESTING, NOW, "connection refused")}


@pytest.mark.parametrize(
    ("fields", "text", "is_stopped"),
    [
        ({}, "due; waits for its turn", False),
        ({"due_at": LATER}, "handed in to be sent later", False),
        ({"due_at": LATER, "why": "rate of ses"}, "rate of ses", False),
        ({"state": State.DEFERRED, "attempts": 1, "due_at": LATER}, "tried once; tried again by the schedule", False),
        ({"state": State.DEFERRED, "attempts": 2}, "tried 2 times; due again, waits for its turn", False),
        ({"state": State.UNCONFIRMED}, "the provider's answer was lost; tried again by the schedule", False),
        ({"state": State.UNCONFIRMED, "due_at": None}, "it may have been sent; a person decides", True),
        ({"state": State.HELD}, "for a person's approval", True),
        ({"state": State.HELD, "why": "mode hold"}, "for a person's approval: mode hold", True),
        ({"state": State.SENDING}, "a connection is working on it", False),
        ({"wanted_upstream": "ses"}, "upstream ses rests: connection refused", True),
        ({"upstream": "ses", "attempts": 1}, "tried once; due again, waits for its turn", False),
    ],
)
def test_the_reason_is_told(fields: dict[str, Any], text: str, is_stopped: bool) -> None:
    found = waiting_words.why(replace(QUEUED, **fields), Switches(), RESTING, NOW)
    assert (found.text, found.is_stopped) == (text, is_stopped)


def test_a_pause_comes_before_the_schedule() -> None:
    all_of_it = waiting_words.why(QUEUED, Switches(paused=PAUSE), {}, NOW)
    assert (all_of_it.text, all_of_it.is_stopped) == ("all sending is paused by ann: moving", True)
    one = Switches(paused_upstreams={"ses": PAUSE})
    assert (
        waiting_words.why(replace(QUEUED, upstream="ses"), one, {}, NOW).text == "upstream ses is paused by ann: moving"
    )
    assert waiting_words.why(QUEUED, one, {}, NOW).text == "due; waits for its turn"


def test_the_time_of_the_next_try_is_told_where_there_is_one() -> None:
    assert waiting_words.due(replace(QUEUED, due_at=LATER), NOW) == "in 4 min"
    assert waiting_words.due(QUEUED, NOW) == "now"
    assert waiting_words.due(replace(QUEUED, state=State.HELD), NOW) == ""
    assert waiting_words.due(replace(QUEUED, due_at=None), NOW) == ""


def test_every_health_has_its_word() -> None:
    assert set(HEALTH) == set(Health)
