"""`mailwitness retention`: what the rules of retention take away, now; with --dry-run only how much that would be."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated

import typer

from relay.commands.options import ConfigFile, configured, fail, operator, read, table

if TYPE_CHECKING:
    from relay.config import Config
    from relay.notary.retention import Done


LOOK = 1.0
"""Seconds between looks whether the server is done."""


def register(app: typer.Typer) -> None:
    @app.command()
    def retention(
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count; nothing is changed.")] = False,
        config: ConfigFile = None,
    ) -> None:
        """Delete contents, and erase facts, whose time is over by [[retention]]; a running server does it, as daily."""
        from relay.clock import new_id, now
        from relay.notary.retention import run

        settings = configured(config)
        if not settings.retention:
            fail("there is no [[retention]] in the configuration: everything is kept")
        if dry_run:
            rules = settings.retention
            done = read(settings, lambda archive: run(archive, rules, clock=now, new_id=new_id, is_dry=True))
        elif _is_asked_of_server(settings):
            typer.echo("The running server went through the rules; the counts are in the audit log.")
            return
        else:
            done = asyncio.run(_run(settings))
        rows = [(one.name, *map(str, (one.deleted, one.kept, one.erased, one.stayed))) for one in done]
        table(("RULE", "DELETED", "KEPT", "FACTS ERASED", "FACTS KEPT"), rows)


def _is_asked_of_server(settings: Config) -> bool:
    """Has the running server go through its rules, and waits for it. False: there is none."""
    from relay import errand
    from relay.notary.retention import RUN_ASKED

    try:
        errand.ask(settings.archive.path, "put_setting", (RUN_ASKED, {"by": f"command:{operator()}"}))
    except errand.NobodyThere:
        return False
    except errand.Refused as error:
        fail(str(error))
    while read(settings, lambda archive: archive.setting(RUN_ASKED)):
        time.sleep(LOOK)
    return True


async def _run(settings: Config) -> list[Done]:
    from relay.clock import new_id, now
    from relay.commands.options import opened
    from relay.notary.retention import run

    async with opened(settings, read_only=False) as archive:
        return await run(
            archive,
            settings.retention,
            clock=now,
            new_id=new_id,
            actor=f"command:{operator()}",
            folder=settings.archive.path.resolve(),
        )
