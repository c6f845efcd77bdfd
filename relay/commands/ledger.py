"""`mailwitness ledger`: the log's keys and checkpoints. What they are: docs/ledger.md.

A running server signs for the command; without one the command does it itself.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relay.commands.options import EXIT_DATA, ConfigFile, configured, fail, operator, read, shown_time

if TYPE_CHECKING:
    from relay.archive.api import Archive
    from relay.archive.api.ledger import Head, Stamp, StoredCheckpoint
    from relay.config import Config
    from relay.notary.notary import Notary

app = typer.Typer(name="ledger", help="The log of all that happened: its keys and checkpoints.", no_args_is_help=True)


@app.command()
def status(config: ConfigFile = None) -> None:
    """Say how far the log is signed, cosigned and stamped, and what is wrong; exit code 65 if something is."""
    settings = configured(config)
    problem = _asked(settings, "ledger_status")
    head, latest, stamps = read(settings, _facts)
    typer.echo(f"facts       {head.size}")
    if latest is None:
        typer.echo("checkpoint  none yet")
    else:
        _tell_checkpoint(settings, latest)
    for stamp in stamps:
        typer.echo(f"stamped     by {stamp.authority}: {stamp.size} facts, {shown_time(stamp.at)}")
    trouble = (problem or {}).get("problem") or read(settings, lambda archive: _trouble(settings, archive))
    if trouble:
        fail(f"NOT SIGNED: {trouble}", EXIT_DATA)


@app.command()
def key(
    all_: Annotated[bool, typer.Option("--all", help="Those of before too, today's first.")] = False,
    policy: Annotated[
        bool, typer.Option("--policy", help="As a policy for `mailwitness verify`: keys, witnesses and quorum.")
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Print the public key of the log, to be kept where nobody of this house can change it."""
    settings = configured(config)
    named = read(settings, _named)
    if named is None:
        fail("the log has no key yet: it is made when the server first starts")
    if policy:
        from relay.notary.keys import policy_of

        typer.echo(policy_of(settings.ledger, named.keys).encode(), nl=False)
        return
    for each in named.keys if all_ else named.keys[:1]:
        typer.echo(each.vkey)


@app.command()
def checkpoint(config: ConfigFile = None) -> None:
    """Sign the log as it is now and print the checkpoint: kept elsewhere, it shows later that nothing is missing."""
    typer.echo(signed(configured(config), "ledger_checkpoint"), nl=False)


@app.command()
def rotate(
    without_old_key: Annotated[
        bool,
        typer.Option(
            "--without-old-key", help="The old one is lost: who trusts it has to be told of the new one by other means."
        ),
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Give the log a new key, or the one of [ledger] signer; the old one signs that, and is gone."""
    typer.echo(signed(configured(config), "ledger_rotate", f"command:{operator()}", without_old_key))


def _tell_checkpoint(settings: Config, latest: StoredCheckpoint) -> None:
    from relay.ledger.note import Verifier, split_note

    present = {(line.name, line.key_id) for line in split_note(latest.note)[1]}
    typer.echo(f"checkpoint  {latest.size} facts, {shown_time(latest.at)}")
    for witness in settings.ledger.witness:
        verifier = Verifier.parse(witness.key)
        has = "cosigned" if (verifier.name, verifier.key_id) in present else "not cosigned"
        typer.echo(f"witness     {witness.name}: {has}")


async def _facts(archive: Archive) -> tuple[Head, StoredCheckpoint | None, list[Stamp]]:
    return await archive.ledger_head(), await archive.latest_checkpoint(), await archive.latest_stamps()


async def _named(archive: Archive) -> Any:
    from relay.notary.keys import SETTING, Named
    from relay.notary.problem import KeyProblem

    try:
        return Named.of(await archive.setting(SETTING))
    except KeyProblem as problem:
        fail(str(problem), EXIT_DATA)


async def _trouble(settings: Config, archive: Archive) -> str:
    """What would keep the log from being signed; "" if nothing would."""
    from relay.notary.keys import load_keys
    from relay.notary.problem import NotaryProblem
    from relay.notary.sealing import inspected

    folder = settings.archive.path.resolve()
    try:
        await inspected(archive, await load_keys(settings.ledger, folder, archive), folder)
    except NotaryProblem as problem:
        return str(problem)
    return ""


def _asked(settings: Config, errand: str, *arguments: Any) -> Any:
    """What the running server answers; None: there is none."""
    from relay import errand as errands

    try:
        return errands.ask(settings.archive.path, errand, arguments)
    except errands.NobodyThere:
        return None
    except errands.Refused as error:
        fail(str(error))


def signed(settings: Config, errand: str, *arguments: Any) -> str:
    """What the notary gave, the server's or our own."""
    answer = _asked(settings, errand, *arguments)
    if answer is None:
        answer = asyncio.run(_done_here(settings, lambda notary: getattr(notary, errand)(*arguments)))
    return str(answer)


async def _done_here(settings: Config, work: Callable[[Notary], Awaitable[Any]]) -> Any:
    from relay import maillog
    from relay.clock import new_id, now
    from relay.folder import FolderError, open_in_folder
    from relay.notary.notary import Notary
    from relay.notary.problem import NotaryProblem
    from relay.reading import smtp_of

    # What it logs must not stand in what it prints.
    maillog.to_stderr(is_verbose=False, is_terminal=sys.stderr.isatty())
    try:
        archive = await open_in_folder(settings)
    except FolderError as error:
        fail(str(error))
    try:
        notary = Notary(
            settings.ledger,
            folder=settings.archive.path.resolve(),
            hostname=smtp_of(settings).hostname,
            archive=archive,
            clock=now,
            new_id=new_id,
        )
        return await work(notary)
    except NotaryProblem as problem:
        fail(str(problem))
    finally:
        await archive.close()
