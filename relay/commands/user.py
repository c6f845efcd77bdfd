"""`mailwitness user`: the people who may sign in, and what each may do and see."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Annotated

import typer

from relay.commands.options import (
    EXIT_DATA,
    EXIT_USAGE,
    ConfigFile,
    account_event,
    configured,
    fail,
    table,
    write,
)
from relay.commands.scope import (
    Applications,
    Roster,
    Sees,
    Senders,
    Shares,
    Tags,
    check_name,
    roster,
    scope_of,
    told,
)

app = typer.Typer(name="user", help="The people who may sign in.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
RoleName = Annotated[str | None, typer.Option(help='What the person may do; "" for what the groups give alone.')]
Groups = Annotated[
    list[str] | None, typer.Option("--group", metavar="NAME", help="A group the person is in; may be repeated.")
]


@app.command()
def add(
    name: Name,
    role: RoleName = "administrator",
    group: Groups = None,
    application: Applications = None,
    sender: Senders = None,
    tag: Tags = None,
    share: Shares = None,
    sees: Sees = None,
    password_stdin: FromStdin = False,
    config: ConfigFile = None,
) -> None:
    """Add a person; asks for a password."""
    from relay.archive.api import User
    from relay.clock import now

    settings = configured(config)
    check_name(name)
    people = roster(settings)
    if any(one.name == name for one in people.users):
        fail(f"there is a user {name!r} already", EXIT_DATA)
    chosen, scope = _role(people, role or ""), scope_of(application, sender, tag, share, sees)
    groups = people.check_groups(group or ())
    user = User(name, chosen, _password_hash(name, password_stdin), now(), scope, groups)
    write(settings, "put_user", user, account_event("user added", user=name, role=chosen))
    typer.echo(f"Added {name} ({', '.join(filter(None, (chosen, *groups))) or 'nothing yet'}).")


@app.command()
def change(
    name: Name,
    role: RoleName = None,
    group: Groups = None,
    no_groups: Annotated[bool, typer.Option("--no-groups", help="Take the person out of all groups.")] = False,
    application: Applications = None,
    sender: Senders = None,
    tag: Tags = None,
    share: Shares = None,
    sees: Sees = None,
    disable: Annotated[
        bool | None,
        typer.Option(
            "--disable/--enable", help="Let the person and their tokens in no more, or again.", show_default=False
        ),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Change role, groups or scope of a person, or switch the account off; ends their sessions.

    Groups and scope given here stand instead of those there were.
    """
    from relay.clock import now

    settings = configured(config)
    if group and no_groups:
        fail("--group cannot be given together with --no-groups", EXIT_USAGE)
    people = roster(settings)
    user = people.user(name)
    changed = replace(
        user,
        role=user.role if role is None else _role(people, role),
        groups=people.check_groups(group) if group else () if no_groups else user.groups,
        scope=scope_of(application, sender, tag, share, sees, user.scope),
    )
    if disable is not None and disable is (user.disabled_at is None):
        changed = replace(changed, disabled_at=now() if disable else None)
    if changed == user:
        fail(f"{name} is so already", EXIT_DATA)
    words = "rights changed"
    if changed.disabled_at != user.disabled_at:
        words = "user enabled" if changed.disabled_at is None else "user disabled"
    write(settings, "put_user", changed, account_event(words, user=name))
    typer.echo(f"Changed {name}.")


@app.command("list")
def list_users(config: ConfigFile = None) -> None:
    """List the people who may sign in, with role, groups, scope, and whether they are let in."""
    users = roster(configured(config)).users
    rows = [
        (one.name, one.role, ", ".join(one.groups), told(one.scope), "disabled" if one.disabled_at else "enabled")
        for one in users
    ]
    table(("NAME", "ROLE", "GROUPS", "SCOPE", "STATE"), rows)


@app.command()
def passwd(name: Name, password_stdin: FromStdin = False, config: ConfigFile = None) -> None:
    """Set a new password; ends the person's sessions."""
    settings = configured(config)
    user = roster(settings).user(name)
    changed = replace(user, password_hash=_password_hash(name, password_stdin))
    write(settings, "put_user", changed, account_event("password changed", user=name))
    typer.echo(f"Changed the password of {name}.")


@app.command("reset-factors")
def reset_factors(name: Name, config: ConfigFile = None) -> None:
    """Remove the authenticator app, passkeys and recovery codes of a person who lost them; ends their sessions."""
    settings = configured(config)
    roster(settings).user(name)
    write(settings, "remove_factors", name, account_event("second factors removed", user=name))
    typer.echo(f"{name} signs in by password alone until a new second factor is set up.")


@app.command("sign-out")
def sign_out(name: Name, config: ConfigFile = None) -> None:
    """End all sessions of a person, in whatever browser."""
    settings = configured(config)
    roster(settings).user(name)
    count = write(settings, "end_sessions", name, None, account_event("all sessions ended", user=name))
    typer.echo(f"{name} is signed out everywhere; sessions ended: {count}.")


@app.command()
def remove(name: Name, config: ConfigFile = None) -> None:
    """Remove a person, with sessions and API tokens."""
    settings = configured(config)
    roster(settings).user(name)
    write(settings, "remove_user", name, account_event("user removed", user=name))
    typer.echo(f"Removed {name}.")


def _role(people: Roster, name: str) -> str:
    """'' is none of their own."""
    return people.check_role(name) if name else ""


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
