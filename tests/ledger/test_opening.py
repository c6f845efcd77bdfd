"""Whatever a fact carries, there is an opening for it that canonical JSON can say."""

from __future__ import annotations

import hashlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from relay.ledger.canonical import canonical, parse_canonical
from relay.ledger.opening import attempt_facts, message_facts, opening_of, payload_facts, plain
from relay.model.delivery import Attempt
from relay.model.event import Event, Grade, Kind
from relay.model.message import Envelope, Message, Mode, Reception, Recipient, Trait
from relay.model.reply import Reply
from relay.model.report import Payload
from relay.model.signature import Algorithm, Alignment, Signature

CONTENT = b"Subject: x\r\n\r\nhello\r\n"
MESSAGE = Message(
    "01J00000000000000000000001",
    1_750_000_000_000_000,
    "shop",
    Mode.RELAY,
    Envelope("a@example.com", (Recipient("b@example.net", notify="NEVER"),), body="8BITMIME"),
    Reception("192.0.2.7:41234", "client", "ESMTPS", "main", tls_version="TLSv1.3"),
    len(CONTENT),
    hashlib.sha256(CONTENT).digest(),
    frozenset({Trait.NUL, Trait.BARE_CR}),
    tags=("invoice",),
)
SIGNATURE = Signature("example.com", "s1", Algorithm.ED25519, "AAAA", Alignment.STRICT)
ATTEMPT = Attempt(
    "01J00000000000000000000003",
    "01J00000000000000000000002",
    MESSAGE.id,
    1,
    "provider",
    1_750_000_000_100_000,
    (),
    MESSAGE.sha256,
    MESSAGE.size,
    finished_at=1_750_000_000_200_000,
    reply=Reply(250, "ok\nqueued as 7", "2.0.0"),
    signatures=(SIGNATURE,),
)
PAYLOAD = Payload("01J00000000000000000000004", 7, "webhook:ses", Grade.SIGNED, "verified", {"a": "b"}, b"{}")
EVENT = Event("01J00000000000000000000005", 8, Kind.SENT, "upstream:provider", data={"rate": 0.5, "to": ("a", "b")})


def test_an_event_alone_is_actor_data_and_grade() -> None:
    assert opening_of(EVENT) == {"actor": "upstream:provider", "data": {"rate": "0.5", "to": ["a", "b"]}, "grade": "A"}


def test_what_goes_with_the_event_is_committed_to_with_it() -> None:
    opening = opening_of(EVENT, message=MESSAGE, attempt=ATTEMPT, payload=PAYLOAD, recipient="b@example.net")
    assert opening["message"] == message_facts(MESSAGE)
    assert opening["attempt"] == attempt_facts(ATTEMPT)
    assert opening["payload"] == payload_facts(PAYLOAD)
    assert opening["recipient"] == "b@example.net"
    assert parse_canonical(canonical(opening)) == opening


def test_a_message_says_everything_that_was_known_when_it_was_kept() -> None:
    facts = message_facts(MESSAGE)
    assert facts["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert facts["traits"] == ["bare-cr", "nul"]
    assert facts["envelope"]["recipients"] == [{"address": "b@example.net", "notify": "NEVER", "orcpt": None}]
    assert facts["reception"]["tls_version"] == "TLSv1.3"


def test_an_attempt_has_the_reply_as_it_came_or_none() -> None:
    assert attempt_facts(ATTEMPT)["reply"] == {
        "code": 250,
        "text": "ok\nqueued as 7",
        "enhanced": "2.0.0",
        "is_local": False,
    }
    open_one = Attempt(ATTEMPT.id, ATTEMPT.delivery_id, MESSAGE.id, 1, "provider", 1, (), MESSAGE.sha256, MESSAGE.size)
    assert attempt_facts(open_one)["reply"] is None
    assert attempt_facts(ATTEMPT)["signatures"] == [
        {
            "domain": "example.com",
            "selector": "s1",
            "algorithm": "ed25519-sha256",
            "public_key": "AAAA",
            "alignment": "strict",
        }
    ]


def test_a_payload_is_named_by_its_hash() -> None:
    assert payload_facts(PAYLOAD)["sha256"] == hashlib.sha256(b"{}").hexdigest()


def test_values_that_json_cannot_say_become_text() -> None:
    assert plain(2**53) == "9007199254740992"
    assert plain({1: b"\xff", "s": {2, 1}, "k": Kind.SENT, "bad": "a\udcff"}) == {
        "1": "ff",
        "s": [1, 2],
        "k": "sent",
        "bad": "a\\udcff",
    }


def test_what_lies_too_deep_becomes_text() -> None:
    value: Any = "end"
    for _ in range(100):
        value = [value]
    opening = opening_of(Event("01J00000000000000000000006", 0, Kind.REPORTED, "relay", data={"deep": value}))
    assert b"['end']" in canonical(opening)


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner) | st.tuples(inner, inner),
    max_leaves=10,
)


@given(ANYTHING)
def test_nothing_that_an_event_may_carry_is_refused(value: Any) -> None:
    assert parse_canonical(canonical(plain(value))) == plain(plain(value))
