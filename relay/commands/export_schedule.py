"""`mailwitness export-schedule`: where the exports of `[[export]]` have come to, and one of them made now.

Beside a running server, which makes it; without one the command does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from relay.commands.export_signed import log_of
from relay.commands.options import (
    EXIT_DATA,
    EXIT_USAGE,
    ConfigFile,
    configured,
    fail,
    opened,
    read,
    shown_time,
    table,
)

if TYPE_CHECKING:
    from relay.config import Config
    from relay.config.handover import Export
    from relay.handover.timetable import Standing

app = typer.Typer(name="export-schedule", help="Signed exports by a timetable.", no_args_is_help=True)


@app.command()
def status(config: ConfigFile = None) -> None:
    """Say of each when it was last finished and what is wrong; exit code 65 if one fails."""
    from relay.handover.timetable import Standing, standings

    settings = configured(config)
    found = read(settings, standings)
    rows = [_row(one, found.get(one.name, Standing())) for one in settings.export]
    table(("NAME", "EVERY", "FINISHED", "MESSAGES", "UP TO", "STATE"), rows)
    if any(found[one.name].failures for one in settings.export if one.name in found):
        raise typer.Exit(EXIT_DATA)


@app.command()
def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the [[export]].")], config: ConfigFile = None
) -> None:
    """Make one now, with what came since the last one; a running server does it within seconds."""
    from relay import errand as errands
    from relay.handover.timetable import ASKED

    settings = configured(config)
    wanted = next((one for one in settings.export if one.name == name), None)
    if wanted is None:
        known = ", ".join(one.name for one in settings.export) or "none"
        fail(f"no [[export]] is called {name}; there are: {known}", EXIT_USAGE)
    try:
        errands.ask(settings.archive.path, "put_setting", [ASKED, {"names": [name]}])
    except errands.NobodyThere:
        made = asyncio.run(_run_here(settings, wanted))
        if made.failures:
            fail(f"{name}: {made.error}")
        typer.echo(f"{made.count} messages")
        return
    except errands.Refused as error:
        fail(str(error))
    typer.echo("the server makes it now; see mailwitness export-schedule status")


async def _run_here(settings: Config, wanted: Export) -> Standing:
    from relay.clock import new_id, now
    from relay.handover.handover import staging
    from relay.handover.timetable import Timetable

    async with opened(settings, read_only=False) as archive:
        log = log_of(settings, archive)
        timetable = Timetable([wanted], archive=archive, log=log, clock=now, new_id=new_id, staging=staging(settings))
        return await timetable.run(wanted)


def _row(one: Export, standing: Standing) -> tuple[str, ...]:
    finished = shown_time(standing.finished_at) if standing.finished_at else "never"
    state = f"failed {standing.failures} times: {standing.error}" if standing.failures else "ok"
    return one.name, one.every, finished, str(standing.count), str(standing.seq), state
