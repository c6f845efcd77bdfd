"""How states, times, sizes and facts are shown to people: one word, one meaning, one icon, everywhere.

Gets `now` as an argument; language and zone are those of the request. Does not make HTML; templates do. A 250 of the
provider is *sent*, never more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from relay.model.delivery import State
from relay.model.event import Event, Grade
from relay.model.message import Mode, Trait
from viewer import tongue
from viewer.translation import grouped, joined, known, month, say, say_n

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Word:
    """A status as shown. `icon` names a symbol of icons.svg, `tone` a colour of the style sheet."""

    text: str
    icon: str
    tone: str
    meaning: str
    """What it says and what it does not say: one or two sentences."""
    grade: Grade = Grade.OWN


STATES: Mapping[State, Word] = {
    State.CAPTURED: Word(
        say("Captured"),
        "captured",
        "quiet",
        say("Kept here byte for byte and sent to nobody, because the application's mode is capture."),
    ),
    State.HELD: Word(
        say("Held"),
        "held",
        "held",
        say("Kept here, and waiting for a person's approval. Nothing has been sent to this recipient."),
    ),
    State.QUEUED: Word(
        say("Queued"), "queued", "busy", say("Kept here and due to be sent. The provider has not been asked yet.")
    ),
    State.SENDING: Word(
        say("Sending"), "sending", "busy", say("A connection to the provider is working on it right now.")
    ),
    State.DEFERRED: Word(
        say("Deferred"),
        "deferred",
        "warn",
        say("The provider, or the way to it, said “not now”. It will be tried again by the schedule."),
        Grade.PEER,
    ),
    State.SENT: Word(
        say("Sent"),
        "sent",
        "good",
        say("The provider took responsibility for it (a 250 reply). This says nothing of the recipient's mailbox."),
        Grade.PEER,
    ),
    State.FAILED: Word(
        say("Failed"),
        "failed",
        "bad",
        say("The provider refused it for good, or it could not be handed over in time. Nothing more will be tried."),
        Grade.PEER,
    ),
    State.UNCONFIRMED: Word(
        say("Unconfirmed"),
        "unconfirmed",
        "warn",
        say(
            "The content went out but the provider's answer was lost. It may have been sent; a retry may duplicate it."
        ),
    ),
    State.CANCELLED: Word(
        say("Cancelled"), "cancelled", "quiet", say("Taken out of the queue by a person before it was sent.")
    ),
    State.SUPPRESSED: Word(
        say("Suppressed"),
        "suppressed",
        "held",
        say("Kept here and not sent to this recipient, because a suppression list or a rule of ours says so."),
    ),
    State.DELIVERED: Word(
        say("Delivered"),
        "delivered",
        "good",
        say("Somebody further on reported that the recipient's server took it. Not “read”, not “in the inbox”."),
        Grade.UNSIGNED,
    ),
    State.BOUNCED: Word(
        say("Bounced"),
        "bounced",
        "bad",
        say("It was sent, and reported as not delivered. The class says whether writing there again makes sense."),
        Grade.UNSIGNED,
    ),
    State.DROPPED: Word(
        say("Dropped"),
        "dropped",
        "bad",
        say("The provider had taken it, and reported that it did not try to deliver it."),
        Grade.UNSIGNED,
    ),
}
"""The words for one delivery."""

_SHOWN_FIRST = (
    State.FAILED,
    State.BOUNCED,
    State.DROPPED,
    State.UNCONFIRMED,
    State.DEFERRED,
    State.HELD,
    State.SENDING,
    State.QUEUED,
    State.SUPPRESSED,
    State.SENT,
    State.DELIVERED,
    State.CAPTURED,
    State.CANCELLED,
)
"""What needs attention comes first: decides the icon and the colour when recipients differ."""

FILTERS = (
    State.DELIVERED,
    State.SENT,
    State.QUEUED,
    State.DEFERRED,
    State.FAILED,
    State.BOUNCED,
    State.HELD,
    State.CAPTURED,
)
"""States offered as filter chips over the grid; what waits has a page of its own, with chips for the rest."""

GRADES: Mapping[Grade, str] = {
    Grade.OWN: say("we observed it ourselves"),
    Grade.PEER: say("the provider's server said so in its SMTP reply"),
    Grade.SIGNED: say("a report with a valid signature said so"),
    Grade.UNSIGNED: say("a report said so that anyone who knows the address or the secret could have sent"),
    Grade.HEURISTIC: say("inferred, not observed"),
}

TRAITS: Mapping[Trait, tuple[str, str]] = {
    Trait.BARE_CR: (say("bare CR"), say("has carriage returns without a line feed")),
    Trait.BARE_LF: (say("bare LF"), say("has line feeds without a carriage return")),
    Trait.NUL: (say("NUL"), say("has NUL octets")),
    Trait.EIGHT_BIT: (say("8-bit"), say("has octets above 127")),
    Trait.LONG_LINE: (say("long line"), say("has a line of more than 998 octets")),
}
"""Short name and meaning of what the octets of a content show."""

MODES: Mapping[Mode, str] = {
    Mode.RELAY: say("kept and sent on"),
    Mode.CAPTURE: say("kept, nothing sent"),
    Mode.HOLD: say("kept, sent after approval"),
    Mode.REDIRECT: say("kept, sent to test addresses only"),
}


def status(states: Mapping[State, int]) -> Word:
    """The word for a whole message: `Sent`, or `1 failed, 3 sent` when its recipients differ.

    The most urgent state gives icon, tone and grade. No delivery at all is shown as captured.
    """
    present = [(state, states[state]) for state in _SHOWN_FIRST if states.get(state)]
    if not present:
        return STATES[State.CAPTURED]
    first, count = present[0]
    word = STATES[first]
    if len(present) == 1:
        meaning = (
            word.meaning if count == 1 else say("All %(n)s recipients. %(meaning)s", n=count, meaning=word.meaning)
        )
        return Word(word.text, word.icon, word.tone, meaning, word.grade)
    counts = [(say("%(n)s %(state)s", n=n, state=STATES[state].text.lower()), state) for state, n in present]
    text = joined(", ", [counted for counted, _ in counts])
    meaning = joined(" ", [joined(": ", [counted, STATES[state].meaning]) for counted, state in counts])
    return Word(text, word.icon, word.tone, meaning, word.grade)


def evidence(word: Word) -> str:
    """The tooltip of a status: `The provider took … Evidence B: the provider's server said so …`."""
    grade, because = word.grade.value, GRADES[word.grade]
    return say("%(meaning)s Evidence %(grade)s: %(because)s.", meaning=word.meaning, grade=grade, because=because)


def size(octets: int) -> str:
    """`512 B`, `1.4 kB`, `23 MB`: decimal units, two figures at most."""
    amount = float(octets)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{amount:.1f} {unit}" if unit != "B" and amount < 9.95 else f"{amount:.0f} {unit}"


def moment(at: int) -> datetime:
    """The time of `at` (UTC microseconds); times no calendar has are shown as its first or last."""
    try:
        return _EPOCH + timedelta(microseconds=at)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if at > 0 else datetime.min.replace(tzinfo=UTC)


def iso(at: int) -> str:
    """`2026-11-24T13:46:39Z`, for the datetime attribute."""
    return f"{moment(at).isoformat()[:19]}Z"


def exact(at: int) -> str:
    """`24 Nov 2026, 13:46:39 UTC`, in the reader's zone."""
    return _dated(moment(at), tongue.zone())


def in_utc(at: int) -> str:
    """The same in UTC, whatever the reader's zone."""
    return _dated(moment(at), UTC)


def _dated(when: datetime, zone: tzinfo) -> str:
    with contextlib.suppress(OverflowError):  # the first and the last day of the calendar
        when = when.astimezone(zone)
    # A page of the grid has a hundred of these: strftime takes five times as long.
    clock = f"{when.hour:02}:{when.minute:02}:{when.second:02} {when.tzname()}"
    return f"{when.day} {month(when.month)} {when.year}, {clock}"


def relative(at: int, now: int) -> str:
    """`just now`, `5 min ago`, `3 h ago`, `2 d ago`, then `12 Nov`, and `12 Nov 2025` in another year."""
    age = now - at
    if -MINUTE < age < MINUTE:
        return say("just now")
    if 0 <= age < HOUR:
        return say("%(n)s min ago", n=age // MINUTE)
    if 0 <= age < DAY:
        return say("%(n)s h ago", n=age // HOUR)
    if 0 <= age < 7 * DAY:
        return say("%(n)s d ago", n=age // DAY)
    when = moment(at)
    day = f"{when.day} {month(when.month)}"
    return day if when.year == moment(now).year else f"{day} {when.year}"


def wait(at: int, now: int) -> str:
    """`now`, `in 4 min`, `in 3 h`, `in 2 d`: when something is due."""
    left = at - now
    if left < MINUTE:
        return say("now") if left <= 0 else say("in less than a minute")
    if left < HOUR:
        return say("in %(n)s min", n=left // MINUTE)
    return say("in %(n)s h", n=left // HOUR) if left < 2 * DAY else say("in %(n)s d", n=left // DAY)


def amount(found: int, at_most: int) -> str:
    """`1,234 messages`, `1 message`, or `more than 10,000 messages` when counting stopped there."""
    if found >= at_most:
        return say("more than %(n)s messages", n=grouped(at_most))
    return say_n("%(n)s message", "%(n)s messages", found, n=grouped(found))


def actor(name: str) -> str:
    """Who did it, in words: `user:ann` -> `ann`, `upstream:ses` -> `provider ses`, `relay` -> `Mailwitness`."""
    kind, _, rest = name.partition(":")
    if kind == "user":
        return rest
    if kind == "upstream":
        return say("provider %(name)s", name=rest)
    if kind == "application":
        return say("application %(name)s", name=rest)
    if kind == "webhook":
        return say("webhook %(name)s", name=rest)
    return {"relay": "Mailwitness", "bounce": say("a mail that came back")}.get(name, name)


def event_note(event: Event) -> str:
    """What the event's own data adds, as text: the reply, the reason, or the small facts it carries."""
    for key in ("reply", "reason", "cause", "text"):
        if event.data.get(key):
            return str(event.data[key])
    return joined(", ", [_fact(key, value) for key, value in event.data.items() if key not in _UNSHOWN and value])


_UNSHOWN = frozenset({"attempt", "child", "parent", "due_at", "signatures", "reasons", "standing"})
"""Facts that are shown in another way, or are ids."""


def _fact(key: str, value: object) -> str:
    if isinstance(value, list | tuple):
        listed = ", ".join(map(str, value[:5]))
        value = say("%(listed)s and %(n)s more", listed=listed, n=len(value) - 5) if len(value) > 5 else listed
    return say("from %(address)s", address=value) if key == "address" else joined(": ", [key, known(str(value))])
