"""`mailwitness encryption`: the master keys, and what they encrypt. What is and what is not: docs/encryption.md."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from relay.commands.options import EXIT_USAGE, ConfigFile, configured, fail, operator, read, write

if TYPE_CHECKING:
    from relay.archive.api.encryption import EncryptionState
    from relay.config import Config
    from relay.model.event import Event

app = typer.Typer(name="encryption", help="Encryption of what is kept, and its master keys.", no_args_is_help=True)
_UNDERWAY = {"apply": "what is plain is encrypted", "rotate": "data keys are wrapped by the current master key"}
LOOK = 1.0
"""Seconds between two looks at how far it is."""
Wait = Annotated[bool, typer.Option(help="Wait until a running server has done it.")]


@app.command()
def status(config: ConfigFile = None) -> None:
    """Say whether new contents are encrypted, what is still plain, and which master keys are needed."""
    state = _state(configured(config))
    typer.echo(f"new contents  {'encrypted' if state.is_on else 'plain'}")
    typer.echo(f"plain         {state.plain} messages")
    for id_ in dict.fromkeys([*state.given, *state.keys]):
        role = "current" if id_ == state.current else "needed" if state.keys.get(id_) else "not needed any more"
        typer.echo(f"key           {id_}  wraps {state.keys.get(id_, 0)} data keys, {role}")
    if state.work:
        typer.echo(f"underway      {_UNDERWAY[state.work]}")


@app.command("new-key")
def new_key(config: ConfigFile = None) -> None:
    """Put a new master key into the file of [encryption] key, before those that are there; made if there is none."""
    from relay.archive.api import ArchiveError
    from relay.master_keys import add_key

    path = configured(config).encryption.key
    if path is None:
        fail("[encryption] key names no file: with command, the new key is made where the command takes it", EXIT_USAGE)
    try:
        made = add_key(path)
    except ArchiveError as error:
        fail(str(error))
    typer.echo(f"{path}: {made}")
    typer.echo("Keep a copy of it elsewhere, not with the backups: without it nothing can be read again.", err=True)


@app.command()
def rotate(wait: Wait = True, config: ConfigFile = None) -> None:
    """Have all data keys wrapped by the first master key; contents are not written again. Goes on where it stopped."""
    _work(configured(config), "rotate_keys", "rotated", wait)


@app.command()
def apply(wait: Wait = True, config: ConfigFile = None) -> None:
    """Encrypt what was kept before encryption was turned on. Goes on where it stopped."""
    _work(configured(config), "encrypt_all", "applied", wait)


def _work(settings: Config, errand: str, what: str, wait: bool) -> None:
    from relay import errand as errands

    try:
        errands.status(settings.archive.path)
        is_served = True
    except errands.NobodyThere:
        is_served = False
    if not is_served:
        _work_here(settings, errand, what)
    else:
        write(settings, errand, _event(what))
        while wait and read(settings, lambda archive: archive.is_encrypting()):
            time.sleep(LOOK)
    state = _state(settings)
    typer.echo("underway" if state.work else f"done: {state.plain} messages are plain")
    if not state.work and len(state.keys) == 1 and len(state.given) > 1:
        typer.echo(f"only the key {next(iter(state.keys))} is needed now; backups made before need theirs")


def _work_here(settings: Config, errand: str, what: str) -> None:
    """As the server would, until nothing is left."""
    import asyncio

    from relay.commands.options import opened

    async def work() -> None:
        async with opened(settings, read_only=False) as archive:
            await getattr(archive, errand)(_event(what))
            await archive.encryption_settled()

    asyncio.run(work())


def _state(settings: Config) -> EncryptionState:
    return read(settings, lambda archive: archive.encryption_state())


def _event(what: str) -> Event:
    from relay.clock import new_id, now
    from relay.model.event import Event, Kind

    return Event(new_id(), now(), Kind.ENCRYPTION_CHANGED, f"command:{operator()}", data={"what": what})
