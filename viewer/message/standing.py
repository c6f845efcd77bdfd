"""Where a delivery stands, in words that name their evidence: who said so, how good that is, what to do about it. Pure.

Delivered, reported by webhook ses (C)
Sent: the provider's 250 (B)
Bounced, hard: no such mailbox, a returned mail (D)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from relay.archive.api import Listing, Reported
from relay.model.bounce import BounceClass
from relay.model.delivery import REPORTED_STATES, Delivery, State
from relay.model.event import Event, Grade, Kind
from relay.rendition.diagnosis import classify
from viewer import present
from viewer.present import STATES, Word
from viewer.translation import joined, say

BOUNCES: Mapping[BounceClass, tuple[str, str]] = {
    BounceClass.HARD: (say("no such mailbox or domain"), say("Do not write there again.")),
    BounceClass.SOFT: (say("something that may pass"), say("Sending it again later may succeed.")),
    BounceClass.BLOCK: (say("the receiver refuses the sending server or domain"), say("The address may be right.")),
    BounceClass.SPAM: (
        say("refused as spam"),
        say("The address may be right; the content or the sender's name is the matter."),
    ),
    BounceClass.QUOTA: (say("the mailbox is full"), say("Sending it again in a few days may succeed.")),
    BounceClass.POLICY: (
        say("a rule of the receiver"),
        say("The mail has to change: its size, its sender or how it is signed."),
    ),
}
"""What each class says, and what follows from it."""
KINDS_OF_BOUNCE: Mapping[BounceClass, str] = {
    BounceClass.HARD: say("hard"),
    BounceClass.SOFT: say("soft"),
    BounceClass.BLOCK: say("block"),
    BounceClass.SPAM: say("spam"),
    BounceClass.QUOTA: say("quota"),
    BounceClass.POLICY: say("policy"),
}

COMPLAINED = Word(
    say("Complained"),
    "complained",
    "bad",
    say(
        "The recipient called a message like this spam, and their provider reported it. "
        "Stays, whatever else is reported."
    ),
    Grade.UNSIGNED,
)
UNSUBSCRIBED = Word(
    say("Unsubscribed"),
    "unsubscribed",
    "warn",
    say("The recipient asked for no more of it. Stays, whatever else is reported."),
)
MARKS = (COMPLAINED, UNSUBSCRIBED)
IMPORTED = Word(
    say("Imported"),
    "captured",
    "warn",
    say(
        "Taken over from elsewhere, byte for byte. Its sending was not witnessed here: "
        "sender, recipients and date are what the source claims."
    ),
    Grade.UNSIGNED,
)
"""No delivery is made of it; it has one only if it was sent from here later."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one delivery. `line` names state, source and grade; the rest is there where it is known."""

    word: Word
    line: str
    explanation: str = ""
    action: str = ""
    marks: tuple[Word, ...] = ()


def source_name(source: str | None) -> str:
    """`webhook:ses` -> `webhook ses`; `bounce` -> `a returned mail`."""
    if not source:
        return say("a report")
    kind, _, name = source.partition(":")
    if kind == "webhook" and name:
        return say("webhook %(name)s", name=name)
    return say("a returned mail") if kind == "bounce" else source


def state_word(
    state: State, bounce: BounceClass | None = None, grade: Grade | None = None, source: str | None = None
) -> Word:
    """The word for a state with what a report added to it: class, grade and source."""
    word = STATES[state]
    if state is State.BOUNCED and bounce is not None:
        says, follows = BOUNCES[bounce]
        word = replace(
            word,
            text=say("Bounced, %(kind)s", kind=KINDS_OF_BOUNCE[bounce]),
            tone="warn" if bounce in (BounceClass.SOFT, BounceClass.QUOTA) else word.tone,
            meaning=say("Sent, and reported as not delivered: %(says)s. %(follows)s", says=says, follows=follows),
        )
    if state in REPORTED_STATES and grade is not None:
        meaning = say("%(meaning)s Reported by %(source)s.", meaning=word.meaning, source=source_name(source))
        word = replace(word, grade=grade, meaning=meaning)
    return word


def marks_of(delivery: Delivery) -> tuple[Word, ...]:
    """The recipient's will: sticky, beside any state."""
    given = (delivery.complained_at is not None, delivery.unsubscribed_at is not None)
    return tuple(mark for mark, is_set in zip(MARKS, given, strict=True) if is_set)


def standing(delivery: Delivery, events: Iterable[Event] = ()) -> Standing:
    """Where the delivery stands; explanation and action as the latest report of that state gave them."""
    word = state_word(delivery.state, delivery.bounce, delivery.grade, delivery.source)
    if delivery.state in REPORTED_STATES:
        return _reported(delivery, word, [event for event in events if event.delivery_id == delivery.id])
    grade = word.grade
    text = word.text
    reply = delivery.reply
    explanation = action = ""
    if delivery.state in (State.SENT, State.FAILED, State.DEFERRED) and reply is not None:
        grade = Grade.OWN if reply.is_local else Grade.PEER
        word = replace(word, grade=grade)
        code = f"{reply.code} {reply.enhanced or ''}".strip()
        if delivery.state is State.SENT:
            text = say("Sent: the provider's %(code)s", code=code)
        else:
            found = classify(reply.code, reply.enhanced or "", reply.text)
            explanation, action = found.explanation, found.action
            text = say("%(state)s: %(code)s, %(who)s", state=word.text, code=code, who=_who_answered(delivery))
    elif delivery.state is State.UNCONFIRMED:
        text = say("Unconfirmed: the content went out, the answer was lost")
    elif delivery.why:
        text = joined(": ", [word.text, delivery.why])
    return Standing(word, joined(" ", [text, f"({grade.value})"]), explanation, action, marks_of(delivery))


def _who_answered(delivery: Delivery) -> str:
    if delivery.reply is not None and delivery.reply.is_local:
        return say("our own finding")
    who = delivery.upstream or say("the provider")
    if delivery.state is State.FAILED and delivery.reply is not None and delivery.reply.is_transient:
        return say("the last answer of %(who)s", who=who)
    return say("the answer of %(who)s", who=who)


def _reported(delivery: Delivery, word: Word, events: Sequence[Event]) -> Standing:
    kind = Kind(delivery.state.value)
    data = next((event.data for event in reversed(events) if event.kind is kind), {})
    source, grade = source_name(delivery.source), word.grade.value
    if delivery.state is State.BOUNCED and delivery.bounce is not None:
        line = joined("", [word.text, ": ", BOUNCES[delivery.bounce][0], ", ", source, f" ({grade})"])
    else:
        line = say("%(state)s, reported by %(source)s (%(grade)s)", state=word.text, source=source, grade=grade)
    explanation, action = str(data.get("explanation") or ""), str(data.get("action") or "")
    if not action and delivery.bounce is not None:
        action = BOUNCES[delivery.bounce][1]
    return Standing(word, line, explanation, action, marks_of(delivery))


def row_word(row: Listing) -> Word:
    """The status of a row of the grid: `Bounced, hard`, or `1 bounced, 3 delivered` where recipients differ."""
    if row.is_imported and not any(row.states.values()):
        return IMPORTED
    return _word(row.states, row.reports)


def message_word(deliveries: Collection[Delivery], *, is_imported: bool = False) -> Word:
    """The same of a message's deliveries."""
    if is_imported and not deliveries:
        return IMPORTED
    states = Counter(delivery.state for delivery in deliveries)
    reports = Counter(
        (one.state, one.bounce, one.grade, one.source or "")
        for one in deliveries
        if one.state in REPORTED_STATES and one.grade is not None
    )
    told = (Reported(state, bounce, grade, source, n) for (state, bounce, grade, source), n in reports.items() if grade)
    return _word(states, tuple(told))


def _word(states: Mapping[State, int], reports: Sequence[Reported]) -> Word:
    word = present.status(states)
    if not reports:
        return word
    if sum(1 for count in states.values() if count) == 1 and len({one.bounce for one in reports}) == 1:
        weakest = max(reports, key=lambda one: one.grade)
        told = state_word(weakest.state, weakest.bounce, weakest.grade, weakest.source)
        count = sum(states.values())
        everyone = say("All %(n)s recipients. %(meaning)s", n=count, meaning=told.meaning)
        return told if count == 1 else replace(told, meaning=everyone)
    sources = sorted({joined("", [source_name(one.source), f" ({one.grade.value})"]) for one in reports})
    listed = joined(", ", sources)
    return replace(word, meaning=say("%(meaning)s Reported by %(source)s.", meaning=word.meaning, source=listed))


def row_marks(row: Listing) -> list[Word]:
    """The sticky marks of a row; of an imported one that says itself so, where its status says something else."""
    imported = [IMPORTED] if row.is_imported and any(row.states.values()) else []
    return imported + [mark for mark, count in zip(MARKS, (row.complained, row.unsubscribed), strict=True) if count]
