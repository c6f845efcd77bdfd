"""Calendar parts as the events they describe: what, when, where, who. Read by `icalendar`, bounded, pure.

Repetitions are told, not expanded: a rule can mean a million dates. RFC 5545, RFC 5546 (METHOD).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from icalendar import Calendar

from relay.rendition.charsets import to_text
from relay.rendition.decode import clean, decode_body, parameter
from relay.rendition.mime import Part
from relay.rendition.parts import leaves
from viewer.translation import day, joined, say

TYPES = frozenset({"text/calendar", "application/ics"})
MAX_SIZE = 200_000
"""Octets of one calendar that are read."""
MAX_CALENDARS = 3
MAX_EVENTS = 20
MAX_PEOPLE = 50
MAX_LINE = 500
MAX_TEXT = 5000

METHODS: Mapping[str, str] = {
    "REQUEST": say("Invitation, or a change to one"),
    "CANCEL": say("Cancelled"),
    "REPLY": say("An answer to an invitation"),
    "PUBLISH": say("An event to be noted; no answer is asked for"),
    "COUNTER": say("A proposal for another time"),
    "ADD": say("More dates for an event"),
    "REFRESH": say("Asks for the latest version"),
}
ANSWERS: Mapping[str, str] = {
    "ACCEPTED": say("accepted"),
    "DECLINED": say("declined"),
    "TENTATIVE": say("perhaps"),
    "NEEDS-ACTION": say("not answered"),
    "DELEGATED": say("sent somebody else"),
}
FREQUENCIES: Mapping[str, str] = {
    "YEARLY": say("yearly"),
    "MONTHLY": say("monthly"),
    "WEEKLY": say("weekly"),
    "DAILY": say("daily"),
    "HOURLY": say("hourly"),
}
MOST_CLAUSES = 12
"""Parts of a rule of repetition that are shown."""


@dataclass(frozen=True, slots=True)
class Attendee:
    name: str
    answer: str
    """In a word; '' if none is told."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event or task. Times as the sender gave them, in words; `start_at` in UTC microseconds if known."""

    title: str
    start: str
    end: str
    start_at: int | None
    end_at: int | None
    place: str
    organizer: str
    attendees: tuple[Attendee, ...]
    more_attendees: int
    status: str
    repeats: str
    text: str
    uid: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """A calendar part; `number` is the part's. `problem`: why nothing, or not all, can be told of it."""

    number: int
    method: str
    happenings: tuple[Happening, ...] = ()
    problem: str = ""


def calendar_parts(root: Part) -> list[Part]:
    return [part for part in leaves(root) if part.content_type in TYPES][:MAX_CALENDARS]


def invitations(root: Part, content: bytes) -> tuple[Invitation, ...]:
    """What the calendar parts of a message say; never raises."""
    return tuple(_invitation(part, content) for part in calendar_parts(root))


def _invitation(part: Part, content: bytes) -> Invitation:
    data = decode_body(part, content)
    if len(data) > MAX_SIZE:
        return Invitation(part.number, "", problem=say("This calendar is too large to be shown; it can be downloaded."))
    try:
        calendar = Calendar.from_ical(to_text(data, parameter(part.parameters, "charset") or "utf-8"))
        method = str(calendar.get("METHOD", "")).upper()
        found = [one for one in calendar.walk() if one.name in ("VEVENT", "VTODO", "VJOURNAL")]
        happenings = tuple(_happening(one) for one in found[:MAX_EVENTS])
    except Exception:  # whatever a library makes of a stranger's octets
        return Invitation(part.number, "", problem=say("This calendar cannot be read; it can be downloaded."))
    more = len(found) - len(happenings)
    problem = f"{more} more events are not shown." if more > 0 else "" if found else "There is no event in it."
    return Invitation(part.number, METHODS.get(method, _line(method)), happenings, problem)


def _happening(event: Any) -> Happening:
    start, end = _value(event, "DTSTART"), _value(event, "DTEND") or _value(event, "DUE")
    length = _value(event, "DURATION")
    if end is None and start is not None and isinstance(length, timedelta):
        end = start + length
    elif type(end) is date and type(start) is date and end > start:
        end -= timedelta(days=1)  # the end of whole days is the first day after them
    people = _all(event, "ATTENDEE")
    return Happening(
        title=_line(event.get("SUMMARY", "")),
        start=_when(start),
        end=_when(end) if end != start else "",
        start_at=_microseconds(start),
        end_at=_microseconds(end),
        place=_line(event.get("LOCATION", "")),
        organizer=_person(event.get("ORGANIZER")),
        attendees=tuple(Attendee(_person(one), _answer(one)) for one in people[:MAX_PEOPLE]),
        more_attendees=max(0, len(people) - MAX_PEOPLE),
        status=_line(event.get("STATUS", "")).lower(),
        repeats=_repeats(event.get("RRULE")),
        text=str(event.get("DESCRIPTION", ""))[:MAX_TEXT].strip(),
        uid=_line(event.get("UID", "")),
    )


def _value(event: Any, name: str) -> Any:
    found = event.get(name)
    return getattr(found, "dt", None)


def _all(event: Any, name: str) -> list[Any]:
    found = event.get(name, [])
    return found if isinstance(found, list) else [found]


def _line(value: object) -> str:
    return clean(str(value))[:MAX_LINE]


def _when(value: object) -> str:
    """`Tue 24 Nov 2026, 14:00 (Europe/Berlin)`; whole days without a time."""
    if isinstance(value, datetime):
        zone = str(value.tzname()) if value.tzinfo is not None else say("local time, wherever that is")
        name = getattr(value.tzinfo, "key", None) or zone
        return joined("", [day(value), f", {value:%H:%M} (", name, ")"])
    return day(value) if isinstance(value, date) else ""


def _microseconds(value: object) -> int | None:
    if not isinstance(value, datetime) or value.tzinfo is None:
        return None
    return (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _person(value: Any) -> str:
    """`Ann Keller <ann@example.com>` of `CN=Ann Keller:mailto:ann@example.com`."""
    if value is None:
        return ""
    address = _line(value)
    if address.lower().startswith("mailto:"):
        address = address[7:]
    name = _line(value.params.get("CN", ""))
    return f"{name} <{address}>" if name and name != address else address


def _answer(value: Any) -> str:
    answer = _line(value.params.get("PARTSTAT", "")).upper()
    return ANSWERS.get(answer, answer.lower())


def _repeats(rule: Any) -> str:
    """`weekly, 10 times` of `FREQ=WEEKLY;COUNT=10`; the whole rule where it says more."""
    if not isinstance(rule, Mapping):
        return ""
    parts = {str(name).upper(): ", ".join(map(_word, values)) for name, values in _listed(rule)}
    often = parts.pop("FREQ", "").upper()
    words = [FREQUENCIES.get(often, often.lower())]
    if interval := parts.pop("INTERVAL", ""):
        words.append(say("every %(interval)s", interval=interval))
    if count := parts.pop("COUNT", ""):
        words.append(say("%(count)s times", count=count))
    if until := parts.pop("UNTIL", ""):
        words.append(say("until %(until)s", until=until))
    words += [f"{name.lower()} {value}" for name, value in parts.items()]
    return joined(", ", [word for word in words if word][:MOST_CLAUSES])


def _listed(rule: Mapping[Any, Any]) -> Iterable[tuple[Any, list[Any]]]:
    return ((name, values if isinstance(values, list) else [values]) for name, values in rule.items())


def _word(value: object) -> str:
    return _when(value) or _line(value)
