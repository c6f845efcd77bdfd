"""`mailwitness compact`: the archive's file is written anew, without the room of what was deleted."""

from __future__ import annotations

import typer

from relay.commands.options import ConfigFile, configured, fail


def register(app: typer.Typer) -> None:
    @app.command()
    def compact(config: ConfigFile = None) -> None:
        """Give all free space of the archive's file back to the disk. The server must be stopped."""
        from relay.archive.api import ArchiveError
        from relay.archive.compacting import compact as write_anew

        settings = configured(config)
        if settings.archive.url:
            fail("compact is for the archive in [archive] path")
        try:
            before, after = write_anew(settings.archive.path / "archive.db")
        except ArchiveError as error:
            fail(str(error))
        typer.echo(f"{before:,} octets before, {after:,} now: {before - after:,} given back.")
