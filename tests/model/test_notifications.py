"""What an endpoint is told, how it is signed, and when it is tried again."""

from __future__ import annotations

import pytest
from standardwebhooks import Webhook

from relay.herald.post import retry_after
from relay.model.event import Event, Kind
from relay.model.notification import (
    WAITS,
    Answer,
    Notification,
    Standing,
    Subject,
    Target,
    after,
    body,
    headers,
    key_of,
    trial,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECOND = 1_000_000


def a_try(answer: Answer, *, attempts: int = 0, begun_at: int = 0, now: int = 0, spread: float = 0.5) -> Notification:
    notification = Notification("n", "crm", 1, 0, begun_at, attempts=attempts, due_at=now)
    return after(notification, answer, now, give_up_after=3 * 86400, spread=spread)


def test_a_body_names_event_and_recipient_and_leaves_out_what_is_empty() -> None:
    event = Event("E", 1_700_000_000_123_456, Kind.BOUNCED, "ses", "M", data={"token": "t", "bounce": "hard"})
    assert body(event, Subject("shop", "b@example.com", "", "Ihre Bestellung ü", ("a",))).decode() == (
        '{"type":"bounced","timestamp":"2023-11-14T22:13:20.123Z","data":{"event_id":"E","message_id":"M",'
        '"application":"shop","recipient":"b@example.com","subject":"Ihre Bestellung ü","tags":["a"],"grade":"A",'
        '"actor":"ses","detail":{"bounce":"hard"}}}'
    )
    event = Event(
        "E", 0, Kind.DEFERRED, "relay", data={"code": 451, "due_at": 60 * SECOND, "url": "https://x/reset?k=1"}
    )
    assert b'"detail":{"code":451,"next_try":"1970-01-01T00:01:00.000Z"}' in body(event, Subject())
    assert b"reset" not in body(event, Subject())
    assert trial(0) == b'{"type":"trial","timestamp":"1970-01-01T00:00:00.000Z","data":{}}'


def test_the_signature_is_the_one_of_the_published_library() -> None:
    from datetime import UTC, datetime

    made = headers("msg_1", 1_700_000_000 * SECOND, b'{"a":1}', key_of(SECRET))
    expected = Webhook(SECRET).sign("msg_1", datetime.fromtimestamp(1_700_000_000, UTC), '{"a":1}')
    assert made == {"webhook-id": "msg_1", "webhook-timestamp": "1700000000", "webhook-signature": expected}


@pytest.mark.parametrize("secret", ["whsec_", "whsec_aGVsbG8=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_ü"])
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        key_of(secret)


def test_what_is_taken_is_delivered() -> None:
    tried = a_try(Answer(204), now=5)
    assert (tried.standing, tried.due_at, tried.attempts, tried.error) == (Standing.DELIVERED, None, 1, "")


@pytest.mark.parametrize("attempts", range(9))
def test_the_waits_grow_as_the_standard_says(attempts: int) -> None:
    tried = a_try(Answer(500, "answered 500"), attempts=attempts)
    assert tried.due_at == WAITS[min(attempts, 6)] * SECOND
    assert tried.standing is Standing.WAITING


def test_chance_keeps_endpoints_from_being_tried_all_at_once() -> None:
    assert [a_try(Answer(None, "x"), attempts=1, spread=spread).due_at for spread in (0, 1)] == [
        240 * SECOND,
        360 * SECOND,
    ]


def test_more_patience_than_planned_is_had_and_no_more_than_a_day() -> None:
    assert a_try(Answer(503, "x", 60)).due_at == 60 * SECOND
    assert a_try(Answer(503, "x", 1)).due_at == 5 * SECOND
    assert a_try(Answer(503, "x", 10**9)).due_at == 86400 * SECOND


def test_gone_is_the_end() -> None:
    assert a_try(Answer(410, "gone")).standing is Standing.FAILED


def test_it_is_given_up_when_the_next_try_would_be_too_late() -> None:
    tried = a_try(Answer(500, "x" * 999), attempts=9, now=3 * 86400 * SECOND)
    assert (tried.standing, tried.due_at) == (Standing.FAILED, None)
    assert len(tried.error) == 300
    assert a_try(Answer(500, "x"), begun_at=86400 * SECOND, now=3 * 86400 * SECOND).standing is Standing.WAITING


def test_an_endpoint_chooses_kinds_and_applications() -> None:
    all_of_them = Target("crm")
    assert all_of_them.wants(Kind.SENT, "shop", has_message=True)
    assert not all_of_them.wants(Kind.PAUSED, "", has_message=False)
    assert not all_of_them.wants(Kind.VIEWED, "shop", has_message=True)
    chosen = Target("crm", frozenset({"viewed"}), frozenset({"shop"}))
    assert chosen.wants(Kind.VIEWED, "shop", has_message=True)
    assert not chosen.wants(Kind.VIEWED, "other", has_message=True)
    assert not chosen.wants(Kind.SENT, "shop", has_message=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 5 ", 5),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60),
        ("Tue, 14 Nov 2022 22:14:20 GMT", 0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("99999999999999999999", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: int | None) -> None:
    assert retry_after(value, 1_700_000_000 * SECOND) == seconds
