"""`mailwitness group`: what its users have besides their own: a role, in a scope."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from relay.commands.options import EXIT_DATA, ConfigFile, account_event, configured, fail, table, write
from relay.commands.scope import (
    Applications,
    Sees,
    Senders,
    Shares,
    Tags,
    check_name,
    roster,
    scope_of,
    told,
)
from relay.model.access import Group

app = typer.Typer(name="group", help="Groups of users, with a role and a scope.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME")]


@app.command()
def add(
    name: Name,
    role: Annotated[str, typer.Option(help="What its users may do.")],
    application: Applications = None,
    sender: Senders = None,
    tag: Tags = None,
    share: Shares = None,
    sees: Sees = None,
    config: ConfigFile = None,
) -> None:
    """Add a group."""
    settings = configured(config)
    check_name(name)
    people = roster(settings)
    if any(one.name == name for one in people.groups):
        fail(f"there is a group {name!r} already", EXIT_DATA)
    group = Group(name, people.check_role(role), scope_of(application, sender, tag, share, sees))
    write(settings, "put_group", group, account_event("group added", group=name))
    typer.echo(f"Added {name} ({role}).")


@app.command()
def change(
    name: Name,
    role: Annotated[str | None, typer.Option(help="What its users may do.")] = None,
    application: Applications = None,
    sender: Senders = None,
    tag: Tags = None,
    share: Shares = None,
    sees: Sees = None,
    config: ConfigFile = None,
) -> None:
    """Change role or scope of a group; its users are signed out. A scope given here stands instead of the old one."""
    settings = configured(config)
    people = roster(settings)
    group = people.group(name)
    changed = replace(
        group,
        role=group.role if role is None else people.check_role(role),
        scope=scope_of(application, sender, tag, share, sees, group.scope),
    )
    if changed == group:
        fail(f"{name} is so already", EXIT_DATA)
    write(settings, "put_group", changed, account_event("group changed", group=name))
    typer.echo(f"Changed {name}.")


@app.command("list")
def list_groups(config: ConfigFile = None) -> None:
    """List the groups, with role, scope and users."""
    people = roster(configured(config))
    rows = [
        (
            group.name,
            group.role,
            told(group.scope),
            ", ".join(one.name for one in people.users if group.name in one.groups),
        )
        for group in people.groups
    ]
    table(("NAME", "ROLE", "SCOPE", "USERS"), rows)


@app.command()
def remove(name: Name, config: ConfigFile = None) -> None:
    """Remove a group; its users stay, without what it gave them."""
    settings = configured(config)
    roster(settings).group(name)
    write(settings, "remove_group", name, account_event("group removed", group=name))
    typer.echo(f"Removed {name}.")
