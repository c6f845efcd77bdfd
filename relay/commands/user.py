"""`mailwitness user`: the people who may sign in."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from relay.archive.api import User
    from relay.config import Config

app = typer.Typer(name="user", help="The people who may sign in.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


class Role(StrEnum):
    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"
    AUDITOR = "auditor"


@app.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What the person may do.")] = Role.ADMINISTRATOR,
    password_stdin: FromStdin = False,
    config: ConfigFile = None,
) -> None:
    """Add a person; asks for a password."""
    from relay.archive.api import User
    from relay.clock import now
    from viewer.identity.people import name_problem

    settings = configured(config)
    if problem := name_problem(name):
        fail(f"{name!r}: {problem}", EXIT_USAGE)
    if _find(settings, name) is not None:
        fail(f"there is a user {name!r} already", EXIT_DATA)
    user = User(name, role.value, _password_hash(name, password_stdin), now())
    write(settings, "put_user", user, account_event("user added", user=name, role=role.value))
    typer.echo(f"Added {name} ({role.value}).")


@app.command("list")
def list_users(config: ConfigFile = None) -> None:
    """List the people who may sign in."""
    users = read_if_any(configured(config), lambda archive: archive.users()) or []
    table(("NAME", "ROLE"), [(user.name, user.role) for user in users])


@app.command()
def passwd(name: Name, password_stdin: FromStdin = False, config: ConfigFile = None) -> None:
    """Set a new password; ends the person's sessions."""
    from dataclasses import replace

    settings = configured(config)
    user = _find(settings, name)
    if user is None:
        fail(f"there is no user {name!r}", EXIT_DATA)
    changed = replace(user, password_hash=_password_hash(name, password_stdin))
    write(settings, "put_user", changed, account_event("password changed", user=name))
    typer.echo(f"Changed the password of {name}.")


@app.command("reset-factors")
def reset_factors(name: Name, config: ConfigFile = None) -> None:
    """Remove the authenticator app, passkeys and recovery codes of a person who lost them; ends their sessions."""
    settings = configured(config)
    if _find(settings, name) is None:
        fail(f"there is no user {name!r}", EXIT_DATA)
    write(settings, "remove_factors", name, account_event("second factors removed", user=name))
    typer.echo(f"{name} signs in by password alone until a new second factor is set up.")


@app.command()
def remove(name: Name, config: ConfigFile = None) -> None:
    """Remove a person, with sessions and API tokens."""
    settings = configured(config)
    if _find(settings, name) is None:
        fail(f"there is no user {name!r}", EXIT_DATA)
    write(settings, "remove_user", name, account_event("user removed", user=name))
    typer.echo(f"Removed {name}.")


def _find(config: Config, name: str) -> User | None:
    return read_if_any(config, lambda archive: archive.user(name))


def _password_hash(name: str, from_stdin: bool) -> str:
    """argon2id's encoded form of the password that the person types, or that comes on standard input."""
    from viewer.identity.passwords import hash_password, weakness

    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    if problem := weakness(password, name):
        fail(problem, EXIT_DATA)
    return hash_password(password)
