"""The archive: the one meeting point of intake, courier and viewer.

What every backend promises:

- A method that writes returns after a commit that survives power loss, and can be repeated with the same ids: the
  second time changes nothing. When it raises ArchiveUnavailable nothing of it was kept (or, if the commit's own
  outcome is unknown, repeating it is safe).
- Writes are run by one writer, many in one transaction; the caller's cancellation does not stop a write under way.
- Methods that read see every write that returned before they were called.
- Times are UTC microseconds, ids are ULIDs made by the caller.

Implementations: `sqlite.py`. `open_archive(url)` in `relay.archive` is the only branch on the backend.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from relay.archive.api.alert import Watching
from relay.archive.api.deletion import Deletions
from relay.archive.api.encryption import EncryptionMethods
from relay.archive.api.engagement import Engagement
from relay.archive.api.erasure import Erasures
from relay.archive.api.errors import ArchiveError as ArchiveError
from relay.archive.api.errors import ArchiveUnavailable as ArchiveUnavailable
from relay.archive.api.errors import Gone as Gone
from relay.archive.api.errors import NobodyLeft as NobodyLeft
from relay.archive.api.errors import NotFound as NotFound
from relay.archive.api.errors import OutOfReach as OutOfReach
from relay.archive.api.errors import TooSlow as TooSlow
from relay.archive.api.export import Exports
from relay.archive.api.figure import Figures
from relay.archive.api.hold import Holds
from relay.archive.api.idempotency import Idempotency
from relay.archive.api.importing import Imports
from relay.archive.api.ledger import Ledger
from relay.archive.api.notification import Notifications
from relay.archive.api.people import Account as Account
from relay.archive.api.people import ApiToken as ApiToken
from relay.archive.api.people import ApplicationRecord as ApplicationRecord
from relay.archive.api.people import People
from relay.archive.api.people import User as User
from relay.archive.api.queue import ALL_LANES as ALL_LANES
from relay.archive.api.queue import Lanes as Lanes
from relay.archive.api.queue import QueueWork
from relay.archive.api.queue import Waiting as Waiting
from relay.archive.api.reindexing import Progress, Reindexing
from relay.archive.api.repetition import Repetitions
from relay.archive.api.report import Keeping as Keeping
from relay.archive.api.report import Reports
from relay.archive.api.report import StoredReport as StoredReport
from relay.archive.api.sign_in import SignIn
from relay.archive.api.sign_in import WebSession as WebSession
from relay.archive.api.suppression import Suppressions
from relay.archive.api.view import Views
from relay.archive.api.waiting import WaitingQueue
from relay.archive.query import Query
from relay.model.bounce import BounceClass
from relay.model.deletion import Deletion
from relay.model.delivery import Attempt, Delivery, State
from relay.model.event import Event, Grade
from relay.model.fetch import Verdict
from relay.model.message import Message
from relay.model.summary import Reference, Summary
from relay.model.suppression import Suppressed
from relay.model.token import Token


@dataclass(frozen=True, slots=True)
class StoredContent:
    """A content ready to be stored: zstd frames of at most `CHUNK` octets each, made by `ContentBuilder`."""

    frames: tuple[bytes, ...]
    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Reported:
    """Deliveries of a message, `count` of them, whose state one source reported."""

    state: State
    bounce: BounceClass | None
    grade: Grade
    source: str
    count: int


@dataclass(frozen=True, slots=True)
class Listing:
    """One row of the grid."""

    id: str
    seq: int
    """Order of capture; also the cursor of the live view."""
    received_at: int
    sender: str
    """The author as shown: name and address of From, else the reverse-path, else '' (null sender)."""
    recipients: tuple[str, ...]
    """The first recipients of the envelope as shown (with the name the header gives them), at most 3."""
    recipient_count: int
    subject: str
    snippet: str
    application: str
    states: Mapping[State, int]
    """How many deliveries are in which state."""
    references: tuple[Reference, ...] = ()
    tags: tuple[str, ...] = ()
    size: int = 0
    attachment_count: int = 0
    parent_id: str | None = None
    opened: frozenset[Verdict] = frozenset()
    """The verdicts about fetches of its pixels; empty: there was none."""
    clicked: frozenset[Verdict] = frozenset()
    """The same of its links; the invisible ones do not count."""
    reports: tuple[Reported, ...] = ()
    """Who reported those of `states` that only a report can bring about."""
    complained: int = 0
    """Deliveries whose recipient called it spam, whatever their state."""
    unsubscribed: int = 0
    is_automatic: bool = False
    """The message says itself that a program sent it (see `relay.model.mailing`)."""
    mailing: int | None = None
    """The mailing it is of."""
    is_deleted: bool = False
    """The content is gone; subject, names and snippet with it."""
    is_imported: bool = False
    """Taken over from elsewhere: not witnessed."""


@dataclass(frozen=True, slots=True)
class Sort:
    """`key` is one of SORT_KEYS; ties are broken by order of capture in the same direction."""

    key: str = "date"
    descending: bool = True


SORT_KEYS = ("date", "to", "subject", "sender", "size")


@dataclass(frozen=True, slots=True)
class Estimate:
    """How many messages match: exactly, or about so many where counting all would take too long."""

    number: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the grid. The cursors are opaque text, None where there is no further page that way."""

    rows: tuple[Listing, ...]
    next: str | None = None
    previous: str | None = None
    estimate: Estimate | None = None
    """Of all that match; None where it was not asked for."""
    progress: Progress | None = None
    """Of the archive when it was searched."""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """Everything known of one message but its content and events."""

    message: Message
    seq: int
    summary: Summary | None
    """None while the indexer has not reached it."""
    deliveries: tuple[Delivery, ...]
    attempts: tuple[Attempt, ...]
    children: tuple[str, ...] = ()
    """Ids of messages edited and resent from this one."""
    tags: tuple[str, ...] = ()
    """As people have changed them."""
    deletion: Deletion | None = None
    """Who took the content away, when and why; None while it is there."""


@dataclass(frozen=True, slots=True)
class Capture:
    """A message to be kept, and all that is kept with it."""

    message: Message
    content: StoredContent
    deliveries: Sequence[Delivery]
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class Closing:
    """The end of one attempt: the closed attempt, the delivery after it, the event that says so."""

    attempt: Attempt
    delivery: Delivery
    event: Event
    suppression: Suppressed | None = None
    """The entry that a refusal for good makes, by rule."""


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """Depth of the queue by state, and the `created_at` of the oldest delivery still due."""

    depth: Mapping[State, int]
    oldest: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """Something viewers may want to show at once: a message captured, indexed, or with a delivery changed."""

    message_id: str
    seq: int
    kind: str
    """`captured`, `indexed` or `delivery`."""


@dataclass(frozen=True, slots=True)
class Health:
    """What /readyz and /metrics tell of the archive."""

    is_writable: bool
    messages: int
    last_seq: int
    indexed_seq: int
    """Messages up to this one are searchable; last_seq - indexed_seq is the index lag."""
    commits: int
    committed_units: int
    """Waiting writes carried by those commits; the quotient shows the group commit."""
    commit_seconds: float
    problems: tuple[str, ...] = field(default=())


class Archive(
    Engagement,
    Figures,
    Notifications,
    Suppressions,
    QueueWork,
    WaitingQueue,
    Reports,
    Reindexing,
    Repetitions,
    Idempotency,
    SignIn,
    People,
    Deletions,
    Erasures,
    Holds,
    Imports,
    Exports,
    Watching,
    Views,
    Ledger,
    EncryptionMethods,
    Protocol,
):
    """See the module's docstring for what all methods promise; of tracking, `api/engagement.py`; of
    suppression, `api/suppression.py`."""

    # -- life ------------------------------------------------------------------------------------------------
    async def close(self) -> None:
        """Finishes the waiting writes, closes readers, then the writing connection. Later calls raise."""

    async def health(self) -> Health: ...

    # -- intake ----------------------------------------------------------------------------------------------
    async def add_message(
        self, message: Message, content: StoredContent, deliveries: Sequence[Delivery], events: Sequence[Event]
    ) -> None:
        """Commit 1: content, envelope, reception facts, deliveries, events.

        If we crash before the commit: nothing of the message exists and no 250 was sent. After it: the message will
        be delivered even if the 250 never left; the client may send it again as another message.
        Raises ArchiveUnavailable.
        """

    # -- courier ---------------------------------------------------------------------------------------------
    async def renew(self, owner: str, delivery_ids: Sequence[str], lease_until: int) -> None: ...

    async def begin_attempts(self, attempts: Sequence[Attempt], tokens: Sequence[Token] = ()) -> None:
        """Commit 2: from here on a crash leaves visible open attempts, which `recover` calls unconfirmed.

        The tokens in the copies are kept in the same commit: they exist before anyone can fetch one.
        """

    async def finish_attempts(
        self, closings: Sequence[Closing], notices: Sequence[Capture] = (), events: Sequence[Event] = ()
    ) -> None:
        """Commit 3. Also ends the lease. Crash before: `recover` calls the attempt unconfirmed and it is retried.

        `notices`: messages of ours about what ended, and `events`: what else is to be said, in the same commit.
        """

    async def release(
        self, deliveries: Sequence[Delivery], events: Sequence[Event] = (), notices: Sequence[Capture] = ()
    ) -> None:
        """Writes the given claimed deliveries back without an attempt (shutdown, no connection to be had).

        One that is not claimed (any more) is left alone, its events are not added; without any, no notice is.
        """

    async def recover(
        self, now: int, new_event_ids: Sequence[str], *, owner: str | None = None, retry_unconfirmed: bool = True
    ) -> list[Delivery]:
        """Deals with leases that ran out (or that are not `owner`'s, when given: a fresh start) and returns them.

        A claimed delivery with an open attempt becomes *unconfirmed*, the attempt is closed with a local reply, an
        event says so; one without becomes queued. Both are due at `now`, but an unconfirmed one rests unless
        `retry_unconfirmed`. At most len(new_event_ids) at a time.
        """

    async def wait_for_due(self, timeout: float) -> None:
        """Returns when a delivery may have become due by a write, or after `timeout` seconds."""

    async def queue_facts(self) -> QueueFacts: ...

    # -- facts -----------------------------------------------------------------------------------------------
    async def add_events(self, events: Sequence[Event]) -> None: ...

    async def events(
        self, *, message_id: str | None = None, after: int = 0, limit: int = 1000, query: Query | None = None
    ) -> list[tuple[int, Event]]:
        """(sequence number, event) in the order of recording, numbers above `after`.

        With a query only those about messages that match it.
        """

    # -- reading ---------------------------------------------------------------------------------------------
    async def message(self, message_id: str) -> StoredMessage:
        """Raises NotFound."""

    async def listing(self, message_id: str) -> Listing:
        """The grid row of one message. Raises NotFound."""

    async def content(self, message_id: str) -> bytes:
        """The verbatim octets. Raises NotFound; Gone if they were deleted; ArchiveError if their SHA-256 is another."""

    def content_chunks(self, message_id: str) -> AsyncIterator[bytes]:
        """The verbatim octets in chunks of at most `CHUNK`, with flat memory. Raises NotFound, Gone."""

    async def search(
        self,
        query: Query,
        *,
        sort: Sort = Sort(),
        cursor: str | None = None,
        limit: int = 50,
        count_to: int | None = None,
    ) -> Page:
        """A page of messages; with `count_to` also how many there are, as `estimate` says it. Raises ValueError for a
        cursor that this query and sort did not give."""

    async def count(self, query: Query, *, at_most: int = 10_000) -> int:
        """How many messages match, counting no further than `at_most`."""

    async def estimate(self, query: Query, *, at_most: int = 10_000, seconds: float = 0.02) -> Estimate:
        """How many messages match: exact up to `at_most` if that can be counted in about `seconds`."""

    async def values(self, field: str, start: str, *, most: int = 8) -> list[str]:
        """Values of tag, application, ref, recipient or from that begin so. Raises KeyError for another field."""

    async def newer(self, query: Query, seq: int, limit: int) -> list[Listing]:
        """Matching messages captured after `seq`, oldest first: the live view."""

    async def older(self, query: Query, seq: int, limit: int) -> list[Listing]:
        """Matching messages captured before `seq`, newest first: the way from one message to the next."""

    # -- asking for more sending -----------------------------------------------------------------------------
    async def add_deliveries(self, deliveries: Sequence[Delivery], events: Sequence[Event]) -> None:
        """New duties for messages already kept (exact resend). Raises NotFound if a message is not there, Gone."""

    # -- the index -------------------------------------------------------------------------------------------
    async def unindexed(self, limit: int) -> list[tuple[int, str, int]]:
        """(seq, message id, size) of messages the indexer has not reached, in order of capture."""

    async def wait_for_unindexed(self, timeout: float) -> None: ...

    async def add_summaries(self, summaries: Sequence[tuple[str, Summary]]) -> None:
        """Makes the messages listed and searchable; again for the same message: replaces."""

    # -- live ------------------------------------------------------------------------------------------------
    def changes(self) -> AsyncIterator[Change]:
        """Changes committed from the call on. A slow reader misses the oldest (bounded buffer), never blocks."""

    # -- small settings --------------------------------------------------------------------------------------
    async def setting(self, key: str) -> Any:
        """A JSON-able value, or None."""

    async def put_setting(self, key: str, value: Any) -> None: ...
