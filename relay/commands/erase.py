"""`mailwitness erase`: takes a person out of everything that is kept, as far as holds and terms let it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from relay.commands.options import EXIT_DATA, EXIT_USAGE, ConfigFile, configured, fail, operator, read, table

if TYPE_CHECKING:
    from relay.archive.api.erasure import Mentions
    from relay.config import Config
    from relay.notary.erasing import Erased


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
        """Take a person out of all messages and facts. The server must be stopped; --dry-run works beside it."""
        from relay.model.deletion import reason_fault
        from relay.model.erasure import address_fault, pattern

        settings = configured(config)
        if approve or refuse:
            if address or (approve and refuse):
                fail("--approve and --refuse go alone", EXIT_USAGE)
            asyncio.run(_decide(settings, approve or refuse, is_approved=bool(approve), is_suppressed=suppress))
            return
        if fault := address_fault(address):
            fail(fault, EXIT_USAGE)
        if dry_run:
            _show(read(settings, lambda archive: archive.mentions(address, _now())))
            return
        if fault := reason_fault(reason):
            fail(f"--reason: {fault}", EXIT_USAGE)
        if pattern(address).search(reason):
            fail("--reason: it names the person, and is kept", EXIT_USAGE)
        asyncio.run(_erase(settings, address, reason, is_suppressed=suppress))


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
    _tell_accounts(found.accounts)


def _tell_accounts(accounts: object) -> None:
    for one in accounts if isinstance(accounts, list | tuple) else ():
        typer.echo(f"stays, and is yours to change: {one}")


async def _erase(settings: Config, address: str, reason: str, *, is_suppressed: bool) -> None:
    from relay.clock import new_id, now
    from relay.commands.options import opened
    from relay.notary.erasing import asked, run

    needs_another = settings.viewer.two_person_delete
    id_, actor = new_id(), f"command:{operator()}"
    request, event = asked(
        address, reason, id_=id_, at=now(), actor=actor, event_id=new_id(), needs_another=needs_another
    )
    async with opened(settings, read_only=False) as archive:
        await archive.ask_erasure(request, event)
        if needs_another:
            typer.echo(f"Asked for, as {id_}: another person has to run mailwitness erase --approve {id_}")
            return
        done = await run(archive, id_, clock=now, new_id=new_id, is_suppressed=is_suppressed)
        await archive.settled()
    _conclude(done)


async def _decide(settings: Config, erasure_id: str, *, is_approved: bool, is_suppressed: bool) -> None:
    from relay.archive.api import NotFound
    from relay.clock import new_id, now
    from relay.commands.options import opened
    from relay.model.erasure import Standing
    from relay.notary.erasing import decided, run

    async with opened(settings, read_only=False) as archive:
        try:
            one = await archive.erasure(erasure_id)
        except NotFound as error:
            fail(str(error), EXIT_DATA)
        standing = Standing.APPROVED if is_approved else Standing.REFUSED
        event = decided(one, standing, event_id=new_id(), at=now(), actor=f"command:{operator()}")
        # One that is approved and was cut short is gone on with.
        if not (is_approved and one.standing is Standing.APPROVED) and not await archive.decide_erasure(
            erasure_id, standing, event
        ):
            fail("it is not open, or you asked for it yourself: another person has to decide", EXIT_DATA)
        if not is_approved:
            typer.echo("Refused; nothing was changed.")
            return
        done = await run(archive, erasure_id, clock=now, new_id=new_id, is_suppressed=is_suppressed)
        await archive.settled()
    _conclude(done)


def _conclude(done: Erased) -> None:
    for outcome in done.kept:
        typer.echo(f"stays: {outcome.message_id}  {outcome.words}")
    typer.echo(f"The person was taken out of {done.messages:,} messages; {len(done.kept):,} stay as they are.")
    _tell_accounts(done.accounts)
