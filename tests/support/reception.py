"""An intake with a real SQLite archive behind it, for tests."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

from relay.archive.api import Archive, StoredMessage
from relay.archive.query import Query
from relay.config import Listener, Smtp
from relay.intake.credentials import Directory, KnownApplication
from relay.intake.limits import DATA_GRACE
from relay.intake.listener import Intake
from relay.intake.session import SmtpSession
from relay.model.message import Mode
from tests.support.fresh import fresh_archive

T = TypeVar("T")
NOW = 1_800_000_000_000_000
"""The clock of these tests, UTC microseconds."""

SHOP = KnownApplication(
    "shop", Mode.CAPTURE, "shop", sha256(b"s3cret").digest(), senders=("@shop.example", "<>"), tags=("orders",)
)


@dataclass(frozen=True, slots=True)
class Reception:
    """A running intake and its archive."""

    intake: Intake
    archive: Archive

    @property
    def port(self) -> int:
        """Of the first listener."""
        return self.intake.bound[0].port

    @property
    def listener(self) -> Listener:
        """The first listener, as configured."""
        return self.intake._lobby.smtp.listeners[0]

    @property
    def sessions(self) -> list[SmtpSession]:
        return list(self.intake._lobby.sessions)

    def put_before_archive(self, make: Callable[[Archive], T]) -> T:
        """Has intake write through what `make` gives from now on, such as an archive that fails."""
        stand_in = make(self.archive)
        self.intake._lobby.archive = cast(Archive, stand_in)
        return stand_in

    async def kept(self) -> list[StoredMessage]:
        """All messages in the archive, in order of capture."""
        rows = await self.archive.newer(Query(), 0, 1000)
        return [await self.archive.message(row.id) for row in rows]


@asynccontextmanager
async def running_intake(
    folder: Path,
    *listeners: Listener,
    applications: Sequence[KnownApplication] = (),
    default_mode: Mode = Mode.CAPTURE,
    data_grace: float = DATA_GRACE,
    clock: Callable[[], int] = lambda: NOW,
    **smtp: Any,
) -> AsyncIterator[Reception]:
    """An intake on free ports (a plain listener unless told) with its archive in `folder`; stopped at the end."""
    numbers = itertools.count(1)
    archive = await fresh_archive(folder / "archive.db")
    intake = Intake(
        Smtp.model_validate({"hostname": "mx.test", **smtp, "listeners": listeners or (Listener(port=0),)}),
        archive=archive,
        applications=Directory(applications, default_mode),
        clock=clock,
        new_id=lambda: f"{next(numbers):026d}",
        expire_after=3600,
        data_grace=data_grace,
    )
    try:
        await intake.start()
        try:
            yield Reception(intake, archive)
        finally:
            await intake.stop(0.0)
    finally:
        await archive.close()
