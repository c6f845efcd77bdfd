"""`mailwitness suppression`: the list of addresses that are not sent to, by hand and as CSV.

The file's format is in `rendition/suppression_list.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from relay.commands.export import new_file
from relay.commands.options import (
    EXIT_DATA,
    EXIT_USAGE,
    MICROSECONDS_A_DAY,
    ConfigFile,
    configured,
    fail,
    operator,
    read,
    read_if_any,
    shown_time,
    table,
    write,
)
from relay.model.suppression import Cause

if TYPE_CHECKING:
    from relay.archive.api import Archive
    from relay.archive.api.suppression import Selection
    from relay.config import Config
    from relay.model.suppression import Suppressed
    from relay.rendition.suppression_list import Circumstances

app = typer.Typer(name="suppression", help="Addresses that are not sent to.", no_args_is_help=True)

PORTION = 200
"""Entries of one write: short for the writer, small for the socket."""
MOST_PROBLEMS = 1000
"""Lines of complaint shown about one file."""

Search = Annotated[str, typer.Option("--search", metavar="TEXT", help="Somewhere in the address or the reason.")]
OfCause = Annotated[Cause | None, typer.Option("--cause", help="Only entries of this cause.")]
OfApplication = Annotated[
    str | None, typer.Option("--application", metavar="NAME", help='Only entries of this application; "": of all.')
]
Expired = Annotated[bool, typer.Option("--expired", help="Those that ran out, instead of those in force.")]


@app.command("list")
def list_entries(
    search: Search = "",
    cause: OfCause = None,
    application: OfApplication = None,
    expired: Expired = False,
    limit: Annotated[int, typer.Option(min=1, help="So many, the newest.")] = 1000,
    config: ConfigFile = None,
) -> None:
    """List the entries, newest first."""
    meant = _selection(search, cause, application, expired)
    page = read_if_any(configured(config), lambda archive: archive.suppressions(meant, limit=limit))
    rows = [
        (
            one.address,
            one.application or "(all)",
            one.cause.value,
            shown_time(one.created_at),
            shown_time(one.expires_at) if one.expires_at else "",
            one.reason,
        )
        for one in (page.entries if page else ())
    ]
    table(("ADDRESS", "APPLICATION", "CAUSE", "SINCE", "UNTIL", "REASON"), rows)
    if page and page.next:
        typer.echo(f"More than {limit}; export has them all.", err=True)


@app.command()
def add(
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    reason: Annotated[str, typer.Option(help="Why, for those who ask later.")] = "",
    application: Annotated[str, typer.Option(metavar="NAME", help="Whose mail; without it that of all.")] = "",
    days: Annotated[int | None, typer.Option(min=1, max=36500, help="For so many days; else until removed.")] = None,
    config: ConfigFile = None,
) -> None:
    """Send nothing to an address any more."""
    from relay.clock import new_id, now
    from relay.model.suppression import Suppressed
    from relay.rendition import suppression_list

    settings = configured(config)
    known = _applications(settings)
    try:
        wanted = suppression_list.checked_address(address.strip())
        suppression_list.checked_application(application, known)
        note = suppression_list.checked_reason(reason)
    except ValueError as error:
        fail(str(error), EXIT_DATA)
    at = now()
    until = at + days * MICROSECONDS_A_DAY if days else None
    entry = Suppressed(new_id(), wanted, application, Cause.MANUAL, note, at, f"command:{operator()}", until)
    write(settings, "add_suppressions", [entry], at)
    typer.echo(f"Nothing is sent to {wanted} any more{_whose(application)}.")


@app.command()
def remove(
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    reason: Annotated[str, typer.Option(help="Why, for those who ask later.")] = "",
    cause: OfCause = None,
    application: OfApplication = None,
    config: ConfigFile = None,
) -> None:
    """Take an address off the list: all of its entries, or those of a cause or an application."""
    from relay.clock import new_id, now
    from relay.model.suppression import removed_event
    from relay.rendition.suppression_list import checked_reason

    try:
        note = checked_reason(reason)
    except ValueError as error:
        fail(str(error), EXIT_DATA)
    settings, meant = configured(config), _selection(address, cause, application, False)
    entries = read_if_any(settings, lambda archive: _exactly(archive, meant)) or []
    if not entries:
        fail(f"{address} is not on the list{_whose(application or '')}", EXIT_DATA)
    actor = f"command:{operator()}"
    events = [removed_event(one, event_id=new_id(), at=now(), actor=actor, reason=note) for one in entries]
    write(settings, "remove_suppressions", [one.id for one in entries], events)
    for one in entries:
        typer.echo(f"Removed {one.address} ({one.cause.value}{_whose(one.application)}).")


@app.command("export")
def export_list(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="PATH", help="The file to make; - for stdout.")],
    search: Search = "",
    cause: OfCause = None,
    application: OfApplication = None,
    expired: Expired = False,
    config: ConfigFile = None,
) -> None:
    """Write the list as CSV."""
    from relay.clock import new_id, now
    from relay.model.event import Event, Kind

    settings, meant = configured(config), _selection(search, cause, application, expired)
    data = {"what": "suppression list", "q": search, "format": "csv"}
    write(settings, "add_events", [Event(new_id(), now(), Kind.EXPORTED, f"command:{operator()}", data=data)])
    with new_file(output) as sink:
        count = read(settings, lambda archive: _export(archive, meant, sink))
    typer.echo(f"{count} entries.", err=True)


@app.command("import")
def import_list(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV as `export` makes it, or addresses; - for stdin.")],
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Import the lines that are right.")] = False,
    config: ConfigFile = None,
) -> None:
    """Add the entries of a CSV file: all of them, or, with a line that is wrong, none.

    Repeatable: an entry that is there already stays as it is.
    """
    from relay.rendition.suppression_list import read as read_list

    settings = configured(config)
    found = read_list(_octets(file), _circumstances(settings))
    for problem in found.problems[:MOST_PROBLEMS]:
        typer.echo(f"{file}: {problem}", err=True)
    if len(found.problems) > MOST_PROBLEMS:
        typer.echo(f"{file}: {len(found.problems) - MOST_PROBLEMS} more lines are wrong", err=True)
    if found.problems and not skip_bad:
        fail(f"Nothing was imported: {_lines(len(found.problems))} wrong. Correct them, or use --skip-bad.", EXIT_DATA)
    _import(settings, found.entries)
    left = f", {_lines(len(found.problems))} left out" if found.problems else ""
    typer.echo(f"Imported {len(found.entries)} entries{left}.")


def _import(settings: Config, entries: tuple[Suppressed, ...]) -> None:
    from relay.clock import now

    starts = range(0, len(entries), PORTION)
    with typer.progressbar(starts, label="Importing", file=sys.stderr) as bar:
        for start in bar:
            write(settings, "add_suppressions", list(entries[start : start + PORTION]), now())


def _lines(count: int) -> str:
    return "1 line is" if count == 1 else f"{count} lines are"


def _octets(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}", EXIT_USAGE)


def _circumstances(settings: Config) -> Circumstances:
    from relay.clock import new_id, now
    from relay.rendition.suppression_list import Circumstances

    return Circumstances(now(), f"command:{operator()}", new_id, _applications(settings))


def _applications(settings: Config) -> frozenset[str]:
    """The applications whose mail there can be."""
    added = read_if_any(settings, lambda archive: archive.applications()) or []
    return settings.application_names(one.name for one in added)


def _selection(search: str, cause: Cause | None, application: str | None, expired: bool) -> Selection:
    from relay.archive.api.suppression import Selection
    from relay.clock import now

    return Selection(now(), search, cause, application, expired)


async def _exactly(archive: Archive, meant: Selection) -> list[Suppressed]:
    """The entries of the address that is searched for, not of others that contain it."""
    from relay.model.suppression import suppression_key

    key = suppression_key(meant.text)
    return [one async for one in archive.all_suppressions(meant) if suppression_key(one.address) == key]


async def _export(archive: Archive, meant: Selection, sink: BinaryIO) -> int:
    from relay.rendition import suppression_list

    sink.write(suppression_list.header())
    count = 0
    async for entry in archive.all_suppressions(meant):
        sink.write(suppression_list.line(entry))
        count += 1
    return count


def _whose(application: str) -> str:
    return f" for {application}" if application else ""
