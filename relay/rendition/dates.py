"""The Date field to a point in time. RFC 5322 section 3.3 and section 4.3, with what is seen in practice; pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_DATE = re.compile(
    r"\s*+(?:[A-Za-z]++\.?,?\s*+)?"
    r"(?:(?P<day>\d{1,2})[ -]\s*+(?P<month>[A-Za-z]{3})[A-Za-z]*+\.?[ ,-]\s*+(?P<year>\d{2,4})\s"
    r"|(?P<month2>[A-Za-z]{3})[A-Za-z]*+\s++(?P<day2>\d{1,2}),?\s++(?:(?P<year2>\d{4})\s)?)"
    r"\s*+(?P<hour>\d{1,2})[:.](?P<minute>\d{1,2})(?:[:.](?P<second>\d{1,2}))?(?:\.\d{1,9})?"
    r"\s*+(?P<half>[AaPp][Mm])?\s*+(?P<zone>(?:GMT|UTC)?[+-]\d{3,4}|[+-]\d\d:\d\d|[A-Za-z]{1,5})?(?:\s*+(?P<year3>\d{4}))?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONES = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "bst": 1, "cet": 1}
_ZONES |= {"cest": 2, "jst": 9}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_date(text: str) -> int | None:
    """`text` in UTC microseconds; None if it is no date. A zone that is not known counts as UTC.

    >>> parse_date("Tue, 24 Nov 2026 13:46:38 +0100")
    1795524398000000
    """
    match = _DATE.match(text[:200])
    if match is None:
        return None
    month = (match["month"] or match["month2"]).lower()
    year = int(match["year"] or match["year2"] or match["year3"] or 0)
    if month not in _MONTHS or not year:
        return None
    if len(match["year"] or "") in (2, 3):
        year += 2000 if year < 50 else 1900  # RFC 5322 section 4.3
    try:
        when = datetime(
            year,
            _MONTHS.index(month) + 1,
            int(match["day"] or match["day2"]),
            _hour(int(match["hour"]), match["half"]),
            int(match["minute"]),
            min(int(match["second"] or 0), 59),
            tzinfo=timezone(_offset(match["zone"] or "")),
        )
        return (when - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return None


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    return hour % 12 + (12 if half.lower() == "pm" else 0)


def _offset(zone: str) -> timedelta:
    digits = re.sub(r"\D", "", zone).zfill(4)
    if "+" not in zone and "-" not in zone:
        return timedelta(hours=_ZONES.get(zone.lower(), 0))
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -offset if "-" in zone else offset
