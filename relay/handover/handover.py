"""What is handed over while the server runs: the journal, and exports by a timetable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from relay.archive.api import Archive
from relay.config import Config, Upstream
from relay.handover.journal import Journal
from relay.handover.timetable import Timetable
from relay.notary.beside import OUTGOING
from relay.notary.evidence import Evidence


class Handover:
    """`house`: the name that we go by."""

    def __init__(
        self,
        config: Config,
        house: str,
        *,
        archive: Archive,
        log: Evidence,
        clock: Callable[[], int],
        new_id: Callable[[], str],
    ) -> None:
        self._journal = Journal(config.journal.to, journal_upstream(config), house=house, archive=archive)
        self._timetable = Timetable(
            config.export, archive=archive, log=log, clock=clock, new_id=new_id, staging=staging(config)
        )

    async def start(self) -> None:
        """Returns when the journal knows from which message on. Raises ArchiveError."""
        await self._journal.start()
        await self._timetable.start()

    async def stop(self) -> None:
        await self._journal.stop()
        await self._timetable.stop()

    async def use(self, config: Config, house: str) -> None:
        await self._journal.use(config.journal.to, journal_upstream(config), house)
        await self._timetable.use(config.export)


def staging(config: Config) -> Path:
    """Where exports wait that are carried to a bucket."""
    return config.archive.path.resolve() / OUTGOING


def journal_upstream(config: Config) -> Upstream | None:
    """The way to the other archive."""
    name = config.journal.upstream
    return next((one for one in config.upstream if not name or one.name == name), None)
