"""Whom a message can be sent to again, and what to know before: who has it, who may have it, who wants none. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from relay.archive.api import StoredMessage
from relay.model.delivery import REPORTED_STATES, Delivery, State
from relay.model.reply import Reply
from viewer import present
from viewer.message import standing
from viewer.present import Word
from viewer.translation import say

TAKEN = REPORTED_STATES | {State.SENT}
"""The provider has taken it, whatever came after."""
ON_ITS_WAY = frozenset({State.QUEUED, State.SENDING, State.DEFERRED})
HAS_IT = frozenset({State.SENT, State.DELIVERED})


@dataclass(frozen=True, slots=True)
class Offer:
    """One recipient of the envelope. `word`: of the latest delivery; `warnings`: sentences without full stops."""

    address: str
    word: Word | None
    warnings: tuple[str, ...]
    is_ticked: bool


def offers(stored: StoredMessage, addresses: Sequence[str], suppressed: Collection[str]) -> list[Offer]:
    """At first those are ticked who do not have it, or all if everyone does; never who would not be sent to."""
    by_address: dict[str, list[Delivery]] = {}
    for delivery in stored.deliveries:
        by_address.setdefault(delivery.original or delivery.recipient.address, []).append(delivery)
    lacking = {one for one in addresses if not any(found.state in HAS_IT for found in by_address.get(one, ()))}
    ticked = (lacking or set(addresses)) - set(suppressed)
    ticked -= {one for one in ticked if any(found.complained_at for found in by_address.get(one, ()))}
    return [_offer(stored, address, by_address.get(address, []), address in ticked) for address in addresses]


def taken(stored: StoredMessage) -> int:
    """How many deliveries the provider has taken."""
    return sum(delivery.state in TAKEN for delivery in stored.deliveries)


def waiting(stored: StoredMessage) -> int:
    return sum(delivery.state in ON_ITS_WAY for delivery in stored.deliveries)


def unconfirmed(stored: StoredMessage) -> int:
    """How many may have it already, for all that is known."""
    return sum(delivery.state is State.UNCONFIRMED for delivery in stored.deliveries)


def _offer(stored: StoredMessage, address: str, deliveries: Sequence[Delivery], is_ticked: bool) -> Offer:
    if not deliveries:
        return Offer(address, None, (), is_ticked)
    latest = deliveries[-1]
    warnings = dict.fromkeys(warning for one in deliveries if (warning := _warning(stored, one)))
    marks = dict.fromkeys(mark.text.lower() for one in deliveries for mark in standing.marks_of(one))
    word = standing.state_word(latest.state, latest.bounce, latest.grade, latest.source)
    return Offer(address, word, (*warnings, *marks), is_ticked)


def _warning(stored: StoredMessage, delivery: Delivery) -> str:
    when = _tried_at(stored, delivery)
    if delivery.state is State.UNCONFIRMED:
        return _on(say("may have it already: the answer was lost"), when)
    if delivery.state is State.DELIVERED:
        source = standing.source_name(delivery.source)
        return say("%(sent)s, and reported delivered by %(source)s", sent=_on(say("has it: sent"), when), source=source)
    if delivery.state in TAKEN:
        return _on(say("the provider took it"), when)
    return say("on its way already") if delivery.state in ON_ITS_WAY else ""


def _on(what: str, when: str) -> str:
    return say("%(what)s on %(when)s", what=what, when=when) if when else what


def _tried_at(stored: StoredMessage, delivery: Delivery) -> str:
    """`24 Nov 2026, 13:46:39 UTC`, of the attempt that may have got through; '' if it is not known."""
    times = [
        attempt.finished_at
        for attempt in stored.attempts
        if attempt.delivery_id == delivery.id
        and attempt.finished_at is not None
        and (attempt.is_uncertain or _is_positive(attempt.reply))
    ]
    return present.exact(max(times)) if times else ""


def _is_positive(reply: Reply | None) -> bool:
    return reply is not None and reply.is_positive
