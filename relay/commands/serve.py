"""`mailwitness serve`: runs the server until it is told to stop."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from relay.commands.options import ConfigFile, configured, fail

SWITCH = 0.0005
"""Seconds that a thread with an answer for the loop waits for its turn: of Python's own 0.005 a page has several."""


def register(app: typer.Typer, build_viewer: Callable[..., Any]) -> None:
    @app.command()
    def serve(
        config: ConfigFile = None,
        verbose: Annotated[bool, typer.Option("--verbose", help="Log sessions too.")] = False,
    ) -> None:
        """Take mail, keep it, send it on, show it."""
        settings = configured(config)
        import uvloop

        from relay import maillog
        from relay.archive.api import ArchiveError
        from relay.reading import StartError
        from relay.service import Service

        sys.setswitchinterval(SWITCH)
        maillog.to_stderr(is_verbose=verbose, is_terminal=sys.stderr.isatty())

        async def run() -> None:
            service = Service(settings, file=config, environment=os.environ, build_viewer=build_viewer, say=_say)
            await service.run()

        try:
            uvloop.run(run())
        except (StartError, ArchiveError) as error:
            fail(str(error))


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
