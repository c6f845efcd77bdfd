"""Signed exports by a timetable: each has what was captured since the last one that was finished.

The position is a sequence number of capture, not a time: nothing is left out and nothing is there twice. It is written
after the export is whole; killed before, the same export is gone on with. One that fails is tried again, each time
later, and said in the metrics and by `mailwitness export-schedule status`.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from relay import maillog, metrics
from relay.archive.api import Archive, ArchiveError
from relay.archive.query import QuerySyntaxError, parse_query
from relay.config.handover import Export
from relay.handover.entry import number
from relay.handover.making import HandoverError, Wanted, make, prepared, unfinished
from relay.handover.shape import MANIFEST, NOTE, STATE, Form, Manifest
from relay.handover.store import SCHEME, StoreError, carry
from relay.lasting import Lasting
from relay.model.delivery import MICROSECONDS
from relay.model.event import Event, Kind
from relay.notary.evidence import Evidence
from relay.notary.problem import NotaryProblem
from relay.rendition.export import moment

SETTING = "exports"
"""The archive's setting with the standing of each timetable, by name."""
ASKED = "exports_asked"
"""The setting with the names of those that a person wants made now: `{"names": [...]}`."""
LOOK = 5.0
FIRST_WAIT, LONGEST_WAIT = 60, 3600
"""Seconds after one failed; doubled each time."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a timetable has come to. Times are UTC microseconds, 0: never."""

    seq: int = 0
    """The last message of the last export that was finished."""
    finished_at: int = 0
    count: int = 0
    """Messages in it."""
    folder: str = ""
    """Of the export under way; '' if there is none."""
    failures: int = 0
    """In a row."""
    tried_at: int = 0
    error: str = ""


def slot(table: Export, now: int) -> int:
    """The last time at or before `now` at which it was to be made, UTC microseconds."""
    at = moment(now).replace(minute=0, second=0, microsecond=0)
    if table.every != "hour":
        at = at.replace(hour=table.at)
        if table.every == "week":
            at -= timedelta(days=at.weekday())
        if at > moment(now):
            at -= timedelta(days=7 if table.every == "week" else 1)
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def is_due(table: Export, standing: Standing, now: int) -> bool:
    """Whether it is to be made now. One that failed waits longer each time."""
    if standing.failures:
        wait: int = min(FIRST_WAIT * 2 ** min(standing.failures - 1, 10), LONGEST_WAIT)
        return now >= standing.tried_at + wait * MICROSECONDS
    return standing.finished_at < slot(table, now) or bool(standing.folder)


async def standings(archive: Archive) -> dict[str, Standing]:
    return {name: Standing(**value) for name, value in (await archive.setting(SETTING) or {}).items()}


def finished(folder: Path) -> tuple[dict[str, Any], str] | None:
    """What the manifest of a whole export says, and its SHA-256; None: it is not whole."""
    if (folder / STATE).exists() or not (folder / NOTE).exists():
        return None
    octets = (folder / MANIFEST).read_bytes()
    return Manifest.parse(octets).value, hashlib.sha256(octets).hexdigest()


class Timetable:
    """Makes the exports, one after the other. `staging`: folder for those that go to a bucket."""

    def __init__(
        self,
        tables: Iterable[Export],
        *,
        archive: Archive,
        log: Evidence,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        staging: Path,
        look: float = LOOK,
    ) -> None:
        self._tables, self._look, self._staging = tuple(tables), look, staging
        self._archive, self._log, self._clock, self._new_id = archive, log, clock, new_id
        self._task = Lasting("timetable")

    async def start(self) -> None:
        if self._tables:
            self._task.start(self._run())

    async def stop(self) -> None:
        """Ends at once; what was under way is gone on with."""
        await self._task.stop()

    async def use(self, tables: Iterable[Export]) -> None:
        tables = tuple(tables)
        if tables != self._tables:
            await self.stop()
            self._tables = tables
            await self.start()

    async def _run(self) -> None:
        while True:
            try:
                await self.run_due()
            except Exception as error:
                maillog.room_failed("timetable", error)
            await asyncio.sleep(self._look)

    async def run_due(self) -> None:
        """Makes what is due, or was asked for."""
        asked = (await self._archive.setting(ASKED) or {}).get("names", [])
        if asked:
            await self._archive.put_setting(ASKED, {"names": []})
        for table in self._tables:
            standing = (await standings(self._archive)).get(table.name, Standing())
            metrics.export_failing.labels(table.name).set(1 if standing.failures else 0)
            if table.name in asked or is_due(table, standing, self._clock()):
                await self.run(table)

    async def run(self, table: Export) -> Standing:
        """One try; where the timetable stands after it."""
        before = (await standings(self._archive)).get(table.name, Standing())
        try:
            after = await self._made(table, before)
        except (HandoverError, NotaryProblem, ArchiveError, QuerySyntaxError, OSError) as error:
            words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            kept = (await standings(self._archive)).get(table.name, Standing())
            # A folder that cannot be gone on with is left as it is: the next try makes another.
            is_lost = isinstance(error, HandoverError) and not isinstance(error, StoreError)
            folder = "" if is_lost else kept.folder
            after = replace(kept, failures=kept.failures + 1, tried_at=self._clock(), error=words, folder=folder)
            if after.failures == 1:
                await self._tell(table, "relay", {"failed": words})
        await self._put(table.name, after)
        metrics.export_failing.labels(table.name).set(1 if after.failures else 0)
        maillog.export_made(table.name, after.count, after.error)
        return after

    async def _made(self, table: Export, before: Standing) -> Standing:
        made = finished(Path(before.folder)) if before.folder else None
        if made is not None:
            # Killed behind its end, or the bucket did not take it.
            return await self._carried(table, Path(before.folder), *made)
        wanted, folder = await self._begun(table, before)
        query = parse_query(wanted.query, now=wanted.made_at)
        count = await number(self._archive, query, wanted.since, wanted.until)
        facts = {"query": wanted.query, "format": f"signed {wanted.form.value}", "export": wanted.id}
        await self._tell(table, wanted.made_by, {**facts, "count": count})
        await make(self._archive, self._log, query, folder, self._clock)
        made = finished(folder)
        if made is None:
            raise HandoverError(f"{folder}: taken away while it was made")
        return await self._carried(table, folder, *made)

    async def _carried(self, table: Export, folder: Path, value: dict[str, Any], digest: str) -> Standing:
        """The export is whole: carried to where it belongs, and told of."""
        if table.to.startswith(SCHEME):
            await carry(folder, table.to, table.endpoint, table.region)
        facts = {"query": value["query"], "format": f"signed {value['form']}", "export": value["id"]}
        told = {**facts, "count": value["count"], "deleted": value["deleted"], "manifest": digest}
        await self._tell(table, value["made_by"], told)
        after = Standing(value["until"], self._clock(), value["count"], tried_at=self._clock())
        if table.to.startswith(SCHEME):
            await self._put(table.name, after)
            await asyncio.to_thread(shutil.rmtree, folder)
        return after

    async def _begun(self, table: Export, before: Standing) -> tuple[Wanted, Path]:
        """What is wanted and where: that which is under way, or another."""
        folder = Path(before.folder) if before.folder else None
        if folder is not None and (folder / STATE).exists():
            return (await asyncio.to_thread(unfinished, folder))[0], folder
        now = self._clock()
        # Up to where all can be found: what is not indexed yet is in the next one.
        until = max(before.seq, (await self._archive.health()).indexed_seq)
        wanted = Wanted(
            self._new_id(),
            table.query,
            Form(table.format),
            "relay",
            now,
            until,
            since=before.seq,
            split=table.split,
            schedule=table.name,
        )
        place = self._staging if table.to.startswith(SCHEME) else Path(table.to)
        folder = place / f"{table.name.replace(' ', '_')}-{moment(now):%Y%m%dT%H%M%SZ}-{wanted.id[-6:].lower()}"
        # Crash between these two lines: the folder is not there, and another is begun.
        await self._put(table.name, replace(before, folder=str(folder)))
        await asyncio.to_thread(prepared, folder, wanted)
        return wanted, folder

    async def _put(self, name: str, standing: Standing) -> None:
        all_ = await self._archive.setting(SETTING) or {}
        await self._archive.put_setting(SETTING, {**all_, name: asdict(standing)})

    async def _tell(self, table: Export, actor: str, data: dict[str, Any]) -> None:
        data = {"schedule": table.name, **data}
        await self._archive.add_events([Event(self._new_id(), self._clock(), Kind.EXPORTED, actor, data=data)])
