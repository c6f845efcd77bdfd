"""What all sessions of the intake share: settings, applications, the archive, who is connected, commits under way.

Held by the intake, which replaces settings and applications at a reload; a session keeps the settings it began with
and asks for applications at each MAIL. Does not listen (`listener.py`).
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from relay.archive.api import Archive
from relay.config import Listener, Smtp, TlsPolicy
from relay.intake.credentials import Directory
from relay.intake.door import Door
from relay.intake.limits import DATA_GRACE, Census
from relay.intake.rate import Rates
from relay.model.handing import NotTaken, Taken
from relay.model.reply import Reply

if TYPE_CHECKING:
    from relay.intake.session import SmtpSession

SHUTTING_DOWN = Reply(421, "service is shutting down, try again later", "4.3.2")


@dataclass(slots=True)
class Station:
    """One listener as it is now; `context` is replaced when certificates are read again."""

    listener: Listener
    context: ssl.SSLContext | None

    @property
    def offers_starttls(self) -> bool:
        return self.context is not None and self.listener.tls in (TlsPolicy.OPTIONAL, TlsPolicy.REQUIRED)


@dataclass(slots=True)
class Lobby:
    """`clock` gives UTC microseconds, `new_id` ULIDs; `expire_after` is in microseconds."""

    smtp: Smtp
    hostname: str
    directory: Directory
    archive: Archive
    clock: Callable[[], int]
    new_id: Callable[[], str]
    expire_after: int
    data_grace: float = DATA_GRACE
    door: Door | None = None
    """None: what comes is captured, and goes on."""
    is_stopping: bool = False
    census: Census = field(default_factory=Census)
    rates: Rates = field(default_factory=Rates)
    sessions: set[SmtpSession] = field(default_factory=set)
    commits: set[asyncio.Task[Reply]] = field(default_factory=set)
    handings: set[asyncio.Task[Taken | NotTaken]] = field(default_factory=set)
    """Messages that come by HTTP and are being kept."""
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def next_session_name(self) -> str:
        """A name for the log, unique in this process."""
        return f"{'s' if self.door is None else 'd'}{next(self._numbers)}"

    def keep_going(self, work: Coroutine[Any, Any, Reply]) -> asyncio.Task[Reply]:
        """A task that runs to its end whatever becomes of the session that asked for it."""
        task = asyncio.get_running_loop().create_task(work)
        self.commits.add(task)
        task.add_done_callback(self.commits.discard)
        return task
