"""`mailwitness check`: says everything that is wrong with the configuration, or that nothing is."""

from __future__ import annotations

import typer

from relay.commands.options import ConfigFile, configured


def register(app: typer.Typer) -> None:
    @app.command()
    def check(config: ConfigFile = None) -> None:
        """Check the configuration: every error at once, exit code 78; or what it amounts to."""
        settings = configured(config)
        for listener in settings.smtp.listeners:
            typer.echo(f"SMTP      {listener.socket or f'{listener.host}:{listener.port}'}, TLS {listener.tls.value}")
        for upstream in settings.upstream:
            typer.echo(f"upstream  {upstream.host}:{upstream.port}, TLS {upstream.tls.value}")
        typer.echo(f"viewer    {settings.viewer.host}:{settings.viewer.port}")
        if settings.is_tracking_possible:
            typer.echo(f"tracking  {settings.tracking.host}:{settings.tracking.port}")
        typer.echo(f"archive   {settings.archive.url or settings.archive.path.resolve()}")
        typer.echo(f"mode      {settings.default_mode.value}")
        typer.echo("No errors.")
