"""`mailwitness token`: bearer tokens for the HTTP API, each with the rights of one user, or less."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Annotated

import typer

from relay.commands.options import (
    EXIT_DATA,
    EXIT_USAGE,
    MICROSECONDS_A_DAY,
    ConfigFile,
    account_event,
    configured,
    fail,
    read_if_any,
    table,
    write,
)
from relay.commands.scope import Permissions

app = typer.Typer(name="token", help="Bearer tokens for the HTTP API.", no_args_is_help=True)


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the token is for.")],
    user: Annotated[str, typer.Option(help="Whose rights it has.")],
    days: Annotated[int | None, typer.Option(min=1, help="Valid for so many days; without it until revoked.")] = None,
    expires: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Valid up to this day and with it, in UTC."),
    ] = None,
    permission: Permissions = None,
    application: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="For mail of this application only; may be repeated.")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Make a token; shows it, once. Without --permission it may do all that its user may."""
    from relay.archive.api import ApiToken
    from relay.clock import new_id, now

    settings = configured(config)
    if read_if_any(settings, lambda archive: archive.user(user)) is None:
        fail(f"there is no user {user!r}", EXIT_DATA)
    secret = secrets.token_urlsafe(32)
    at = now()
    token = ApiToken(
        id=new_id(),
        name=name,
        user=user,
        token_hash=hashlib.sha256(secret.encode()).digest(),
        created_at=at,
        expires_at=_end(at, days, expires),
        permissions=frozenset(permission) if permission else None,
        applications=tuple(dict.fromkeys(application or ())),
    )
    write(settings, "add_token", token, account_event("token added", token=token.id, user=user))
    typer.echo(f"id     {token.id}\ntoken  {secret}   (shown this once)")


@app.command("list")
def list_tokens(config: ConfigFile = None) -> None:
    """List the tokens; the secret part is not stored."""
    from relay.commands.options import shown_time

    tokens = read_if_any(configured(config), lambda archive: archive.tokens()) or []
    rows = [
        (
            one.id,
            one.name,
            one.user,
            shown_time(one.expires_at) if one.expires_at else "",
            "all" if one.permissions is None else ", ".join(sorted(one.permissions)) or "nothing",
            ", ".join(one.applications) or "all",
        )
        for one in tokens
    ]
    table(("ID", "NAME", "USER", "EXPIRES", "PERMISSIONS", "APPLICATIONS"), rows)


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `token list` shows it.")], config: ConfigFile = None
) -> None:
    """Make a token useless, at once."""
    settings = configured(config)
    if all(one.id != token_id for one in read_if_any(settings, lambda archive: archive.tokens()) or ()):
        fail(f"there is no token {token_id!r}", EXIT_DATA)
    write(settings, "remove_token", token_id, account_event("token revoked", token=token_id))
    typer.echo(f"Revoked {token_id}.")


def _end(at: int, days: int | None, expires: datetime | None) -> int | None:
    """When it ends, UTC microseconds; None: never."""
    if days is not None and expires is not None:
        fail("--days cannot be given together with --expires", EXIT_USAGE)
    if expires is None:
        return at + days * MICROSECONDS_A_DAY if days else None
    end = int(expires.replace(tzinfo=UTC).timestamp()) * 1_000_000 + MICROSECONDS_A_DAY
    return end if end > at else fail(f"{expires:%Y-%m-%d} is over", EXIT_USAGE)
