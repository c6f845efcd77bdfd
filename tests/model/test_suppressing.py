"""What puts a recipient on the suppression list, and what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ulid import ULID

from relay.config import Suppression
from relay.model.bounce import BounceClass
from relay.model.event import Grade, Kind
from relay.model.report import Report, ReportKind
from relay.model.suppressing import NO_RULES, Copy, SuppressionRules, cause_of, entry_id, refused, unsubscribed
from relay.model.suppression import (
    Cause,
    Suppressed,
    about,
    added_event,
    erased_key,
    removed_event,
    suppression_key,
    why_suppressed,
)

NOW = 1_767_268_800_000_000
COPY = Copy("jane@example.com", "shop", "01MESSAGE", "01DELIVERY")
RULES = SuppressionRules()


def a_report(kind: ReportKind, bounce: BounceClass | None = None, number: int = 1, **more: object) -> Report:
    one = Report(str(ULID.from_int(number)), "payload", NOW + number, kind, f"key-{number}", bounce=bounce)
    return replace(one, delivery_id=f"delivery-{number}", **more)  # type: ignore[arg-type]


def made(
    report: Report,
    rules: SuppressionRules = RULES,
    earlier: tuple[Report, ...] = (),
    grade: Grade = Grade.SIGNED,
) -> Suppressed | None:
    return cause_of(report, earlier, rules, copy=COPY, source="webhook:ses", grade=grade, now=NOW)


HARD = a_report(ReportKind.BOUNCED, BounceClass.HARD, diagnostic="550 5.1.1\r\n no such  user")


def test_a_hard_bounce_says_what_the_receiving_server_said() -> None:
    assert made(HARD) == Suppressed(
        id=entry_id(HARD.id),
        address="jane@example.com",
        application="shop",
        cause=Cause.BOUNCE,
        reason="550 5.1.1 no such user",
        created_at=NOW,
        created_by="webhook:ses",
        message_id="01MESSAGE",
        delivery_id="01DELIVERY",
    )


@pytest.mark.parametrize(
    ("report", "cause", "reason"),
    [
        (replace(HARD, diagnostic="", explanation="no mailbox"), Cause.BOUNCE, "no mailbox"),
        (replace(HARD, diagnostic="", status="5.1.1"), Cause.BOUNCE, "5.1.1"),
        (replace(HARD, diagnostic=""), Cause.BOUNCE, "bounced"),
        (a_report(ReportKind.COMPLAINED), Cause.COMPLAINT, "called it spam"),
        (a_report(ReportKind.COMPLAINED, explanation="pressed “Spam”"), Cause.COMPLAINT, "pressed “Spam”"),
        (a_report(ReportKind.UNSUBSCRIBED), Cause.UNSUBSCRIBE, "told the provider"),
    ],
)
def test_each_cause_has_its_reason(report: Report, cause: Cause, reason: str) -> None:
    entry = made(report)
    assert entry is not None
    assert (entry.cause, entry.reason) == (cause, reason)


@pytest.mark.parametrize("kind", [kind for kind in ReportKind if kind is not ReportKind.BOUNCED])
@pytest.mark.parametrize("bounce", [None, BounceClass.HARD])
def test_nothing_else_is_a_bounce(kind: ReportKind, bounce: BounceClass | None) -> None:
    entry = made(a_report(kind, bounce), replace(RULES, on_complaint=False, on_unsubscribe=False))
    assert entry is None


@pytest.mark.parametrize("bounce", [None, *(kind for kind in BounceClass if kind is not BounceClass.HARD)])
def test_a_bounce_that_may_pass_or_is_the_senders_doing_puts_nobody_on_the_list(bounce: BounceClass | None) -> None:
    assert made(a_report(ReportKind.BOUNCED, bounce)) is None
    if bounce is not BounceClass.SOFT:
        assert made(a_report(ReportKind.BOUNCED, bounce), replace(RULES, soft_bounces=1)) is None


def test_without_rules_nothing_does() -> None:
    for report in (HARD, a_report(ReportKind.COMPLAINED), a_report(ReportKind.UNSUBSCRIBED)):
        assert made(report, NO_RULES) is None
    assert unsubscribed(HARD.id, NO_RULES, copy=COPY, actor="recipient", now=NOW) is None


def soft(number: int) -> Report:
    return a_report(ReportKind.BOUNCED, BounceClass.SOFT, number)


@pytest.mark.parametrize(
    ("earlier", "is_listed"),
    [
        ((), False),
        ((soft(1), soft(2)), True),
        ((soft(2), soft(1)), True),
        ((soft(1), a_report(ReportKind.DELIVERED, None, 2), soft(3)), False),
        ((a_report(ReportKind.DELIVERED, None, 1), soft(2), soft(3)), True),
        ((soft(1), a_report(ReportKind.BOUNCED, BounceClass.QUOTA, 2)), False),
        ((soft(1), a_report(ReportKind.OPENED, None, 2), soft(3)), True),
        ((soft(1), replace(soft(2), delivery_id="delivery-1")), False),
        ((soft(1), replace(soft(2), delivery_id="")), True),
        # What came after it, in time, is counted when its own turn comes.
        ((soft(1), soft(20)), False),
    ],
)
def test_soft_bounces_in_a_row_of_as_many_messages_do(earlier: tuple[Report, ...], is_listed: bool) -> None:
    entry = made(replace(soft(10), diagnostic="451 try later"), replace(RULES, soft_bounces=3), earlier)
    assert (entry is not None) is is_listed
    if entry is not None:
        assert entry.reason == "3 soft bounces in a row, the latest: 451 try later"


def test_only_a_bounce_runs_out() -> None:
    rules = Suppression(expire_after=60).rules()
    bounced, complained = made(HARD, rules), made(a_report(ReportKind.COMPLAINED), rules)
    assert bounced is not None
    assert complained is not None
    assert bounced.expires_at == NOW + 60_000_000
    assert complained.expires_at is None
    assert bounced.is_in_force(NOW + 59_999_999)
    assert not bounced.is_in_force(NOW + 60_000_000)
    assert complained.is_in_force(NOW * 2)


def test_a_global_rule_is_for_all_applications() -> None:
    entry = made(HARD, Suppression(scope="global").rules())
    assert entry is not None
    assert entry.application == ""


def test_the_configuration_says_the_rules() -> None:
    assert Suppression().rules() == RULES


def test_an_entrys_id_is_a_ulid_made_of_its_facts() -> None:
    fact = str(ULID.from_int(77))
    assert entry_id(fact) == entry_id(fact) != fact
    assert ULID.from_str(entry_id(fact)).timestamp == ULID.from_str(fact).timestamp
    assert entry_id(fact) != entry_id(str(ULID.from_int(78)))


def test_our_own_link_makes_an_entry_of_the_fetch() -> None:
    entry = unsubscribed(HARD.id, RULES, copy=COPY, actor="recipient", now=NOW)
    assert entry is not None
    assert (entry.cause, entry.created_by, entry.reason) == (
        Cause.UNSUBSCRIBE,
        "recipient",
        "with the link in a message",
    )


@pytest.mark.parametrize("bounce", BounceClass)
def test_an_upstreams_own_refusal_counts_if_it_amounts_to_a_hard_bounce(bounce: BounceClass) -> None:
    def entry(rules: SuppressionRules) -> Suppressed | None:
        return refused(HARD.id, bounce, "550 5.1.1 no\n such user", rules, copy=COPY, upstream="mx", now=NOW)

    assert entry(NO_RULES) is None
    found = entry(RULES)
    assert (found is not None) is (bounce is BounceClass.HARD)
    if found is not None:
        assert (found.created_by, found.reason) == ("upstream:mx", "550 5.1.1 no such user")


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("Jane.Doe@Example.COM", "jane.doe@example.com"),
        (" jane@example.com. ", "jane@example.com"),
        ("jane@BÜCHER.example", "jane@xn--bcher-kva.example"),
        ("jane@xn--bcher-kva.example", "jane@xn--bcher-kva.example"),
        ("ÄNNE@example.com", "änne@example.com"),
        ("jane@ü..example", "jane@ü..example"),
        ("postmaster", "postmaster"),
        ('"a@b"@example.com', '"a@b"@example.com'),
    ],
)
def test_an_address_is_found_again_however_it_is_written(address: str, key: str) -> None:
    assert suppression_key(address) == key


def test_why_is_told_in_one_line() -> None:
    assert why_suppressed(Cause.MANUAL, "") == "the recipient is on the suppression list (put there by hand)"
    assert why_suppressed(Cause.COMPLAINT, "spam").endswith("(complained): spam")


@pytest.mark.parametrize(
    ("cause", "earlier", "later", "expected"),
    [
        (Cause.BOUNCE, ("550 no", NOW), ("550 no", NOW), False),
        (Cause.BOUNCE, ("550 no", NOW), ("551 no", NOW), False),
        (Cause.BOUNCE, ("550 no", NOW), ("550 no", NOW + 1), True),
        (Cause.BOUNCE, ("550 no", NOW), ("550 no", None), True),
        (Cause.BOUNCE, ("550 no", None), ("551 no", NOW), False),
        (Cause.MANUAL, ("asked", None), ("asked", None), False),
        (Cause.MANUAL, ("asked", None), ("asked", NOW), True),
        (Cause.MANUAL, ("asked", NOW), ("wrote", NOW), True),
    ],
)
def test_an_entry_takes_the_place_of_one_about_the_same_if_it_says_more(cause, earlier, later, expected):
    def entry(address: str, reason: str, expires_at: int | None) -> Suppressed:
        return Suppressed("1", address, "shop", cause, reason, NOW, "relay", expires_at)

    first, second = entry("ann@Example.com", *earlier), entry("Ann@example.com", *later)
    assert first.about == second.about == about("ANN@example.com", "shop", cause)
    assert second.replaces(first) is expected


def test_adding_and_taking_off_are_facts() -> None:
    entry = made(HARD)
    assert entry is not None
    added = added_event(entry)
    assert (added.id, added.kind, added.actor) == (entry.id, Kind.SUPPRESSION_ADDED, "webhook:ses")
    removed = removed_event(entry, event_id="01EVENT", at=NOW, actor="user:ann", reason="wrote to us")
    assert (removed.kind, removed.actor, removed.delivery_id) == (Kind.SUPPRESSION_REMOVED, "user:ann", "01DELIVERY")
    assert removed.data == {
        "recipient": "jane@example.com",
        "application": "shop",
        "cause": "bounce",
        "reason": "wrote to us",
        "entry": entry.id,
        "entry_reason": "550 5.1.1 no such user",
    }


def test_what_was_matched_by_guess_puts_nobody_on_the_list() -> None:
    assert made(HARD) is not None
    assert made(HARD, grade=Grade.HEURISTIC) is None


def test_an_erased_address_stays_under_a_key_that_says_nothing_without_the_secret() -> None:
    key = erased_key(bytes(32), "ann@example.com")
    assert key == erased_key(bytes(32), "ann@example.com")
    assert key.startswith("erased:0eb072f6a631")
    assert "ann" not in key
    assert key != erased_key(bytes(31) + b"1", "ann@example.com")
