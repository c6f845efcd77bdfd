"""What a message's own header fields ask of its sending: how urgent it is, and when it is to go. Pure.

    X-Mailwitness-Priority: urgent | normal | bulk
    X-Mailwitness-Send-At: 2026-12-24T18:00:00+01:00 | Thu, 24 Dec 2026 18:00:00 +0100 | +2h

Found in the header section by one regular expression, without parsing the message. A time that has passed means now.
A time that cannot be understood refuses the message: sent at once it might come a week early. A priority that cannot
be understood is only noted. The fields are for us alone, and are not in the sent copy (`trace.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from relay.model.delivery import Priority
from relay.rendition.dates import parse_date

HORIZON = 90 * 24 * 3600 * 1_000_000
"""Microseconds ahead for which a message may be scheduled."""

_FIELD = re.compile(
    rb"^x-mailwitness-(priority|send-at)[ \t]*+:((?:[^\n]++|\n(?=[ \t]))*+)", re.IGNORECASE | re.MULTILINE
)
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(\.\d{1,9})?\s?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_RELATIVE = re.compile(r"\+\s*(\d{1,9})\s*([smhd])", re.IGNORECASE | re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PRIORITIES = {"urgent": Priority.URGENT, "normal": Priority.NORMAL, "bulk": Priority.BULK}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Given = tuple[tuple[str, str], ...]
"""(`priority` or `send-at`, value) for each of the fields, in order."""


class Unreadable(ValueError):
    """The message asks for a time that we cannot promise; the text says why, for the client."""


@dataclass(frozen=True, slots=True)
class Instructions:
    """`send_at` in UTC microseconds, later than now; None: at once. `problems`: what was not understood, in words."""

    priority: Priority | None = None
    """None: the message does not say."""
    send_at: int | None = None
    problems: tuple[str, ...] = ()


NONE = Instructions()


def find(head: bytes | bytearray) -> Given:
    """The fields in `head`, a header section as it came; takes time in proportion to its length.

    >>> find(b"Subject: a\\r\\nX-Mailwitness-Send-At:\\r\\n +2h\\r\\n")
    (('send-at', '+2h'),)
    """
    return tuple(
        (name.decode("ascii").lower(), " ".join(value.decode("utf-8", "replace").split()))
        for name, value in _FIELD.findall(head)
    )


def understood(given: Given, now: int) -> Instructions:
    """What the fields ask, at `now` (UTC microseconds). Raises Unreadable."""
    if not given:
        return NONE
    times = [value for name, value in given if name == "send-at"]
    words = [value for name, value in given if name == "priority"]
    if len(times) > 1:
        raise Unreadable("X-Mailwitness-Send-At is given twice")
    priority = _PRIORITIES.get(words[0].lower()) if len(words) == 1 else None
    problems: tuple[str, ...] = ()
    if words and priority is None:
        problems = (f"X-Mailwitness-Priority: {_shown(words)} is not one of urgent, normal and bulk",)
    return Instructions(priority, _send_at(times[0], now) if times else None, problems)


def _send_at(text: str, now: int) -> int | None:
    at = _time(text, now)
    if at is None:
        raise Unreadable(f"X-Mailwitness-Send-At: {_shown([text])} is no time such as 2026-12-24T18:00:00Z or +2h")
    if at > now + HORIZON:
        raise Unreadable(f"X-Mailwitness-Send-At: {_shown([text])} is more than 90 days ahead")
    return at if at > now else None


def _time(text: str, now: int) -> int | None:
    relative = _RELATIVE.fullmatch(text)
    if relative is not None:
        return now + int(relative[1]) * _SECONDS[relative[2].lower()] * 1_000_000
    exact = _RFC3339.fullmatch(text)
    if exact is None:
        # A date in words must name its zone: which one was meant is not to be guessed.
        return parse_date(text) if re.search(r"[+-]\d{4}\b|\b(?:GMT|UTC?|Z)\b", text) else None
    zone = "+00:00" if exact[4] in "Zz" else exact[4]
    try:
        when = datetime.fromisoformat(f"{exact[1]}T{exact[2]}{zone}")
        return (when - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return None


def _shown(words: Iterable[str]) -> str:
    """As the client may be told it: printable ASCII, short."""
    return repr(re.sub(r"[^\x20-\x7e]", "?", ", ".join(words))[:60])
