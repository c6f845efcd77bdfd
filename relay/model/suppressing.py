"""The rule by which what comes back puts a recipient on the suppression list.

    a hard bounce, or a refusal that amounts to one   if `on_bounce`; runs out after `expire_after`
    `soft_bounces` soft bounces in a row              of as many messages, no delivery between; runs out likewise
    a complaint                                       if `on_complaint`; for ever
    unsubscribing                                     if `on_unsubscribe`; for ever

Nothing else does. A full mailbox (quota) empties; a blocked server, content refused as spam or a broken policy say
something of the sender, not of the mailbox; an out-of-office note says nothing. What a provider calls dropped was its
own decision. Only reports matched to a delivery may be asked about, and what was matched by guess (grade E: a mail that
came without the return path's token) puts nobody on the list: a forged bounce must not silence anyone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from relay.model.bounce import BounceClass
from relay.model.delivery import MICROSECONDS
from relay.model.event import Grade
from relay.model.report import Report, ReportKind
from relay.model.suppression import Cause, Suppressed

LONGEST_REASON = 500
"""Characters."""


@dataclass(frozen=True, slots=True)
class SuppressionRules:
    """As in the configuration's `[suppression]`; `expire_after` in seconds, 0: for ever."""

    on_bounce: bool = True
    soft_bounces: int = 0
    on_complaint: bool = True
    on_unsubscribe: bool = True
    is_global: bool = False
    """An entry holds for all applications, not only for the one whose mail it was."""
    expire_after: int = 0


NO_RULES = SuppressionRules(on_bounce=False, on_complaint=False, on_unsubscribe=False)
"""Nothing puts anyone on the list."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What was reported on: one recipient's copy. `address`: where we sent it, whatever the report says."""

    address: str
    application: str
    message_id: str
    delivery_id: str


def cause_of(
    report: Report,
    earlier: Sequence[Report],
    rules: SuppressionRules,
    *,
    copy: Copy,
    source: str,
    grade: Grade,
    now: int,
) -> Suppressed | None:
    """The entry that a report makes, or None.

    `earlier`: other reports about the same address, of this and other messages, in any order (only those of bounces
    and deliveries matter, and only if `rules.soft_bounces`). `source` as the payload's: `webhook:NAME`, `bounce`.
    """
    found = None if grade is Grade.HEURISTIC else _cause(report, earlier, rules)
    if found is None:
        return None
    cause, reason = found
    return _entry(report.id, cause, reason, rules, copy, source, now)


def refused(
    attempt_id: str, bounce: BounceClass, words: str, rules: SuppressionRules, *, copy: Copy, upstream: str, now: int
) -> Suppressed | None:
    """The entry that an upstream's own refusal makes, or None. `words`: its reply; `bounce`: what that amounts to.

    Only for a reply that was to this recipient: one to the whole transaction says nothing of a mailbox.
    """
    if bounce is not BounceClass.HARD or not rules.on_bounce:
        return None
    return _entry(attempt_id, Cause.BOUNCE, _line(words), rules, copy, f"upstream:{upstream}", now)


def unsubscribed(fact_id: str, rules: SuppressionRules, *, copy: Copy, actor: str, now: int) -> Suppressed | None:
    """The entry that unsubscribing with our own link makes, or None. `fact_id`: of the fetch."""
    if not rules.on_unsubscribe:
        return None
    return _entry(fact_id, Cause.UNSUBSCRIBE, "with the link in a message", rules, copy, actor, now)


def entry_id(fact_id: str) -> str:
    """The id of the entry made by the fact with this id (a ULID): the same each time, and no other fact's."""
    digest = hashlib.sha256(f"suppression {fact_id}".encode()).digest()
    return fact_id[:10] + "".join(_ALPHABET[octet & 31] for octet in digest[:16])


_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Of a ULID: Crockford's base32."""


def _cause(report: Report, earlier: Sequence[Report], rules: SuppressionRules) -> tuple[Cause, str] | None:
    if report.kind is ReportKind.COMPLAINED and rules.on_complaint:
        return Cause.COMPLAINT, report.explanation or "called it spam"
    if report.kind is ReportKind.UNSUBSCRIBED and rules.on_unsubscribe:
        return Cause.UNSUBSCRIBE, report.explanation or "told the provider"
    if report.kind is not ReportKind.BOUNCED:
        return None
    if report.bounce is BounceClass.HARD and rules.on_bounce:
        return Cause.BOUNCE, _said(report)
    if report.bounce is BounceClass.SOFT and rules.soft_bounces:
        count = _in_a_row(report, earlier)
        if count >= rules.soft_bounces:
            return Cause.BOUNCE, f"{count} soft bounces in a row, the latest: {_said(report)}"
    return None


def _in_a_row(report: Report, earlier: Sequence[Report]) -> int:
    """How many messages bounced softly, up to this report, since one was delivered."""
    bounced: set[str] = set()
    so_far = [one for one in (*earlier, report) if (one.at, one.id) <= (report.at, report.id)]
    for one in sorted(so_far, key=lambda one: (one.at, one.id)):
        if one.kind is ReportKind.DELIVERED:
            bounced.clear()
        elif one.kind is ReportKind.BOUNCED and one.bounce is BounceClass.SOFT:
            bounced.add(one.delivery_id or one.id)
    return len(bounced)


def _said(report: Report) -> str:
    """The receiving server's words, else ours, on one line."""
    return _line(report.diagnostic or report.explanation or report.status or "bounced")


def _line(words: str) -> str:
    return " ".join(words.split())[:LONGEST_REASON]


def _entry(
    fact_id: str, cause: Cause, reason: str, rules: SuppressionRules, copy: Copy, by: str, now: int
) -> Suppressed:
    runs_out = cause is Cause.BOUNCE and rules.expire_after > 0
    return Suppressed(
        id=entry_id(fact_id),
        address=copy.address,
        application="" if rules.is_global else copy.application,
        cause=cause,
        reason=reason,
        created_at=now,
        created_by=by,
        expires_at=now + rules.expire_after * MICROSECONDS if runs_out else None,
        message_id=copy.message_id,
        delivery_id=copy.delivery_id,
    )
