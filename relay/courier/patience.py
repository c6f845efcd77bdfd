"""How long a server asks us to wait, found in the text of its reply. Pure.

No standard says how; these are the ways of Postgrey ("Greylisted, see … in 00:04:59"), milter-greylist, SQLgrey,
Exchange, SES, Gmail and others:

    try again in 5 minutes · retry after 300 seconds · please wait 60s · in 00:04:59 · retry-after: 120
"""

from __future__ import annotations

import re

from relay.model.reply import Reply

LONGEST = 7 * 24 * 3600
"""Seconds; a longer wait is not meant."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_NUMBER = r"(?P<number>[0-9]{1,7})\s{0,3}(?P<unit>seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)?(?![\w:.])"
_CLOCK = r"(?P<hours>[0-9]{1,2}):(?P<minutes>[0-5][0-9])(?::(?P<seconds>[0-5][0-9]))?(?![\w:.])"
_ASKED = re.compile(
    r"(?:\b(?:in|after|within|least|another|wait(?:\s{1,3}for)?)|\bretry-after\s{0,3}[:=])\s{1,3}"
    r"(?:about\s|at\sleast\s|another\s)?"
    rf"(?:{_CLOCK}|{_NUMBER})",
    re.IGNORECASE,
)
_BEGGED = re.compile(
    r"\b(?:again|retry|re-?send|resubmit|wait|delay(?:ed)?|gr[ae]y-?list\w*|later|back)\b", re.IGNORECASE
)


def asked(reply: Reply) -> int | None:
    """Seconds to wait, if a temporary refusal by the peer says how many.

    `Reply(450, "Greylisted, try again in 5 minutes")` -> 300.
    """
    if reply.is_local or not reply.is_transient or not _BEGGED.search(reply.text):
        return None
    for found in _ASKED.finditer(reply.text):
        seconds = _seconds(found)
        if seconds is not None and 0 < seconds <= LONGEST:
            return seconds
    return None


def _seconds(found: re.Match[str]) -> int | None:
    if found["number"] is None:
        hours, minutes, seconds = int(found["hours"]), int(found["minutes"]), found["seconds"]
        # `in 4:59` are minutes and seconds; `in 00:04:59` has hours before them.
        return hours * 60 + minutes if seconds is None else hours * 3600 + minutes * 60 + int(seconds)
    unit = (found["unit"] or "").lower()
    if not unit and not re.search(r"retry-after", found[0], re.IGNORECASE):
        return None
    return int(found["number"]) * _UNITS[unit[0] if unit else "s"]
