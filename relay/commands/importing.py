"""`mailwitness import`: mail that others kept, taken over octet for octet, marked as imported, never as witnessed."""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relay.commands.options import (
    EXIT_DATA,
    EXIT_USAGE,
    ConfigFile,
    configured,
    fail,
    opened,
    operator,
)

if TYPE_CHECKING:
    from relay.archive.api import Archive, Capture
    from relay.config import Config
    from relay.importing.course import Course, Keep

APPLICATION = "import"
"""The application that imported mail is of, unless another is named."""
MOST = 200
"""Problems that are told one by one."""


def register(app: typer.Typer) -> None:
    @app.command("import")
    def import_(
        paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Files, or folders with all under them.")],
        application: Annotated[
            str, typer.Option(metavar="NAME", help="The application whose mail it is from now on.")
        ] = APPLICATION,
        format_: Annotated[
            str, typer.Option("--format", help="auto, mbox, mboxrd, maildir, eml, mailpit or postfix.")
        ] = "auto",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only read and count; nothing is kept.")] = False,
        config: ConfigFile = None,
    ) -> None:
        """Take over mail that others kept, marked as imported. Each message once; nothing is sent."""
        from relay.importing.sources import FORMATS

        if format_ not in FORMATS:
            fail(f"--format {format_}: one of {', '.join(FORMATS)}", EXIT_USAGE)
        if not application or len(application) > 100 or not application.isprintable() or " " in application:
            fail(f"--application {application!r}: 1 to 100 visible characters without a space", EXIT_USAGE)
        settings = configured(config)
        began = time.monotonic()
        course = asyncio.run(_run(settings, paths, application, format_, is_dry=dry_run))
        _tell(course, time.monotonic() - began, is_dry=dry_run)


async def _run(settings: Config, paths: Sequence[Path], application: str, format_: str, *, is_dry: bool) -> Course:
    from relay.clock import new_id, now
    from relay.importing.bringing import Bringer
    from relay.importing.course import run
    from relay.importing.sources import walk

    things = itertools.chain.from_iterable(walk(path, format_) for path in paths)
    bringer = Bringer(application, f"command:{operator()}", now, new_id)
    show = _progress()
    if is_dry:
        if not settings.archive.url and not (settings.archive.path / "archive.db").exists():
            return await run(things, bringer, _nothing, None, show)
        async with opened(settings, read_only=True) as archive:
            return await run(things, bringer, archive.known_messages, None, show)
    folder = settings.archive.path.resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(folder):
        async with _kept(settings, folder) as (archive, keep):
            return await run(things, bringer, archive.known_messages, keep, show)


async def _nothing(ids: Sequence[str]) -> list[str]:
    return []


@asynccontextmanager
async def _kept(settings: Config, folder: Path) -> AsyncIterator[tuple[Archive, Keep]]:
    """The archive, and how messages get into it: by the running server, or by us."""
    from relay import errand

    try:
        errand.status(folder)
    except errand.NobodyThere:
        async with opened(settings, read_only=False) as archive:
            yield archive, archive.add_imported
            return
    except errand.Refused as error:
        fail(str(error))
    async with opened(settings, read_only=True) as archive:
        yield archive, _handed(folder)


def _handed(folder: Path) -> Keep:
    """Keeps messages by handing them to the running server, in a file beside its archive."""
    from relay import errand
    from relay.archive.spool import write_spool
    from relay.clock import new_id

    def hand(captures: Sequence[Capture]) -> int:
        path = folder / f"import-{new_id()}.spool"
        try:
            write_spool(path, captures)
            return int(errand.ask(folder, "add_spooled", [path.name]))
        except errand.NobodyThere:
            fail("the server was stopped meanwhile: run it again, it goes on where it was")
        except errand.Refused as error:
            fail(f"{error}: run it again, it goes on where it was")
        finally:
            path.unlink(missing_ok=True)

    async def keep(captures: Sequence[Capture]) -> int:
        return await asyncio.to_thread(hand, captures)

    return keep


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    from relay.notary.beside import ImportAtWork, sole_import

    try:
        with sole_import(folder):
            yield
    except ImportAtWork:
        fail("another import is at work")


class _progress:
    """One line that is written over, where somebody looks at it."""

    def __call__(self, course: Course) -> None:
        if sys.stderr.isatty():
            line = f"\r{course.found:,} found, {course.added:,} new, {len(course.problems):,} not read "
            typer.echo(line, err=True, nl=False)


def _tell(course: Course, seconds: float, *, is_dry: bool) -> None:
    if sys.stderr.isatty():
        typer.echo("", err=True)
    for problem in course.problems[:MOST]:
        typer.echo(str(problem), err=True)
    if len(course.problems) > MOST:
        typer.echo(f"… and {len(course.problems) - MOST:,} more", err=True)
    kinds = ", ".join(f"{count:,} {name}" for name, count in sorted(course.formats.items()))
    verb = "would be imported" if is_dry else "imported"
    rest = course.found - course.added
    typer.echo(
        f"{course.found:,} messages found{f' ({kinds})' if kinds else ''}: {course.added:,} {verb} "
        f"({course.octets:,} octets), {rest:,} there before or twice; {len(course.problems):,} not read; "
        f"{course.found / max(seconds, 0.001):,.0f} messages/s"
    )
    if course.problems:
        raise typer.Exit(EXIT_DATA)
