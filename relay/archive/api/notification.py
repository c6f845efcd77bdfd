"""The archive's contract about notifications: what endpoints are to be told, and have been.

What all methods promise is in `api.py`, of whose protocol this one is a part. Sending is the work of `herald/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from relay.model.event import Event
from relay.model.notification import Notification, Standing, Subject


@dataclass(frozen=True, slots=True)
class Fact:
    """An event with its number, and what it is about."""

    seq: int
    event: Event
    about: Subject


@dataclass(frozen=True, slots=True)
class Due:
    """A notification to be sent now; `fact` None: a trial."""

    notification: Notification
    fact: Fact | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A notification after a try. `failure`: the event that says the endpoint fails, kept once for each stretch of
    failing; `is_gone`: the endpoint is told nothing more."""

    notification: Notification
    failure: Event | None = None
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class EndpointState:
    """How an endpoint is doing. Times are UTC microseconds."""

    name: str
    url: str
    waiting: int = 0
    failed: int = 0
    delivered: int = 0
    delivered_at: int | None = None
    """When it last took one."""
    oldest_waiting: int | None = None
    next_due: int | None = None
    error: str = ""
    """Of the latest try that failed, if none succeeded since."""
    error_at: int | None = None
    gone_at: int | None = None
    """It answered 410: nothing more is sent until a person says so."""


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """A notification as a list shows it. `kind` and what follows are of its event; '' of a trial."""

    notification: Notification
    kind: str = ""
    event_id: str = ""
    message_id: str = ""
    recipient: str = ""


@dataclass(frozen=True, slots=True)
class NotificationPage:
    """`next` is an opaque cursor, None at the end."""

    rows: tuple[NotificationRow, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """Which notifications of an endpoint are sent again: these, or those that failed, or all made since a time."""

    endpoint: str
    ids: tuple[str, ...] = ()
    is_failed: bool = False
    since: int | None = None


class Notifications(Protocol):
    async def use_endpoints(self, endpoints: Mapping[str, str]) -> None:
        """These endpoints (name -> address) are told of events from now on.

        One that is new begins with the next event; one whose address changed is no longer gone; one that is not among
        them is forgotten, and what it still waited for has failed.
        """

    async def endpoints(self) -> list[EndpointState]: ...

    async def cursors(self) -> Mapping[str, int]:
        """The number of the last event that each endpoint has been considered for; those that are gone left out."""

    async def facts(self, after: int, limit: int) -> list[Fact]:
        """Events with numbers above `after`, in order, each with what it is about."""

    async def add_notifications(self, notifications: Sequence[Notification], cursors: Mapping[str, int]) -> None:
        """Keeps them, and how far each endpoint has come; one of the same event and endpoint is not made twice."""

    async def due_notifications(self, endpoint: str, now: int, limit: int) -> list[Due]:
        """Oldest due first; none of an endpoint that is gone."""

    async def finish_notifications(self, outcomes: Sequence[Outcome]) -> None:
        """What came of a try. Not kept of a notification that a person has meanwhile asked to be sent again."""

    async def notifications(
        self, endpoint: str, *, standing: Standing | None = None, cursor: str | None = None, limit: int = 50
    ) -> NotificationPage:
        """Newest first. Raises ValueError for what is not a cursor."""

    async def replay(self, wanted: Replay, now: int, event: Event) -> int:
        """Makes them due at `now`, with all the time of new ones, and the endpoint no longer gone; how many.

        The event is kept with `count` in its data, unless there were none.
        """

    async def try_endpoint(self, notification: Notification) -> None:
        """Keeps a trial. Raises NotFound if there is no such endpoint."""

    async def forget_notifications(self, before: int) -> None:
        """Those that were delivered and made before a time, a portion at a time."""
