"""Figures: what is counted of messages, by day, application and author. Values and sums alone; pure.

A *copy* is one delivery: what one recipient was to get. A day is a day in UTC, as the number of days since 1970, and
everything is counted on the day on which its message came in, whenever it happened: then each figure has messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum

from relay.model.access import EVERYTHING, Scope

DAY = 86_400_000_000
"""Microseconds."""


class Facet(StrEnum):
    """What copies are told apart by, besides day, application and author; each is counted in rows of its own."""

    ALL = ""
    SUBJECT = "subject"
    """The subject without what differs from message to message (`subject_pattern`)."""
    TAG = "tag"
    """As searched for: case folded. A message has any number."""
    PLACE = "place"
    """The domain of the recipient, lower case."""
    SIGNATURE = "signature"
    """`domain selector algorithm alignment` of each signature on a copy that was handed over."""
    TLS = "tls"
    """The version of TLS by which a copy was handed over; '' without."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What is counted. Every field but the last two is the number of copies of which its name is true."""

    messages: int = 0
    """Not copies: one for all its recipients."""
    copies: int = 0
    captured: int = 0
    held: int = 0
    suppressed: int = 0
    queued: int = 0
    """Or being sent just now."""
    deferred: int = 0
    unconfirmed: int = 0
    cancelled: int = 0
    sent: int = 0
    """And nothing was reported since."""
    delivered: int = 0
    bounced: int = 0
    dropped: int = 0
    failed: int = 0
    hard: int = 0
    """Bounced, because there is no such mailbox or domain."""
    complained: int = 0
    unsubscribed: int = 0
    tracked: int = 0
    """With a pixel."""
    opened: int = 0
    """The pixel was fetched, likely by a person."""
    prefetched: int = 0
    """The pixel was fetched, and only by machines as far as can be told."""
    linked: int = 0
    """With links that are followed through us."""
    clicked: int = 0
    scanned: int = 0
    """A link was followed, and only by machines as far as can be told."""
    handed: int = 0
    """Attempts that ended with the upstream taking the copy."""
    encrypted: int = 0
    """Of these: over TLS."""
    signed: int = 0
    """Of these: with a signature of ours."""
    aligned: int = 0
    """Of these: with one whose domain agrees with the From field's (DMARC, relaxed)."""
    envelope_aligned: int = 0
    """Of these: whose reverse-path's domain does."""
    replies: int = 0
    """Attempts that an upstream ended by a reply."""
    reply_time: int = 0
    """Microseconds from the beginning of these attempts to the reply, together."""
    slowest: int = 0
    """Microseconds of the longest of them."""

    def __add__(self, other: Sums) -> Sums:
        summed = [getattr(self, name) + getattr(other, name) for name in NAMES[:-1]]
        return Sums(*[*summed, max(self.slowest, other.slowest)])

    @property
    def taken(self) -> int:
        """Copies that an upstream took responsibility for."""
        return self.sent + self.delivered + self.bounced + self.dropped

    @property
    def lost(self) -> int:
        """Copies that are known not to have arrived."""
        return self.failed + self.bounced + self.dropped

    @property
    def ended(self) -> int:
        """Copies that were taken or refused for good: of these some are lost."""
        return self.taken + self.failed

    @property
    def waiting(self) -> int:
        return self.queued + self.deferred + self.unconfirmed


NAMES = tuple(one.name for one in fields(Sums))
NONE = Sums()
STATES = (
    *("delivered", "sent", "queued", "deferred", "unconfirmed", "held", "captured", "suppressed", "cancelled"),
    *("dropped", "bounced", "failed"),
)
"""The fields that are states: every copy is in one of them."""


class By(StrEnum):
    """What figures are told apart by."""

    DAY = "day"
    APPLICATION = "application"
    AUTHOR = "author"
    DOMAIN = "domain"
    """The author's."""
    VALUE = "value"
    """The facet's."""


@dataclass(frozen=True, slots=True)
class FigureChoice:
    """Which figures are wanted: of messages of the days [first, stop) that meet each condition; '' asks for nothing."""

    first: int
    stop: int
    by: tuple[By, ...] = ()
    facet: Facet = Facet.ALL
    values: tuple[str, ...] | None = None
    """Only these of the facet; None: all."""
    application: str = ""
    author: str = ""
    """An address in lower case, or `@domain`."""
    scope: Scope = EVERYTHING
    limit: int = 0
    """At most so many rows, those with the most copies; 0: all."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. `keys`: what it is of, in the order of `FigureChoice.by`; days are numbers."""

    keys: tuple[str | int, ...]
    sums: Sums


@dataclass(frozen=True, slots=True)
class FigureSheet:
    """The rows, by their keys; with a limit by number of copies, most first."""

    figures: tuple[Figure, ...] = field(default=())
    as_of: int | None = None
    """UTC microseconds: what happened since then is not, or not all, in it. None: everything is."""
    counted: int | None = None
    """Only the newest so many messages were looked at. None: all."""

    @property
    def total(self) -> Sums:
        return sum((figure.sums for figure in self.figures), NONE)


def subject_pattern(subject: str) -> str:
    """The subject with each word that has a digit in it as `#`, so that letters of one kind have one subject.

    >>> subject_pattern("Your invoice INV-10482 of 3 May")
    'Your invoice # of # May'
    """
    words = subject[:PATTERN_LIMIT].split()
    return " ".join("#" if any(map(str.isdecimal, word)) else word for word in words)


PATTERN_LIMIT = 200
"""Characters of a subject that are looked at."""
