"""The archive's contract about what people may: their roles, groups and scopes.

What all methods promise is in `api.py`, of whose protocol this one is a part; users themselves are there. Whoever's
rights change by one of these is signed out in the same transaction. Events get `before` and `after` from the archive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from relay.model.access import Grant, Group, Role, grant
from relay.model.event import Event

if TYPE_CHECKING:
    from relay.archive.api import User


@dataclass(frozen=True, slots=True)
class Account:
    """A user with all that says what they may."""

    user: User
    groups: tuple[Group, ...] = ()
    """Those the user is in, and that there are."""
    roles: tuple[Role, ...] = ()
    """All that people made."""

    @property
    def grant(self) -> Grant:
        return grant(self.user.role, self.user.scope, self.groups, self.roles)


class People(Protocol):
    async def account(self, name: str) -> Account | None: ...

    async def roles(self) -> list[Role]:
        """Those that people made, by name."""

    async def put_role(self, role: Role, event: Event) -> None:
        """Adds or replaces. Raises ArchiveError for the name of a role that is always there."""

    async def remove_role(self, name: str, event: Event) -> None:
        """Raises NotFound; ArchiveError while a user or group has it."""

    async def groups(self) -> list[Group]:
        """By name."""

    async def put_group(self, group: Group, event: Event) -> None:
        """Adds or replaces."""

    async def remove_group(self, name: str, event: Event) -> None:
        """Takes its users out of it. Raises NotFound."""
