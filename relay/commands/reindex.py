"""`mailwitness reindex`: has all messages read again, so that grid rows, search and references are as this version and
configuration would make them. What was kept of the messages themselves stays as it is."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated

import typer

from relay.commands.options import ConfigFile, configured, fail, opened, read, write

if TYPE_CHECKING:
    from relay.archive.api import Archive
    from relay.config import Config

LOOK = 2.0
"""Seconds between two lines of progress."""


def register(app: typer.Typer) -> None:
    @app.command()
    def reindex(
        config: ConfigFile = None,
        anew: Annotated[bool, typer.Option("--anew", help="From the first message, though one is underway.")] = False,
        wait: Annotated[
            bool, typer.Option(help="Wait until a running server has done it, telling how far it is.")
        ] = True,
    ) -> None:
        """Read all messages again: grid rows, search, references and tags are made anew from their contents."""
        settings = configured(config)
        left = write(settings, "reindex", anew)
        if not _is_served(settings):
            typer.echo(
                f"{left} messages are to be read again. If this is ended early, the next call goes on.", err=True
            )
            asyncio.run(_read_here(settings))
        elif wait:
            typer.echo(f"{left} messages are to be read again by the running server, new mail first.", err=True)
            while (now := read(settings, _left)) > 0:
                if not _is_served(settings):
                    fail(f"The server has ended; {now} messages are left. It goes on with them when it is started.")
                typer.echo(f"{now} left", err=True)
                time.sleep(LOOK)
        else:
            typer.echo(f"The running server reads {left} messages again, new mail first.")
            return
        typer.echo(f"{left} messages were read again.")


def _is_served(settings: Config) -> bool:
    from relay import errand

    try:
        errand.status(settings.archive.path)
    except errand.NobodyThere:
        return False
    return True


async def _left(archive: Archive) -> int:
    now = await archive.rereading()
    return now.left if now is not None else 0


async def _read_here(settings: Config) -> None:
    """As the server's indexer does, until nothing is left."""
    from relay.archive.indexer import Indexer
    from relay.config.stored import SETTING, merged
    from relay.extractor import Extractor
    from relay.reading import wish

    async with opened(settings, read_only=False) as archive:
        extractor = Extractor(wish(merged(settings, await archive.setting(SETTING))))
        try:
            indexer, told = Indexer(archive, extractor), time.monotonic()
            while await indexer.index_some():
                if time.monotonic() - told >= LOOK:
                    told = time.monotonic()
                    typer.echo(f"{await _left(archive)} left", err=True)
        finally:
            await extractor.close()
