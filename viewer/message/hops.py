"""The way of a message by its Received fields: who handed it to whom, when, and how long each step took.

Pure. Says what the fields say: every server could have written anything below its own. RFC 5321 section 4.4.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from relay.rendition.dates import parse_date
from viewer.translation import say

MAX_HOPS = 100
MAX_VALUE = 4000
MAX_WORD = 200


@dataclass(frozen=True, slots=True)
class Hop:
    """One step. `at` in UTC microseconds, None if it cannot be read; `delay` in microseconds since the step before,

    negative where the clocks disagree, None where either time is unknown."""

    source: str
    by: str
    protocol: str
    recipient: str
    at: int | None
    delay: int | None = None


def hops(received: Sequence[str]) -> tuple[Hop, ...]:
    """The steps in the order of travel, from the values of the Received fields in the order of the header."""
    found: list[Hop] = []
    last: int | None = None
    for value in reversed(received[:MAX_HOPS]):
        hop = _hop(value[:MAX_VALUE])
        delay = hop.at - last if hop.at is not None and last is not None else None
        found.append(replace(hop, delay=delay))
        last = hop.at if hop.at is not None else last
    return tuple(found)


def _hop(value: str) -> Hop:
    before, _, date = value.rpartition(";")
    return Hop(
        _clause(before, "from"),
        _clause(before, "by"),
        _clause(before, "with"),
        _clause(before, "for").strip("<>"),
        parse_date(date),
    )


def _clause(text: str, word: str) -> str:
    """What follows `word` up to the next clause: `from mail.example (mail.example [192.0.2.1]) by …`."""
    match = _STARTS[word].search(text)
    if match is None:
        return ""
    rest = text[match.end() :]
    stop = _NEXT.search(rest)
    return re.sub(r"\s+", " ", rest[: stop.start()] if stop else rest).strip()[:MAX_WORD]


_STARTS = {word: re.compile(rf"(?:^|(?<=[\s)]))(?:{word})\s", re.IGNORECASE) for word in ("from", "by", "with", "for")}
_NEXT = re.compile(r"(?<=[\s)])(?:from|by|via|with|id|for)\s", re.IGNORECASE)


def shown_delay(delay: int) -> str:
    """A delay in words.

    >>> shown_delay(95_000_000)
    '1 min 35 s later'
    """
    seconds = abs(delay) // 1_000_000
    if seconds == 0:
        return say("at once")
    hours, minutes, rest = seconds // 3600, seconds % 3600 // 60, seconds % 60
    words = [f"{count} {unit}" for count, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if count]
    span = " ".join(words[:2])
    return say("%(span)s later", span=span) if delay > 0 else say("%(span)s earlier: the clocks disagree", span=span)
