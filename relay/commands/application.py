"""`mailwitness application`: clients with credentials of their own, added without editing the configuration file."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated

import typer

from relay.commands.options import (
    EXIT_DATA,
    EXIT_USAGE,
    ConfigFile,
    account_event,
    configured,
    fail,
    read_if_any,
    table,
    write,
)
from relay.model.message import Mode

app = typer.Typer(name="application", help="Applications that send with user name and password.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME")]


@app.command()
def add(
    name: Name,
    username: Annotated[str, typer.Option(help="SMTP user name; without it the application's name.")] = "",
    mode: Annotated[Mode | None, typer.Option(help="Without it the server's mode.")] = None,
    sender: Annotated[
        list[str] | None, typer.Option(help="Allowed sender, a@example.com or @example.com; may be repeated.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Tag of all its messages; may be repeated.")] = None,
    for_file: Annotated[bool, typer.Option("--for-file", help="Store nothing, print lines for config.toml.")] = False,
    config: ConfigFile = None,
) -> None:
    """Add an application, or give it a new password; shows the generated password, once."""
    from relay.archive.api import ApplicationRecord
    from relay.clock import now

    settings = configured(config)
    _check_name(name)
    _check_senders(sender or [])
    if any(name == other.name or (username or name) == other.username for other in settings.application):
        fail(f"the configuration file has an application {name!r} already", EXIT_DATA)
    secret = secrets.token_urlsafe(24)
    digest = hashlib.sha256(secret.encode())
    if for_file:
        lines = ["[[application]]", f'name = "{name}"', f'username = "{username or name}"']
        typer.echo("\n".join([*lines, f'secret_hash = "sha256:{digest.hexdigest()}"']))
    else:
        record = ApplicationRecord(
            name=name,
            username=username or name,
            secret_hash=digest.digest(),
            created_at=now(),
            mode=mode.value if mode else None,
            senders=tuple(sender or ()),
            tags=tuple(tag or ()),
        )
        write(settings, "put_application", record, account_event("application added", application=name))
        typer.echo(f"Added {name}.\nusername  {username or name}")
    typer.echo(f"{'# ' if for_file else ''}password  {secret}   (shown this once)")


@app.command("list")
def list_applications(config: ConfigFile = None) -> None:
    """List the applications, those of the configuration file first."""
    settings = configured(config)
    records = read_if_any(settings, lambda archive: archive.applications()) or []
    rows = [(one.name, one.username, one.mode.value if one.mode else "", "file") for one in settings.application]
    rows += [(one.name, one.username, one.mode or "", "archive") for one in records]
    table(("NAME", "USERNAME", "MODE", "FROM"), rows)


@app.command()
def remove(name: Name, config: ConfigFile = None) -> None:
    """Remove an application: its password is refused from now on. Its messages stay."""
    settings = configured(config)
    records = read_if_any(settings, lambda archive: archive.applications()) or []
    if all(one.name != name for one in records):
        in_file = any(one.name == name for one in settings.application)
        fail(f"{name!r} is in the configuration file" if in_file else f"there is no application {name!r}", EXIT_DATA)
    write(settings, "remove_application", name, account_event("application removed", application=name))
    typer.echo(f"Removed {name}.")


def _check_name(name: str) -> None:
    from pydantic import TypeAdapter, ValidationError

    from relay import config
    from relay.config.expectation import Slot, expected

    try:
        TypeAdapter(config.Name).validate_python(name)
    except ValidationError:
        words = expected(Slot(str, config.Name.__metadata__))  # type: ignore[attr-defined]
        fail(f"{name!r}, expected {words}", EXIT_USAGE)


def _check_senders(senders: list[str]) -> None:
    from relay.config import SENDER_RULE

    for rule in senders:
        if SENDER_RULE.fullmatch(rule) is None:
            fail(f"{rule!r}, expected an address, a domain such as @example.com, or <>", EXIT_USAGE)
