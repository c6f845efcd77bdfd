"""`mailwitness evidence`: a bundle about some messages, or all that a search finds, for somebody who does not trust us.

Recorded as events, then the log is sealed (by the running server, where one runs), then the bundle is made from the
archive opened read-only and signed with the log's key. The file appears under its name only when it is complete.
"""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from relay.commands.export import MOST, new_file
from relay.commands.ledger import signed
from relay.commands.options import EXIT_DATA, EXIT_USAGE, ConfigFile, configured, fail, operator, read, write
from relay.commands.search import parsed_query

if TYPE_CHECKING:
    from relay.archive.api import Archive
    from relay.archive.query import Query
    from relay.config import Config

PLACES = 32
"""Places in the log, from the first fact of a search to the last, for which time stamps are looked up."""


def register(app: typer.Typer) -> None:
    @app.command()
    def evidence(
        output: Annotated[Path, typer.Option("-o", "--output", metavar="PATH", help="The file to make; - for stdout.")],
        ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Ids of messages.")] = None,
        query: Annotated[str | None, typer.Option(metavar="QUERY", help="All messages that it finds.")] = None,
        whole_reports: Annotated[
            bool, typer.Option("--whole-reports", help="Also reports in which other messages are told of.")
        ] = False,
        config: ConfigFile = None,
    ) -> None:
        """Make an evidence bundle: messages, what became of them, and proofs that are checked offline."""
        if bool(ids) == (query is not None):
            fail("name the ids of messages, or a search with --query", EXIT_USAGE)
        settings = configured(config)
        chosen = list(dict.fromkeys(ids or ()))
        parsed = parsed_query(query) if query is not None else None
        total = _counted(settings, chosen, parsed)
        _record(settings, chosen, query or "", total)
        signed(settings, "ledger_checkpoint")
        with new_file(output) as sink, typer.progressbar(length=total, label="Evidence", file=sys.stderr) as bar:
            making = _Making(
                settings, chosen, parsed, query or "", whole_reports, sink, lambda n: bar.update(n - bar.pos)
            )
            read(settings, making.run)


def _counted(settings: Config, ids: Sequence[str], query: Query | None) -> int:
    """How many messages it will be about; ends the command for an id that is not kept, and for none."""
    from relay.archive.api import NotFound
    from relay.model.identifier import ULID_PATTERN

    async def count(archive: Archive) -> int:
        if query is not None:
            return await archive.count(query, at_most=MOST)
        for message_id in ids:
            try:
                if re.fullmatch(ULID_PATTERN, message_id) is None:
                    raise NotFound(message_id)
                await archive.listing(message_id)
            except NotFound:
                fail(f"no message {message_id}", EXIT_DATA)
        return len(ids)

    total = read(settings, count)
    if total == 0:
        fail("no message matches", EXIT_DATA)
    return total


def _record(settings: Config, ids: Sequence[str], query: str, total: int) -> None:
    from relay.clock import new_id, now
    from relay.model.event import Event, Kind

    actor = f"command:{operator()}"
    facts = {"query": query, "format": "evidence", "count": total}
    about: list[tuple[str | None, dict[str, object]]] = [
        (message_id, {"what": "evidence", "format": "zip"}) for message_id in ids
    ] or [(None, facts)]
    events = [Event(new_id(), now(), Kind.EXPORTED, actor, one, data=data) for one, data in about]
    write(settings, "add_events", events)


class _Making:
    """The bundle, written from an archive that is open for reading."""

    def __init__(
        self,
        settings: Config,
        ids: Sequence[str],
        query: Query | None,
        q: str,
        whole_reports: bool,
        sink: BinaryIO,
        progress: Callable[[int], None],
    ) -> None:
        self._settings = settings
        self._ids = ids
        self._query = query
        self._q = q
        self._whole_reports = whole_reports
        self._sink = sink
        self._progress = progress

    async def run(self, archive: Archive) -> None:
        import viewer.app  # noqa: F401 - loads the viewer's parts in their order
        from relay.archive.api.ledger import StoredCheckpoint
        from relay.clock import now
        from relay.notary.evidence import Asked, Evidence
        from relay.notary.keys import LogKeys, load_keys
        from relay.notary.problem import NotaryProblem
        from viewer.message import pdf
        from viewer.message.evidence_summary import Summary
        from viewer.message.worker import Worker

        async def keys() -> LogKeys:
            return await load_keys(self._settings.ledger, self._settings.archive.path.resolve(), archive)

        async def checkpoint() -> StoredCheckpoint:
            found = await archive.latest_checkpoint()
            if found is None:
                raise NotaryProblem("the log has no checkpoint yet")
            return found

        worker = Worker("viewer.message.pdf", time_limit=60.0, memory=2 * 1024**3)
        made_by, at = f"command:{operator()}", now()
        summary = Summary(made_by=made_by, made_at=at, query=self._q, draw=worker.ask if pdf.IS_THERE else None)
        asked = Asked(
            self._messages(archive),
            made_by,
            at,
            self._q,
            leaves=await self._leaves(archive),
            whole_reports=self._whole_reports,
            narrator=summary,
            progress=self._progress,
        )
        try:
            async for piece in Evidence(archive, keys, checkpoint).bundle(asked):
                self._sink.write(piece)
        except NotaryProblem as error:
            fail(str(error))
        finally:
            await worker.close()

    async def _messages(self, archive: Archive) -> AsyncIterator[str]:
        if self._query is None:
            for message_id in self._ids:
                yield message_id
            return
        from viewer.work.export import matching

        async for stored, _ in matching(archive, self._query):
            yield stored.message.id

    async def _leaves(self, archive: Archive) -> list[int]:
        """Facts for which time stamps are looked up: of the messages named, or evenly from a search's first one on."""
        if self._query is None:
            return [leaf.index for one in self._ids for leaf in await archive.leaves_of(one)]
        async for message_id in self._messages(archive):
            first = (await archive.leaves_of(message_id))[0].index
            size = (await archive.ledger_head()).size
            return list(range(first, size, max(1, (size - first) // PLACES)))
        return []
