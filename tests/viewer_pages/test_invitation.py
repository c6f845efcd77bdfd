"""Calendar parts as events; whatever is in them, no more than a sentence goes wrong."""

from __future__ import annotations

import pytest

from relay.rendition.mime import parse
from viewer.message.invitation import MAX_CALENDARS, MAX_EVENTS, MAX_PEOPLE, MAX_SIZE, Attendee, Invitation, invitations

EVENT = (
    "BEGIN:VEVENT\r\nUID:1@example\r\nDTSTART;TZID=Europe/Berlin:20261124T140000\r\n"
    "DTEND;TZID=Europe/Berlin:20261124T150000\r\nSUMMARY:Site visit <b>\r\nLOCATION:Dock 4\r\n"
    "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=10;BYDAY=MO,TU\r\nORGANIZER;CN=Clara:mailto:clara@example.com\r\n"
    "ATTENDEE;CN=Ann;PARTSTAT=ACCEPTED:mailto:ann@example.com\r\nATTENDEE;PARTSTAT=X-ODD:mailto:bob@example.com\r\n"
    "STATUS:CONFIRMED\r\nDESCRIPTION:one\\ntwo\r\nEND:VEVENT\r\n"
)


def calendar(*events: str, method: str = "METHOD:REQUEST\r\n") -> str:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y\r\n{method}{''.join(events)}END:VCALENDAR\r\n"


def told(text: str | bytes, kind: str = "text/calendar; charset=utf-8") -> Invitation:
    body = text.encode() if isinstance(text, str) else text
    content = f"Content-Type: {kind}\r\n\r\n".encode() + body
    (found,) = invitations(parse(content), content)
    return found


def test_an_invitation_says_what_when_where_and_who() -> None:
    found = told(calendar(EVENT))
    (event,) = found.happenings
    assert found.method == "Invitation, or a change to one"
    assert (event.title, event.place, event.status) == ("Site visit <b>", "Dock 4", "confirmed")
    assert event.start == "Tue 24 Nov 2026, 14:00 (Europe/Berlin)"
    assert event.start_at == 1_795_525_200_000_000
    assert event.repeats == "weekly, every 2, 10 times, byday MO, TU"
    assert event.organizer == "Clara <clara@example.com>"
    assert event.attendees == (Attendee("Ann <ann@example.com>", "accepted"), Attendee("bob@example.com", "x-odd"))
    assert event.text == "one\ntwo"


def test_whole_days_end_on_their_last_day() -> None:
    text = EVENT.replace("DTSTART;TZID=Europe/Berlin:20261124T140000", "DTSTART;VALUE=DATE:20261124")
    event = told(calendar(text.replace("DTEND;TZID=Europe/Berlin:20261124T150000", "DTEND;VALUE=DATE:20261126")))
    (one,) = event.happenings
    assert (one.start, one.end, one.start_at) == ("Tue 24 Nov 2026", "Wed 25 Nov 2026", None)


def test_a_duration_makes_the_end() -> None:
    text = EVENT.replace("DTEND;TZID=Europe/Berlin:20261124T150000", "DURATION:PT90M")
    (one,) = told(calendar(text)).happenings
    assert one.end == "Tue 24 Nov 2026, 15:30 (Europe/Berlin)"


def test_a_time_in_no_zone_says_so() -> None:
    (one,) = told(calendar(EVENT.replace("DTSTART;TZID=Europe/Berlin", "DTSTART"))).happenings
    assert one.start.endswith("(local time, wherever that is)")
    assert one.start_at is None


def test_a_task_with_next_to_nothing_in_it_is_shown() -> None:
    rule, who = "RRULE:FREQ=DAILY;UNTIL=20261224T000000Z\r\n", "ATTENDEE:mailto:a@example.com\r\n"
    text = f"BEGIN:VTODO\r\nUID:2\r\n{rule}{who}END:VTODO\r\n"
    (one,) = told(calendar(text, method="")).happenings
    assert (one.title, one.start, one.end, one.organizer) == ("", "", "", "")
    assert one.repeats == "daily, until Thu 24 Dec 2026, 00:00 (UTC)"
    assert one.attendees == (Attendee("a@example.com", ""),)


@pytest.mark.parametrize("text", ["", "junk", "BEGIN:VCALENDAR\r\n", calendar(EVENT.replace("20261124T14", "x"))])
def test_what_cannot_be_read_is_said_in_a_sentence(text: str) -> None:
    assert told(text).problem.startswith("This calendar cannot be read")


def test_a_calendar_without_events_says_so() -> None:
    assert told(calendar()).problem == "There is no event in it."


def test_octets_that_are_no_text_do_no_harm() -> None:
    assert told(bytes(range(256)) * 20).problem


def test_all_is_bounded() -> None:
    assert told("x" * (MAX_SIZE + 1)).problem.startswith("This calendar is too large")
    many = told(calendar(*[EVENT] * (MAX_EVENTS + 3)))
    assert len(many.happenings) == MAX_EVENTS
    assert many.problem == "3 more events are not shown."
    people = "".join(f"ATTENDEE:mailto:p{n}@example.com\r\n" for n in range(MAX_PEOPLE + 7))
    (one,) = told(calendar(EVENT.replace("STATUS:CONFIRMED\r\n", people))).happenings
    assert (len(one.attendees), one.more_attendees) == (MAX_PEOPLE, 9)


def test_only_the_first_calendars_of_a_message_are_read() -> None:
    part = "--b\r\nContent-Type: text/calendar\r\n\r\n" + calendar(EVENT)
    content = ("Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 5 + "--b--\r\n").encode()
    assert len(invitations(parse(content), content)) == MAX_CALENDARS


def test_other_files_are_no_calendars() -> None:
    content = b"Content-Type: text/plain\r\n\r\n" + calendar(EVENT).encode()
    assert invitations(parse(content), content) == ()


def test_an_event_that_happens_once_does_not_repeat_and_an_organizer_may_have_no_address() -> None:
    text = EVENT.replace("RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=10;BYDAY=MO,TU\r\n", "")
    (one,) = told(calendar(text.replace("mailto:clara@example.com", "urn:uuid:7"))).happenings
    assert (one.repeats, one.organizer) == ("", "Clara <urn:uuid:7>")
