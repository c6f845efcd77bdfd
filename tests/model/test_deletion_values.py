"""What a deletion waits for, and which reasons will do."""

from __future__ import annotations

import pytest

from relay.model.deletion import LONGEST_REASON, SHORTEST_REASON, reason_fault, remains, waits
from relay.model.delivery import Delivery, State
from relay.model.message import Recipient
from relay.model.summary import Addressee, Reference, Summary

ID = "01M87HXYPGA6W6ZH1STCMY1MPR"


def delivery(state: State, due_at: int | None) -> Delivery:
    return Delivery(ID, ID, Recipient("ann@example.org"), state, 1, due_at=due_at)


def test_what_may_still_be_found_has_addresses_and_codes_and_no_words() -> None:
    summary = Summary(
        subject="secret",
        senders=(Addressee("Ann", "ann@example.org"), Addressee("nobody", "")),
        header_message_id="1@b",
        date=5,
        tags=("spring",),
        references=(Reference("invoice", "INV-1"),),
        body_text="secret",
    )
    assert remains(summary) == Summary(
        senders=(Addressee("", "ann@example.org"),),
        header_message_id="1@b",
        date=5,
        tags=("spring",),
        references=(Reference("invoice", "INV-1"),),
    )


@pytest.mark.parametrize("state", list(State))
def test_what_would_still_be_sent_waits(state: State) -> None:
    always = (State.QUEUED, State.DEFERRED, State.HELD)
    assert waits(delivery(state, None)) is (state in always)
    assert waits(delivery(state, 5)) is (state in (*always, State.UNCONFIRMED))


def test_a_reason_is_said_in_words_and_not_in_a_book() -> None:
    assert reason_fault("x" * (SHORTEST_REASON - 1)) == "say why, in words"
    assert reason_fault("x" * SHORTEST_REASON) == ""
    assert reason_fault("x" * LONGEST_REASON) == ""
    assert "at most" in reason_fault("x" * (LONGEST_REASON + 1))
