"""`mailwitness erase`: takes a person out of everything that is kept, as far as holds and terms let it."""

from __future__ import annotations

import asyncio
import time
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
    read,
    table,
    write,
)

if TYPE_CHECKING:
    from relay.archive.api.erasure import Mentions
    from relay.config import Config
    from relay.notary.erasing import Erased


LOOK = 1.0
"""Seconds between looks whether the server is done."""


def register(app: typer.Typer) -> None:
    @app.command()
    def erase(
        address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Of the person.")] = "",
        reason: Annotated[str, typer.Option(help="Why, for those who ask later; must not name the person.")] = "",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what names the person.")] = False,
        suppress: Annotated[bool, typer.Option("--suppress", help="Send nothing more to the address.")] = False,
        approve: Annotated[str, typer.Option(metavar="ID", help="Approve what another person asked for.")] = "",
        refuse: Annotated[str, typer.Option(metavar="ID", help="Refuse what another person asked for.")] = "",
        config: ConfigFile = None,
    ) -> None:
        """Take a person out of all messages and facts; a running server does it between its mail."""
        from relay.model.deletion import reason_fault
        from relay.model.erasure import address_fault, pattern

        settings = configured(config)
        if approve or refuse:
            if address or (approve and refuse):
                fail("--approve and --refuse go alone", EXIT_USAGE)
            _decide(settings, approve or refuse, is_approved=bool(approve))
            return
        if fault := address_fault(address):
            fail(fault, EXIT_USAGE)
        if dry_run:
            _show(read(settings, lambda archive: archive.mentions(address, _now())))
            _tell_elsewhere(settings)
            return
        if fault := reason_fault(reason):
            fail(f"--reason: {fault}", EXIT_USAGE)
        if pattern(address).search(reason):
            fail("--reason: it names the person, and is kept", EXIT_USAGE)
        _erase(settings, address, reason, is_suppressed=suppress)


def _now() -> int:
    from relay.clock import now

    return now()


def _show(found: Mentions) -> None:
    rows = [
        (one.message_id, " ".join(one.places), one.kept_by or ("content goes" if one.is_whole else "their part goes"))
        for one in found.messages
    ]
    table(("MESSAGE", "NAMED IN", "WHAT WOULD BE DONE"), rows)
    kept = sum(bool(one.kept_by) for one in found.messages)
    typer.echo(f"{len(found.messages):,} messages name the person; {kept:,} have to stay as they are.")
    for hold, count in found.holds:
        typer.echo(f"{count:,} of them are under the hold {hold.name!r}")
    if found.suppressed:
        typer.echo(
            f"{found.suppressed:,} entries of the suppression list name the person: they stay in force, as a hash."
        )
    _tell_accounts(found.accounts)


def _tell_accounts(accounts: object) -> None:
    for one in accounts if isinstance(accounts, list | tuple) else ():
        typer.echo(f"stays, and is yours to change: {one}")


def _tell_elsewhere(settings: Config) -> None:
    """Copies that were handed out are not ours to change."""
    from relay.notary.beside import elsewhere

    for name, place in elsewhere(settings.export, settings.journal.to):
        typer.echo(f"not looked into: {place} ({f'exports of {name}' if name else 'the journal'})")
    typer.echo(
        "not looked into: backups, evidence and exports that were handed out, the logs of this and other servers"
    )


def _erase(settings: Config, address: str, reason: str, *, is_suppressed: bool) -> None:
    from relay.clock import new_id, now
    from relay.model.suppression import Cause, Suppressed
    from relay.notary.erasing import asked

    needs_another = settings.viewer.two_person_delete
    id_, actor = new_id(), f"command:{operator()}"
    if is_suppressed:
        entry = Suppressed(new_id(), address, "", Cause.MANUAL, "erased", now(), actor)
        write(settings, "add_suppressions", [entry], entry.created_at)
    request, event = asked(
        address, reason, id_=id_, at=now(), actor=actor, event_id=new_id(), needs_another=needs_another
    )
    write(settings, "ask_erasure", request, event)
    if needs_another:
        typer.echo(f"Asked for, as {id_}: another person has to run mailwitness erase --approve {id_}")
    else:
        _do(settings, id_)


def _decide(settings: Config, erasure_id: str, *, is_approved: bool) -> None:
    from relay.archive.api import NotFound
    from relay.clock import new_id, now
    from relay.model.erasure import Standing
    from relay.notary.erasing import decided

    try:
        one = read(settings, lambda archive: archive.erasure(erasure_id))
    except NotFound as error:
        fail(str(error), EXIT_DATA)
    standing = Standing.APPROVED if is_approved else Standing.REFUSED
    event = decided(one, standing, event_id=new_id(), at=now(), actor=f"command:{operator()}")
    # One that is approved and was cut short is gone on with.
    if not (is_approved and one.standing is Standing.APPROVED) and not write(
        settings, "decide_erasure", erasure_id, standing, event
    ):
        fail("it is not open, or you asked for it yourself: another person has to decide", EXIT_DATA)
    if is_approved:
        _do(settings, erasure_id)
    else:
        typer.echo("Refused; nothing was changed.")


def _do(settings: Config, erasure_id: str) -> None:
    """Has the running server do it, and waits; without one, does it here."""
    from relay import errand

    try:
        errand.status(settings.archive.path)
    except errand.NobodyThere:
        _conclude(asyncio.run(_do_here(settings, erasure_id)))
        _tell_elsewhere(settings)
        return
    while (one := read(settings, lambda archive: archive.erasure(erasure_id))).ended_at is None:
        time.sleep(LOOK)
    typer.echo(f"The person was taken out of {one.erased:,} messages; {one.kept:,} stay as they are.")
    typer.echo("Words in the search index go behind everything else, which may take minutes.")
    _tell_elsewhere(settings)


async def _do_here(settings: Config, erasure_id: str) -> Erased:
    from relay.clock import new_id, now
    from relay.notary.erasing import run

    async with opened(settings, read_only=False) as archive:
        done = await run(archive, erasure_id, clock=now, new_id=new_id, folder=settings.archive.path.resolve())
        await archive.settled()
    return done


def _conclude(done: Erased) -> None:
    for outcome in done.kept:
        typer.echo(f"stays: {outcome.message_id}  {outcome.words}")
    typer.echo(f"The person was taken out of {done.messages:,} messages; {len(done.kept):,} stay as they are.")
    _tell_accounts(done.accounts)
