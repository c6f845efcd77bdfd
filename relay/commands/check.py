"""`mailwitness check`: says everything that is wrong with the configuration, or that nothing is.

With `--live` it also looks at each upstream as it is now; see `relay/courier/inspection.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from relay.commands.options import EXIT_FAILED, EXIT_USAGE, ConfigFile, configured, fail, table

if TYPE_CHECKING:
    from relay.config import Choice, Config, Upstream
    from relay.courier.inspection import Findings


def register(app: typer.Typer) -> None:
    @app.command()
    def check(
        names: Annotated[
            list[str] | None, typer.Argument(metavar="[UPSTREAM]...", help="With --live: these alone.")
        ] = None,
        live: Annotated[
            bool, typer.Option("--live", help="Connect to each upstream, secure the line and log in; no mail is sent.")
        ] = False,
        config: ConfigFile = None,
    ) -> None:
        """Check the configuration: every error at once, exit code 78; or what it amounts to."""
        settings = configured(config)
        if live:
            _look(settings, _chosen(settings, names or []))
            return
        if names:
            fail("names of upstreams are for check --live", EXIT_USAGE)
        _summarise(settings)


def _summarise(settings: Config) -> None:
    for listener in settings.smtp.listeners:
        typer.echo(f"SMTP      {listener.socket or f'{listener.host}:{listener.port}'}, TLS {listener.tls.value}")
    for upstream in settings.upstream:
        typer.echo(f"upstream  {_place(upstream)}, TLS {upstream.tls.value}")
    for route in settings.route:
        typer.echo(f"route     {route.name}: {', '.join(_share(choice) for choice in route.upstreams)}")
    for application in settings.application:
        typer.echo(f"sender    {application.name}: {(application.mode or settings.default_mode).value}")
    typer.echo(f"viewer    {settings.viewer.host}:{settings.viewer.port}")
    if settings.is_tracking_possible:
        typer.echo(f"tracking  {settings.tracking.host}:{settings.tracking.port}")
    _summarise_returning(settings)
    typer.echo(f"archive   {settings.archive.url or settings.archive.path.resolve()}")
    typer.echo(f"mode      {settings.default_mode.value}")
    typer.echo("No errors.")


def _summarise_returning(settings: Config) -> None:
    tracking, bounces = settings.tracking, settings.bounces
    for name, source in settings.webhooks.items():
        typer.echo(f"webhook   {tracking.host}:{tracking.port}/hooks/{name}, from {source.provider or name}")
    if bounces.domain:
        place = f", taken at {bounces.host}:{bounces.port}" if bounces.listen else ""
        typer.echo(f"bounces   {bounces.local_part}+…@{bounces.domain}{place}")
    if bounces.imap.host:
        typer.echo(f"bounces   read from {bounces.imap.mailbox} at {bounces.imap.host}:{bounces.imap.port}")
    for endpoint in settings.endpoint:
        typer.echo(f"endpoint  {endpoint.name}: {endpoint.url}")


def _share(choice: Choice) -> str:
    return choice.name if choice.weight == 1 else f"{choice.name} (weight {choice.weight})"


def _place(upstream: Upstream) -> str:
    if upstream.kind == "mx":
        return f"{upstream.name}: each domain's own servers, port {upstream.port}"
    return f"{upstream.host}:{upstream.port}"


def _chosen(settings: Config, names: list[str]) -> list[Upstream]:
    if not settings.upstream:
        fail("the configuration has no [[upstream]]")
    known = {upstream.name: upstream for upstream in settings.upstream}
    for name in names:
        if name not in known:
            fail(f"{name!r} is no upstream, expected {', '.join(known)}", EXIT_USAGE)
    return [known[name] for name in names] or list(settings.upstream)


def _look(settings: Config, upstreams: list[Upstream]) -> None:
    """Prints a table of every step; ends with 1 when one of them failed."""
    import asyncio
    import socket

    from relay.clock import now
    from relay.courier.inspection import inspect

    helo = settings.smtp.hostname or socket.gethostname()

    async def all_at_once() -> list[Findings]:
        return await asyncio.gather(*(inspect(upstream, helo, now()) for upstream in upstreams))

    found = asyncio.run(all_at_once())
    rows = [
        (each.upstream.name, line.step, "ok" if line.is_good else "FAILED", line.text)
        for each in found
        for line in each.lines
    ]
    table(("UPSTREAM", "STEP", "", "FOUND"), rows)
    for each in found:
        for line in each.lines:
            if line.advice:
                typer.echo(f"{each.upstream.name}, {line.step}: {line.advice}", err=True)
    if not all(each.is_good for each in found):
        raise typer.Exit(EXIT_FAILED)
