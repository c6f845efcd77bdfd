"""Of which days a report is: presets, or two dates; and the days before them, to compare with. Days are UTC. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from viewer import translation
from viewer.errors import FieldError
from viewer.translation import Saying, say

EPOCH = date(1970, 1, 1)
PRESETS: Mapping[str, Saying] = {
    "7d": say("7 days"),
    "30d": say("30 days"),
    "90d": say("90 days"),
    "365d": say("12 months"),
    "month": say("This month"),
    "last-month": say("Last month"),
}
DEFAULT = "30d"
LONGEST = 3660
"""Days."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bar of a chart and line of a table: days [first, stop), numbered since 1970."""

    first: int
    stop: int
    label: str
    """Short, for under a bar."""


@dataclass(frozen=True, slots=True)
class Period:
    """Days [first, stop), numbered since 1970. `preset`: its name, '' for dates of one's own."""

    first: int
    stop: int
    preset: str = ""

    @property
    def first_date(self) -> str:
        return iso(self.first)

    @property
    def last_date(self) -> str:
        return iso(self.stop - 1)

    @property
    def before(self) -> Period:
        """As many days before it; of a whole month the month before."""
        opening = day_of(self.first)
        if opening.day == 1 and day_of(self.stop).day == 1:
            months = (day_of(self.stop).year - opening.year) * 12 + day_of(self.stop).month - opening.month
            return Period(number(_months_before(opening, months)), self.first)
        return Period(self.first - (self.stop - self.first), self.first)

    @property
    def terms(self) -> str:
        """The search for its messages."""
        return terms(self.first, self.stop)

    @property
    def parameters(self) -> dict[str, str]:
        """Its query string."""
        return {"period": self.preset} if self.preset else {"from": self.first_date, "to": self.last_date}

    def buckets(self) -> Sequence[Bucket]:
        """Days, weeks from Monday, or months, whichever makes a chart that can be read."""
        days = self.stop - self.first
        if days <= 45:
            return [Bucket(day, day + 1, short(day)) for day in range(self.first, self.stop)]
        starts = _weeks(self.first, self.stop) if days <= 200 else _months(self.first, self.stop)
        ends = [*starts[1:], self.stop]
        form = short if days <= 200 else month
        return [Bucket(start, stop, form(start)) for start, stop in zip(starts, ends, strict=True)]


def terms(first: int, stop: int) -> str:
    if stop == first + 1:
        return f"on:{iso(first)}"
    return f"after:{iso(first)} before:{iso(stop)}"


def period_of(query: Mapping[str, str], today: int) -> Period:
    """What the parameters `period`, or `from` and `to`, say; 30 days without them. Raises FieldError."""
    if query.get("from") or query.get("to"):
        stop = _date("to", query["to"]) + 1 if query.get("to") else today + 1
        first = _date("from", query["from"]) if query.get("from") else stop - 30
        if first >= stop:
            raise FieldError("to", say("must not lie before the first day"))
        if stop - first > LONGEST:
            raise FieldError("from", say("must lie at most ten years before the last day"))
        return Period(first, stop)
    name = query.get("period") or DEFAULT
    if name not in PRESETS:
        raise FieldError("period", say("must be one of %(names)s", names=", ".join(PRESETS)))
    if name == "month":
        return Period(number(day_of(today).replace(day=1)), today + 1, name)
    if name == "last-month":
        this = day_of(today).replace(day=1)
        return Period(number(_months_before(this, 1)), number(this), name)
    return Period(today + 1 - int(name.removesuffix("d")), today + 1, name)


def day_of(day: int) -> date:
    return EPOCH + timedelta(days=day)


def number(day: date) -> int:
    return (day - EPOCH).days


def iso(day: int) -> str:
    return day_of(day).isoformat()


def short(day: int) -> str:
    """`24 Nov`."""
    return f"{day_of(day).day} {translation.month(day_of(day).month)}"


def month(day: int) -> str:
    """`Nov 26`."""
    return f"{translation.month(day_of(day).month)} {day_of(day):%y}"


def _date(field: str, text: str) -> int:
    try:
        day = number(date.fromisoformat(text))
    except ValueError:
        raise FieldError(field, say("must be a date such as 2026-11-24")) from None
    if not 0 <= day < 100_000:
        raise FieldError(field, say("must lie between 1970 and 2243"))
    return day


def _months_before(first: date, months: int) -> date:
    place = first.year * 12 + first.month - 1 - months
    return date(place // 12, place % 12 + 1, 1)


def _weeks(first: int, stop: int) -> list[int]:
    monday = first + (7 - day_of(first).weekday()) % 7
    return [first, *range(monday if monday > first else monday + 7, stop, 7)]


def _months(first: int, stop: int) -> list[int]:
    starts = [first]
    while (following := number(_months_before(day_of(starts[-1]).replace(day=1), -1))) < stop:
        starts.append(following)
    return starts
