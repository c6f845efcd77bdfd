"""`mailwitness role`: sets of permissions under a name, besides those that are always there."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from relay.commands.options import EXIT_DATA, EXIT_USAGE, ConfigFile, account_event, configured, fail, table, write
from relay.commands.scope import Permissions, check_name, roster
from relay.model.access import BUILT_IN, Permission, Role

app = typer.Typer(name="role", help="What people may do: sets of permissions.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME")]
NeedsScope = Annotated[
    bool | None,
    typer.Option(
        "--needs-scope/--sees-all", help="Without a scope see nothing, or everything.", show_default="--needs-scope"
    ),
]


@app.command()
def add(name: Name, permission: Permissions = None, needs_scope: NeedsScope = None, config: ConfigFile = None) -> None:
    """Add a role."""
    settings = configured(config)
    check_name(name)
    if name in {one.name for one in (*BUILT_IN, *roster(settings).roles)}:
        fail(f"there is a role {name!r} already", EXIT_DATA)
    role = Role(name, frozenset(permission or ()), needs_scope is not False)
    write(settings, "put_role", role, account_event("role added", role=name))
    typer.echo(f"Added {name}: {_permissions(role)}.")


@app.command()
def change(
    name: Name, permission: Permissions = None, needs_scope: NeedsScope = None, config: ConfigFile = None
) -> None:
    """Give a role these permissions instead of those it has; whoever has it is signed out."""
    settings = configured(config)
    if permission is None and needs_scope is None:
        fail("say what to change: --permission, --needs-scope or --sees-all", EXIT_USAGE)
    role = roster(settings).role(name)
    if permission is not None:
        role = replace(role, permissions=frozenset(permission))
    if needs_scope is not None:
        role = replace(role, needs_scope=needs_scope)
    write(settings, "put_role", role, account_event("role changed", role=name))
    typer.echo(f"Changed {name}: {_permissions(role)}.")


@app.command("list")
def list_roles(config: ConfigFile = None) -> None:
    """List the roles, those that are always there first."""
    own = roster(configured(config)).roles
    rows = [
        (
            role.name,
            "sees nothing" if role.needs_scope else "sees everything",
            "built in" if role in BUILT_IN else "added",
            _permissions(role),
        )
        for role in (*BUILT_IN, *own)
    ]
    table(("NAME", "WITHOUT A SCOPE", "FROM", "PERMISSIONS"), rows)


@app.command()
def remove(name: Name, config: ConfigFile = None) -> None:
    """Remove a role that nobody has."""
    settings = configured(config)
    roster(settings).role(name)
    write(settings, "remove_role", name, account_event("role removed", role=name))
    typer.echo(f"Removed {name}.")


def _permissions(role: Role) -> str:
    """In the order in which they are explained."""
    return ", ".join(one for one in Permission if one in role.permissions) or "nothing"
