"""`mailwitness endpoint`: secrets for endpoints, and how those that are configured do."""

from __future__ import annotations

import base64
import secrets

import typer

from relay.commands.options import ConfigFile, configured, read_if_any, shown_time, table
from relay.commands.search import printable
from relay.model.notification import SECRET_PREFIX

app = typer.Typer(name="endpoint", help="Your own programs that are told of events.", no_args_is_help=True)

OCTETS = 32
"""Of a new secret."""


@app.command()
def secret() -> None:
    """Print a new secret, for `secret` or `secret_file` of an [[endpoint]] and for the program it belongs to."""
    typer.echo(SECRET_PREFIX + base64.b64encode(secrets.token_bytes(OCTETS)).decode())


@app.command("list")
def list_endpoints(config: ConfigFile = None) -> None:
    """List the endpoints and how each does."""
    states = read_if_any(configured(config), lambda archive: archive.endpoints()) or []
    rows = [
        (
            one.name,
            f"{one.waiting:,}",
            f"{one.failed:,}",
            shown_time(one.delivered_at) if one.delivered_at is not None else "-",
            "gone: told nothing more" if one.gone_at is not None else printable(one.error),
        )
        for one in states
    ]
    table(("NAME", "WAITING", "GIVEN UP", "LAST TAKEN", "ERROR"), rows)
