"""The suppression list as a CSV file: made, and read again with a line of complaint for each line that is wrong.

    address,application,cause,reason,created_at,expires_at
    jane@example.com,shop,bounce,550 5.1.1 no such user,2026-11-24T12:00:00.000000Z,

UTF-8. What is made has the byte order mark that spreadsheets look for, and an apostrophe before what they would run
as a formula; both are taken away again when it is read. What is read needs the column `address` alone, in any order:
a file of one address a line is a list too. An empty application stands for all. RFC 4180.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from relay.model.address import AddressError, parse_path
from relay.model.suppressing import LONGEST_REASON
from relay.model.suppression import Cause, Suppressed
from relay.rendition.export import FORMULA_STARTS, has_control, moment, safe_cell

COLUMNS = ("address", "application", "cause", "reason", "created_at", "expires_at")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Problem:
    """`line`: number of the line, from 1, where the record ends."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Reading:
    entries: tuple[Suppressed, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a file does not say: who reads it, and when. `applications`: those that an entry may name."""

    now: int
    actor: str
    new_id: Callable[[], str]
    applications: Collection[str]


def header() -> bytes:
    return b"\xef\xbb\xbf" + _line(COLUMNS)


def line(entry: Suppressed) -> bytes:
    expires_at = "" if entry.expires_at is None else _time(entry.expires_at)
    cells = (entry.address, entry.application, entry.cause.value, entry.reason, _time(entry.created_at), expires_at)
    return _line([safe_cell(cell) for cell in cells])


def read(data: bytes, circumstances: Circumstances) -> Reading:
    """All entries of a file that are right, and what is wrong with the others."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Reading((), (Problem(data.count(b"\n", 0, error.start) + 1, "not UTF-8"),))
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    entries: list[Suppressed] = []
    problems: list[Problem] = []
    try:
        for number, named in _named(rows):
            try:
                entries.append(_entry(named, circumstances))
            except ValueError as error:
                problems.append(Problem(number, str(error)))
    except (csv.Error, _HeadError) as error:
        problems.append(Problem(max(rows.line_num, 1), f"{error}; nothing after it was read"))
    return Reading(tuple(entries), tuple(problems))


class _HeadError(Exception):
    """The first line names columns that are none, or twice."""


def _named(rows: Iterator[list[str]]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, cell by column) of each record."""
    columns: list[str] = []
    for row in rows:
        cells = [_bare(cell) for cell in row]
        number: int = rows.line_num  # type: ignore[attr-defined]  # of csv's own reader
        if not any(cells):
            continue
        if not columns:
            is_head = "address" in [cell.lower() for cell in cells]
            columns = _columns(cells) if is_head else ["address"]
            if is_head:
                continue
        is_too_long = any(cells[len(columns) :])
        yield number, {"": _TOO_LONG} if is_too_long else dict(zip(columns, cells, strict=False))


_TOO_LONG = "more cells than columns"


def _columns(cells: list[str]) -> list[str]:
    columns = [cell.lower() for cell in cells]
    for name in columns:
        if name not in COLUMNS:
            raise _HeadError(f"there is no column {name[:80]!r}; known are {', '.join(COLUMNS)}")
        if columns.count(name) > 1:
            raise _HeadError(f"the column {name} is there twice")
    return columns


def _entry(cells: dict[str, str], circumstances: Circumstances) -> Suppressed:
    """Raises ValueError with what is wrong."""
    if "" in cells:
        raise ValueError(cells[""])
    now = circumstances.now
    created_at = parse_time(cells["created_at"]) if cells.get("created_at") else now
    if created_at > now:
        raise ValueError("created_at lies in the future")
    expires_at = parse_time(cells["expires_at"]) if cells.get("expires_at") else None
    if expires_at is not None and expires_at <= created_at:
        raise ValueError("expires_at is not after created_at")
    return Suppressed(
        id=circumstances.new_id(),
        address=checked_address(cells.get("address", "")),
        application=checked_application(cells.get("application", ""), circumstances.applications),
        cause=_cause(cells.get("cause", "")),
        reason=checked_reason(cells.get("reason", "")),
        created_at=created_at,
        created_by=circumstances.actor,
        expires_at=expires_at,
    )


# -- values, also for those who give one entry by hand; each raises ValueError with what is wrong -------------------
def checked_address(text: str) -> str:
    """By the grammar that recipients come in by. RFC 5321 section 4.1.2."""
    if not text:
        raise ValueError("no address")
    try:
        path, rest = parse_path(f"<{text}>".encode())
    except (AddressError, UnicodeEncodeError):
        raise ValueError(f"{text[:100]!r} is not an address") from None
    if rest or path.route or "@" not in path.address:
        raise ValueError(f"{text[:100]!r} is not an address")
    return path.address


def checked_application(text: str, known: Collection[str]) -> str:
    """A name that does not exist would let mail through that somebody meant to stop."""
    if text and text not in known:
        raise ValueError(f"there is no application {text[:80]!r}; known are {', '.join(sorted(known))}")
    return text


def checked_reason(text: str) -> str:
    text = text.strip()
    if has_control(text):
        raise ValueError("the reason has line breaks or other control characters")
    if len(text) > LONGEST_REASON:
        raise ValueError(f"the reason has more than {LONGEST_REASON} characters")
    return text


def parse_time(text: str) -> int:
    """UTC microseconds of `2026-11-24`, `2026-11-24T12:00:00Z` or with another offset; without one it is UTC."""
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        found = (at - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is not a time such as 2026-11-24 or 2026-11-24T12:00:00Z") from None
    if found <= 0:
        raise ValueError(f"{text[:40]!r} is too long ago")
    return found


def _cause(text: str) -> Cause:
    if not text:
        return Cause.MANUAL
    try:
        return Cause(text.lower())
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no cause; known are {', '.join(Cause)}") from None


# -- cells ---------------------------------------------------------------------------------------------------------
def _bare(cell: str) -> str:
    """The cell without the apostrophe that keeps a spreadsheet from running it."""
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell


def _time(microseconds: int) -> str:
    return moment(microseconds).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _line(cells: Collection[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode("utf-8")
