"""`mailwitness export --query Q -o DIR`: a signed export, split into volumes; `--resume` goes on with one cut off.

Recorded as an event before the first message is read and again when it is whole; the log is sealed in between. Made
from the archive opened read-only, also beside a running server.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from relay.commands.ledger import signed
from relay.commands.options import EXIT_DATA, EXIT_USAGE, fail, operator, read, write
from relay.commands.search import parsed_query

if TYPE_CHECKING:
    from relay.archive.api import Archive
    from relay.archive.query import Query
    from relay.config import Config
    from relay.handover.making import Made, Wanted
    from relay.notary.evidence import Evidence

MOST = 100_000_000


def export_signed(settings: Config, query: str | None, folder: Path, format: str, split: str, *, resume: bool) -> None:
    """Makes the export, or goes on with the one in the folder, and says what it became."""
    from relay.handover.making import HandoverError, prepared

    try:
        if resume:
            wanted = _resumed(folder, query)
        else:
            wanted = _wanted(settings, query or "", format, split)
            prepared(folder, wanted)
        # Killed before this line, the folder has nothing yet; resuming it is recorded again.
        _record(wanted, settings, count=_counted(settings, wanted), **({"resumed": True} if resume else {}))
        signed(settings, "ledger_checkpoint")
        made = _made(settings, wanted, folder)
    except HandoverError as error:
        fail(str(error), EXIT_DATA)
    except OSError as error:
        fail(f"{error.filename or folder}: {error.strerror}", EXIT_USAGE)
    _record(wanted, settings, count=made.count, deleted=made.deleted, manifest=made.manifest)
    typer.echo(f"{made.count} messages in {made.volumes} volumes, {made.deleted} of them deleted before")


def _wanted(settings: Config, query: str, format: str, split: str) -> Wanted:
    from relay.clock import new_id, now
    from relay.config.values import octets
    from relay.handover.making import Wanted
    from relay.handover.shape import Form

    if format not in list(Form):
        fail(f"a signed export is one of {', '.join(Form)}, not {format}", EXIT_USAGE)
    try:
        size = int(octets(split))  # type: ignore[call-overload]  # a text it cannot read stays one
    except (TypeError, ValueError):
        size = 0
    if size < 1:
        fail(f"--split {split}: expected a size such as 100K, 700M or 1G", EXIT_USAGE)
    if not query.isprintable():
        fail("the search has a control character in it", EXIT_USAGE)
    parsed_query(query)

    async def last(archive: Archive) -> int:
        return (await archive.health()).last_seq

    return Wanted(new_id(), query, Form(format), f"command:{operator()}", now(), read(settings, last), split=size)


def _resumed(folder: Path, query: str | None) -> Wanted:
    from relay.handover.making import unfinished

    wanted, _ = unfinished(folder)
    if query is not None and query != wanted.query:
        fail(f"{folder}: what was cut off there is an export of {wanted.query!r}", EXIT_USAGE)
    return wanted


def _meant(wanted: Wanted) -> Query:
    """What the search meant when the export began: `after:7d` counts from then."""
    from relay.archive.query import parse_query

    return parse_query(wanted.query, now=wanted.made_at)


def _counted(settings: Config, wanted: Wanted) -> int:
    return read(settings, lambda archive: archive.count(_meant(wanted), at_most=MOST))


def _record(wanted: Wanted, settings: Config, **facts: object) -> None:
    from relay.clock import new_id, now
    from relay.model.event import Event, Kind

    data = {"query": wanted.query, "format": f"signed {wanted.form.value}", "export": wanted.id, **facts}
    write(settings, "add_events", [Event(new_id(), now(), Kind.EXPORTED, wanted.made_by, data=data)])


def _made(settings: Config, wanted: Wanted, folder: Path) -> Made:
    from relay.clock import now
    from relay.handover.making import make
    from relay.notary.problem import NotaryProblem

    async def run(archive: Archive) -> Made:
        with typer.progressbar(length=wanted.until, label="Exporting", file=sys.stderr) as bar:
            return await make(
                archive, log_of(settings, archive), _meant(wanted), folder, now, lambda done: bar.update(done - bar.pos)
            )

    try:
        return read(settings, run)
    except NotaryProblem as error:
        fail(str(error))


def log_of(settings: Config, archive: Archive) -> Evidence:
    """The log's keys, and its latest checkpoint as it is kept."""
    from relay.archive.api.ledger import StoredCheckpoint
    from relay.notary.evidence import Evidence
    from relay.notary.keys import LogKeys, load_keys
    from relay.notary.problem import NotaryProblem

    async def keys() -> LogKeys:
        return await load_keys(settings.ledger, settings.archive.path.resolve(), archive)

    async def checkpoint() -> StoredCheckpoint:
        found = await archive.latest_checkpoint()
        if found is None:
            raise NotaryProblem("the log has no checkpoint yet")
        return found

    return Evidence(archive, keys, checkpoint)
