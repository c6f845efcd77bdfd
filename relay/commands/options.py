"""What the commands share: the -c option, how errors end a command, and how a command reaches the archive.

Writes go to the running server where one runs (`errand.py`), else to the archive itself; reads use it read-only.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from relay.archive.api import Archive
    from relay.config import Config

EXIT_FAILED = 1
EXIT_USAGE = 64
EXIT_DATA = 65
EXIT_IO = 74
EXIT_CONFIGURATION = 78

MICROSECONDS_A_DAY = 86_400_000_000

T = TypeVar("T")

ConfigFile = Annotated[
    Path | None,
    typer.Option("-c", "--config", metavar="FILE", help="Configuration; without it ./config.toml, if there is one."),
]


def new_app() -> typer.Typer:
    app = typer.Typer(
        name="mailwitness",
        help="Keeps every outgoing message exactly as it came, relays it, and shows what became of it.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_about)
    return app


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"mailwitness {version('mailwitness')}")
        raise typer.Exit


def _about(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def describe_sendmail(app: typer.Typer) -> None:
    """Lists sendmail in the help; `__main__` runs it before Typer is asked."""

    @app.command("sendmail")
    def sendmail() -> None:
        """Stand in for /usr/sbin/sendmail: reads a message and submits it (-t -i -f -F -bs)."""


def fail(line: str, code: int = EXIT_FAILED) -> NoReturn:
    """Ends the command with one line on standard error."""
    typer.echo(line, err=True)
    raise typer.Exit(code)


def configured(file: Path | None) -> Config:
    """The configuration; with errors in it, the command ends with all of them and 78."""
    from relay.config.settings import ConfigurationError, load

    try:
        return load(file, os.environ)
    except ConfigurationError as error:
        fail("\n".join(error.lines), EXIT_CONFIGURATION)


def write(config: Config, errand: str, *arguments: Any) -> Any:
    """What the archive's method of that name gave with these arguments, run by the server or by us."""
    from relay import errand as errands

    try:
        return errands.ask(config.archive.path, errand, arguments)
    except errands.NobodyThere:
        return asyncio.run(_write_here(config, errand, arguments))
    except errands.Refused as error:
        fail(str(error))


async def _write_here(config: Config, errand: str, arguments: tuple[Any, ...]) -> Any:
    async with opened(config, read_only=False) as archive:
        return await getattr(archive, errand)(*arguments)


def read(config: Config, question: Callable[[Archive], Awaitable[T]]) -> T:
    """The answer of `question`, asked of the archive opened read-only."""
    return asyncio.run(_read_here(config, question))


async def _read_here(config: Config, question: Callable[[Archive], Awaitable[T]]) -> T:
    async with opened(config, read_only=True) as archive:
        return await question(archive)


@asynccontextmanager
async def opened(config: Config, *, read_only: bool) -> AsyncIterator[Archive]:
    """The archive; what goes wrong with it ends the command with one line."""
    from relay.archive.api import ArchiveError
    from relay.folder import FolderError, open_in_folder

    try:
        archive = await open_in_folder(config, read_only=read_only)
    except FolderError as error:
        fail(str(error))
    try:
        yield archive
    except ArchiveError as error:
        fail(str(error))
    finally:
        await archive.close()


def read_if_any(config: Config, question: Callable[[Archive], Awaitable[T]]) -> T | None:
    """As `read`; None where no archive has been made yet."""
    if not config.archive.url and not (config.archive.path / "archive.db").exists():
        return None
    return read(config, question)


def shown_time(at: int) -> str:
    """UTC microseconds as `2026-11-24 13:05:00Z`."""
    return f"{datetime.fromtimestamp(at // 1_000_000, UTC):%Y-%m-%d %H:%M:%SZ}"


def account_event(what: str, **data: str) -> Any:
    """The event that tells of a changed user, application or token."""
    from relay.clock import new_id, now
    from relay.model.event import Event, Kind

    return Event(new_id(), now(), Kind.ACCOUNT_CHANGED, f"command:{operator()}", data={"what": what, **data})


def operator() -> str:
    """The system's name of the person who runs the command."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Prints columns wide enough for their longest cell; with standard output not a terminal, tab-separated."""
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(row))
        return
    widths = [max(len(row[n]) for row in (headings, *rows)) for n in range(len(headings))]
    for row in (headings, *rows):
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
