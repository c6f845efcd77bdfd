"""What every report is asked: of which days, of whose mail, compared with what; and searches for what it counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from relay.archive.api import Archive
from relay.archive.query import quoted
from relay.model.figure import DAY, FigureChoice, FigureSheet, Sums
from viewer.errors import FieldError
from viewer.figures.period import Period, period_of
from viewer.figures.table import Cell, Column, Form, change, rate
from viewer.keys import CLOCK
from viewer.security import archive_of
from viewer.translation import say

LINES = 5000
"""Lines of a table at most, as CSV and JSON."""
LONGEST = 320
"""Characters of a filter."""
STATUS = {
    **{
        state: f"status:{state}"
        for state in ("delivered", "sent", "deferred", "unconfirmed", "held", "captured", "suppressed", "cancelled")
    },
    "queued": "(status:queued OR status:sending)",
    "dropped": "status:dropped",
    "bounced": "status:bounced",
    "failed": "status:failed",
    "complained": "status:complained",
    "unsubscribed": "status:unsubscribed",
    "hard": "bounce:hard",
    "opened": "opened:human",
    "prefetched": "(opened:proxy OR opened:scanner)",
    "clicked": "clicked:human",
    "scanned": "clicked:scanner",
    "waiting": "status:pending",
    "taken": "(status:sent OR status:delivered OR status:bounced OR status:dropped)",
    "lost": "(status:failed OR status:bounced OR status:dropped)",
}
"""The search for messages of which some copy counts."""


@dataclass(frozen=True, slots=True)
class Asked:
    archive: Archive
    period: Period
    now: int
    compares: bool = False
    application: str = ""
    author: str = ""
    is_whole: bool = False
    """Whether all lines of the tables are wanted: programs do, a page has only so much room."""

    def limit(self, most: int) -> int:
        """How many lines to ask for, where a page shows `most`: one more says that there are more."""
        return LINES if self.is_whole else most + 1

    @property
    def filters(self) -> dict[str, str]:
        given = {"application": self.application, "author": self.author, "compare": "1" if self.compares else ""}
        return {name: value for name, value in given.items() if value}

    @property
    def choice(self) -> FigureChoice:
        return FigureChoice(
            self.period.first, self.period.stop, application=self.application, author=self.author.lower()
        )

    @property
    def choice_before(self) -> FigureChoice:
        before = self.period.before
        return replace(self.choice, first=before.first, stop=before.stop)

    def search(self, *terms: str, days: str = "") -> str:
        """The terms, with the filters and the days."""
        return " ".join(term for term in (*terms, *self._own_terms(), days or self.period.terms) if term)

    def _own_terms(self) -> list[str]:
        return [
            f"application:{quoted(self.application)}" if self.application else "",
            f"from:{quoted(self.author)}" if self.author else "",
        ]


def asked(request: web.Request) -> Asked:
    """Raises FieldError."""
    query = request.query
    now = request.app[CLOCK]()
    if query.get("compare", "") not in ("", "0", "1"):
        raise FieldError("compare", say("must be 1 or 0"))
    return Asked(
        archive_of(request),
        period_of(query, now // DAY),
        now,
        query.get("compare") == "1",
        text(query, "application"),
        text(query, "author"),
        request.path.startswith("/api/"),
    )


def text(query: Mapping[str, str], name: str) -> str:
    value = query.get(name, "").strip()
    if len(value) > LONGEST:
        raise FieldError(name, say("must have at most %(count)s characters", count=LONGEST))
    return value


def lag(*sheets: FigureSheet) -> dict[str, Any]:
    """`as_of` and `counted` of a report that is made from these."""
    times = [sheet.as_of for sheet in sheets if sheet.as_of is not None]
    counted = [sheet.counted for sheet in sheets if sheet.counted is not None]
    return {"as_of": min(times, default=None), "counted": min(counted, default=None)}


# -- columns that several tables have ------------------------------------------------------------------------
MESSAGES = Column("messages", say("Messages"))
COPIES = Column("copies", say("Recipients"), hint=say("Each recipient of each message counts."))
LOST = Column(
    "lost_rate",
    say("Failed"),
    Form.RATE,
    say("Failed, bounced or dropped, of those that were taken by a provider or refused."),
)
OPENED = Column(
    "open_rate",
    say("Opened"),
    Form.RATE,
    say("The pixel was fetched, likely by a person, of those that had one. Not “read”."),
)
PREFETCHED = Column(
    "machine_open_rate",
    say("By machines only"),
    Form.RATE,
    say("The pixel was fetched by a privacy proxy or a scanner alone: this says nothing of a person."),
)
CLICKED = Column(
    "click_rate", say("Clicked"), Form.RATE, say("A link was followed, likely by a person, of those that had one.")
)
COMPLAINED = Column(
    "complaint_rate", say("Complained"), Form.RATE, say("Called spam, as far as we are told, of those taken.")
)
REPLY = Column(
    "reply_seconds", say("Reply"), Form.SECONDS, say("From the beginning of an attempt to the provider's answer, mean.")
)
SLOWEST = Column("slowest_seconds", say("Slowest"), Form.SECONDS, say("The longest of these."))
CHANGE = Column("change", say("Change"), Form.CHANGE, say("Since the period before."))
RATES = (LOST, OPENED, PREFETCHED, CLICKED, COMPLAINED, REPLY, SLOWEST)


def rates(sums: Sums, q: str) -> list[Cell]:
    """The cells of RATES. `q`: the search for all the messages."""
    return [
        rate(sums.lost, sums.ended, q=f"{STATUS['lost']} {q}"),
        rate(sums.opened, sums.tracked, q=f"{STATUS['opened']} {q}"),
        rate(sums.prefetched, sums.tracked, q=f"{STATUS['prefetched']} {q}"),
        rate(sums.clicked, sums.linked, q=f"{STATUS['clicked']} {q}"),
        rate(sums.complained, sums.taken, q=f"{STATUS['complained']} {q}"),
        *reply(sums),
    ]


def reply(sums: Sums) -> list[Cell]:
    if not sums.replies:
        return [Cell(None), Cell(None)]
    return [Cell(round(sums.reply_time / sums.replies / 1e6, 3)), Cell(round(sums.slowest / 1e6, 3))]


def count(value: int, q: str) -> Cell:
    return Cell(value, q=q if value else "")


def glance(now: Sums, before: Sums | None, asked: Asked, names: tuple[str, ...] = ()) -> list[list[Cell]]:
    """The lines of a table of what is counted: what, how many, of how many, and the change since the period before."""
    return [_line(name, now, before, asked) for name in names or tuple(GLANCE)]


def _line(name: str, now: Sums, before: Sums | None, asked: Asked) -> list[Cell]:
    words, among = GLANCE[name]
    value: int = getattr(now, name)
    whole: int = getattr(now, among) if among else 0
    cells = [
        Cell(words),
        count(value, asked.search(STATUS.get(name, ""))),
        rate(value, whole) if among else Cell(None),
    ]
    if before is None:
        return cells
    earlier: int = getattr(before, name)
    days = asked.period.before.terms
    return [*cells, count(earlier, asked.search(STATUS.get(name, ""), days=days)), change(value, earlier)]


GLANCE = {
    "messages": (say("Messages"), ""),
    "copies": (say("Recipients"), ""),
    "delivered": (say("Delivered, as reported"), "copies"),
    "sent": (say("Sent, nothing reported"), "copies"),
    "waiting": (say("Waiting, or unconfirmed"), "copies"),
    "held": (say("Held"), "copies"),
    "captured": (say("Captured"), "copies"),
    "suppressed": (say("Suppressed"), "copies"),
    "cancelled": (say("Cancelled"), "copies"),
    "dropped": (say("Dropped"), "copies"),
    "bounced": (say("Bounced"), "copies"),
    "failed": (say("Failed"), "copies"),
    "complained": (say("Complained"), "taken"),
    "unsubscribed": (say("Unsubscribed"), "taken"),
    "opened": (say("Opened, likely by a person"), "tracked"),
    "prefetched": (say("Opened by machines only"), "tracked"),
    "clicked": (say("Clicked, likely by a person"), "linked"),
    "scanned": (say("Clicked by machines only"), "linked"),
}


def glance_columns(compares: bool) -> list[Column]:
    columns = [
        Column("what", say("What"), Form.TEXT),
        Column("count", say("Count")),
        Column("share", say("Share"), Form.RATE, say("Of the recipients; of what was taken, tracked or linked.")),
    ]
    return [*columns, Column("before", say("Before")), CHANGE] if compares else columns
