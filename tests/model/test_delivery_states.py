import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.model.delivery import DUE_STATES, SHORTEST_WAIT, Delivery, Outcome, RetrySchedule, State, after
from relay.model.event import Kind
from relay.model.message import Recipient
from relay.model.reply import Reply

SECOND = 1_000_000
SCHEDULE = RetrySchedule((60 * SECOND, 300 * SECOND), 3600 * SECOND, 7200 * SECOND, jitter=0.1)
DUTY = Delivery("d", "m", Recipient("a@b"), State.SENDING, 0, due_at=5, expires_at=1000 * SECOND)
TAKEN, REFUSED, BUSY = Reply(250, "ok"), Reply(550, "no"), Reply(451, "later")


@pytest.mark.parametrize(
    ("outcome", "now", "retry", "state", "kind", "due_at"),
    [
        (Outcome(TAKEN), 10, True, State.SENT, Kind.SENT, None),
        (Outcome(REFUSED), 10, True, State.FAILED, Kind.FAILED, None),
        (Outcome(BUSY), 10, True, State.DEFERRED, Kind.DEFERRED, 10 + 60 * SECOND),
        (Outcome(BUSY), 990 * SECOND, True, State.FAILED, Kind.EXPIRED, None),
        (Outcome(BUSY, True), 10, True, State.UNCONFIRMED, Kind.UNCONFIRMED, 10 + 60 * SECOND),
        (Outcome(BUSY, True), 10, False, State.UNCONFIRMED, Kind.UNCONFIRMED, None),
        (Outcome(BUSY, True), 990 * SECOND, True, State.UNCONFIRMED, Kind.UNCONFIRMED, None),
    ],
)
def test_an_attempt_leaves_a_delivery_as_the_table_says(
    outcome: Outcome, now: int, retry: bool, state: State, kind: Kind, due_at: int | None
) -> None:
    changed, event = after(DUTY, outcome, now, SCHEDULE, retry_unconfirmed=retry)
    assert (changed.state, event, changed.due_at) == (state, kind, due_at)
    assert (changed.attempts, changed.reply) == (1, outcome.reply)
    assert (changed.id, changed.message_id, changed.recipient, changed.expires_at) == (
        "d",
        "m",
        DUTY.recipient,
        DUTY.expires_at,
    )


def test_a_delivery_without_an_end_is_deferred_for_ever() -> None:
    endless = Delivery("d", "m", Recipient("a@b"), State.SENDING, 0)
    assert after(endless, Outcome(BUSY), 10**18, SCHEDULE)[0].state is State.DEFERRED


@pytest.mark.parametrize(
    ("asked", "now", "state", "due_at"),
    [
        (120, 10, State.DEFERRED, 10 + 120 * SECOND),
        (0, 10, State.DEFERRED, 10 + SHORTEST_WAIT),  # but not at once
        (3600, 10, State.DEFERRED, 1000 * SECOND),  # at the last moment
        (3600, 990 * SECOND, State.FAILED, None),
        (5, 990 * SECOND, State.FAILED, None),
    ],
)
def test_a_peer_may_ask_us_to_wait(asked: int, now: int, state: State, due_at: int | None) -> None:
    changed, _ = after(DUTY, Outcome(BUSY), now, SCHEDULE, asked=asked)
    assert (changed.state, changed.due_at) == (state, due_at)


replies = st.integers(200, 599).map(lambda code: Reply(code, ""))


@given(replies, st.booleans(), st.integers(0, 2 * 10**9), st.integers(0, 50), st.floats(0, 0.999), st.booleans())
def test_a_delivery_is_due_again_if_and_only_if_its_state_may_be_claimed(
    reply: Reply, is_uncertain: bool, now: int, attempts: int, spread: float, retry: bool
) -> None:
    duty = Delivery("d", "m", Recipient("a@b"), State.SENDING, 0, expires_at=1000 * SECOND, attempts=attempts)
    changed, _ = after(duty, Outcome(reply, is_uncertain), now, SCHEDULE, spread=spread, retry_unconfirmed=retry)
    if changed.due_at is not None:
        assert changed.state in DUE_STATES
        assert now < changed.due_at <= 1000 * SECOND
    else:
        assert changed.state in (State.SENT, State.FAILED, State.UNCONFIRMED)
    if is_uncertain:
        assert changed.state is State.UNCONFIRMED


def test_the_schedule_gives_its_intervals_then_the_last_for_good() -> None:
    assert [SCHEDULE.delay(attempts, 0) // SECOND for attempts in (1, 2, 3, 99)] == [60, 300, 3600, 3600]


@given(st.integers(1, 100), st.floats(0, 1, exclude_max=True))
def test_jitter_adds_at_most_its_share(attempts: int, spread: float) -> None:
    base = SCHEDULE.delay(attempts, 0)
    assert base <= SCHEDULE.delay(attempts, spread) <= base * 1.1


def test_who_asks_for_a_longer_wait_than_there_is_gets_the_last_moment() -> None:
    changed, event = after(DUTY, Outcome(BUSY), 10, SCHEDULE, asked=5000)
    assert (changed.state, event, changed.due_at) == (State.DEFERRED, Kind.DEFERRED, DUTY.expires_at)


def test_a_longer_wait_does_not_save_what_the_schedule_would_let_expire() -> None:
    changed, event = after(DUTY, Outcome(BUSY), 990 * SECOND, SCHEDULE, asked=5000)
    assert (changed.state, event, changed.due_at) == (State.FAILED, Kind.EXPIRED, None)
