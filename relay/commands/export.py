"""`mailwitness export QUERY`: the messages that match, as one file. Recorded as an event before the first octet.

The file appears under its name only when it is complete. Formats: `rendition/export.py`. With `--query` a signed
export, into a folder: `export_signed.py`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from relay.commands.export_signed import export_signed
from relay.commands.options import EXIT_DATA, EXIT_USAGE, ConfigFile, configured, fail, operator, read, write
from relay.commands.search import parsed_query

if TYPE_CHECKING:
    from relay.archive.api import Archive
    from relay.archive.query import Query


class Format(StrEnum):
    EML = "eml"
    MBOX = "mbox"
    ZIP = "zip"
    CSV = "csv"


MOST = 10_000_000


def register(app: typer.Typer) -> None:
    @app.command()
    def export(
        output: Annotated[
            Path, typer.Option("-o", "--output", metavar="PATH", help="The file to make, - for stdout; or the folder.")
        ],
        query: Annotated[
            str | None, typer.Argument(metavar="[QUERY]", help='As in the viewer; "" for everything.')
        ] = None,
        format: Annotated[Format, typer.Option(help="eml as a file holds one message.")] = Format.ZIP,
        signed: Annotated[
            str | None,
            typer.Option("--query", metavar="QUERY", help="A signed export of these, into the folder -o."),
        ] = None,
        split: Annotated[
            str, typer.Option(metavar="SIZE", help="Signed: octets in a volume at most, such as 700M.")
        ] = "1G",
        resume: Annotated[bool, typer.Option("--resume", help="Signed: goes on with one that was cut off.")] = False,
        config: ConfigFile = None,
    ) -> None:
        """Export messages: ZIP of .eml files with hashes, mbox, CSV, or one .eml; or, with --query, a signed export."""
        from relay.clock import new_id, now
        from relay.model.event import Event, Kind

        if (query is None) == (signed is None and not resume):
            fail("expected either a search, for one file, or --query with it, for a signed export", EXIT_USAGE)
        if query is None:
            export_signed(configured(config), signed, output, format.value, split, resume=resume)
            return
        if resume:
            fail("--resume is for signed exports, with --query", EXIT_USAGE)
        settings = configured(config)
        parsed = parsed_query(query)
        total = read(settings, lambda archive: archive.count(parsed, at_most=MOST))
        if format is Format.EML and total != 1:
            fail(f"{total} messages match, eml holds one; expected --format zip or mbox", EXIT_DATA)
        data = {"q": query, "format": format.value, "count": total}
        event = Event(new_id(), now(), Kind.EXPORTED, f"command:{operator()}", data=data)
        write(settings, "add_events", [event])
        with new_file(output) as sink, typer.progressbar(length=total, label="Exporting", file=sys.stderr) as bar:
            read(
                settings,
                lambda archive: _export(archive, parsed, format, sink, lambda done: bar.update(done - bar.pos)),
            )


async def _export(
    archive: Archive, query: Query, format: Format, sink: BinaryIO, progress: Callable[[int], None]
) -> None:
    import viewer.app  # noqa: F401 - loads the viewer's parts in their order
    from relay.rendition.export import WRITERS
    from viewer.work.export import export

    async for octets in export(archive, query, WRITERS[format.value](), progress):
        sink.write(octets)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file that gets its name when all is written, readable by its owner alone; or standard output."""
    if str(path) == "-":
        yield sys.stdout.buffer
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        fail(f"{path}: {error.strerror}", EXIT_USAGE)
    try:
        with open(descriptor, "wb") as sink:
            yield sink
        os.replace(part, path)
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    finally:
        part.unlink(missing_ok=True)
