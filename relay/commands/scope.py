"""Options that say which messages somebody sees, and roles and groups by name; for users, groups and tokens alike.

A scope is some shares (`model/access.py`). `--application`, `--sender` and `--tag` together are one share, each
`--share "application=shop,sender=@example.com"` is another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from relay.commands.options import EXIT_DATA, EXIT_USAGE, fail, read_if_any
from relay.model.access import BUILT_IN, EVERYTHING, NOTHING, PARTS, Group, Permission, Role, Scope, Share

if TYPE_CHECKING:
    from relay.archive.api import Archive, User
    from relay.config import Config


class Seen(StrEnum):
    BY_ROLE = "by-role"
    """No scope: all there is, or nothing, as the role says."""
    NOTHING = "nothing"


Applications: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--application", metavar="NAME", help="Sees mail of this application; may be repeated."),
]
Senders: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--sender", metavar="ADDRESS", help="Sees mail from a@example.com, or @example.com; may be repeated."),
]
Tags: TypeAlias = Annotated[
    list[str] | None, typer.Option("--tag", metavar="TAG", help="Sees mail with this tag; may be repeated.")
]
Shares: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--share",
        metavar="SHARE",
        help='Sees this mail besides: "application=shop,sender=@example.com,tag=red"; may be repeated.',
    ),
]
Sees: TypeAlias = Annotated[Seen | None, typer.Option(help="Instead of a scope: what the role says, or nothing.")]
Permissions: TypeAlias = Annotated[
    list[Permission] | None,
    typer.Option("--permission", metavar="NAME", help=f"One of {', '.join(Permission)}; may be repeated."),
]


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody, as they are kept."""

    users: Sequence[User] = ()
    roles: Sequence[Role] = field(default=())
    """Those that people made."""
    groups: Sequence[Group] = ()

    def user(self, name: str) -> User:
        """Ends the command where there is none of that name."""
        found = next((one for one in self.users if one.name == name), None)
        return found if found is not None else fail(f"there is no user {name!r}", EXIT_DATA)

    def group(self, name: str) -> Group:
        found = next((one for one in self.groups if one.name == name), None)
        return found if found is not None else fail(f"there is no group {name!r}", EXIT_DATA)

    def role(self, name: str) -> Role:
        """One that people made."""
        found = next((one for one in self.roles if one.name == name), None)
        return found if found is not None else fail(f"there is no role {name!r} that could be changed", EXIT_DATA)

    def check_role(self, name: str) -> str:
        names = [one.name for one in (*BUILT_IN, *self.roles)]
        if name not in names:
            fail(f"{name!r}, expected one of the roles: {', '.join(names)}", EXIT_USAGE)
        return name

    def check_groups(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.group(name).name for name in names))


def roster(config: Config) -> Roster:
    async def ask(archive: Archive) -> Roster:
        return Roster(await archive.users(), await archive.roles(), await archive.groups())

    return read_if_any(config, ask) or Roster()


def check_name(name: str) -> str:
    """Ends the command unless users, roles and groups may be called so."""
    from viewer.identity.people import name_problem

    if problem := name_problem(name):
        fail(f"{name!r}: {problem}", EXIT_USAGE)
    return name


def scope_of(
    applications: list[str] | None,
    senders: list[str] | None,
    tags: list[str] | None,
    shares: list[str] | None,
    seen: Seen | None,
    otherwise: Scope = EVERYTHING,
) -> Scope:
    """What the options say; `otherwise` where none is given."""
    given = (_share(applications or [], senders or [], tags or []), *map(_read, shares or ()))
    asking = tuple(dict.fromkeys(share for share in given if share.is_asking))
    if asking and seen is not None:
        fail("--sees cannot be given together with a scope", EXIT_USAGE)
    if asking:
        return Scope(asking)
    return otherwise if seen is None else NOTHING if seen is Seen.NOTHING else EVERYTHING


def _share(applications: Iterable[str], senders: Iterable[str], tags: Iterable[str]) -> Share:
    from relay.config.values import names_author

    given = (applications, [one.lower() for one in senders], tags)
    share = Share(*(tuple(dict.fromkeys(values)) for values in given))
    for sender in share.senders:
        if not names_author(sender):
            fail(f"{sender!r}, expected an address, or a domain such as @example.com", EXIT_USAGE)
    return share


def _read(text: str) -> Share:
    """What `application=shop,tag=red` says."""
    found: dict[str, list[str]] = {part: [] for part in PARTS}
    for pair in text.split(","):
        name, is_pair, value = pair.strip().partition("=")
        if not is_pair or f"{name}s" not in found or not value.strip():
            fail(f"{pair.strip()!r}, expected application=NAME, sender=ADDRESS or tag=NAME", EXIT_USAGE)
        found[f"{name}s"].append(value.strip())
    return _share(**found)


def told(scope: Scope) -> str:
    """As `--share` takes it, shares parted by `;`. `nothing`; '' where the role says."""
    if scope.shares is None:
        return ""
    return "; ".join(map(_told, scope.shares)) or "nothing"


def _told(share: Share) -> str:
    parts = share.as_json().items()
    return ",".join(f"{part.removesuffix('s')}={value}" for part, values in parts for value in values) or "nothing"
