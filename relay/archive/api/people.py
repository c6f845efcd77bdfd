"""The archive's contract about people: users and their tokens, roles, groups and scopes; and applications' credentials.

What all methods promise is in `api.py`, of whose protocol this one is a part. Whoever's
rights change by one of these is signed out in the same transaction. Events get `before` and `after` from the archive.
What changes users, roles or groups raises NobodyLeft where somebody may manage people, and nobody could any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from relay.model.access import EVERYTHING, Grant, Group, Permission, Role, Scope, grant
from relay.model.event import Event


@dataclass(frozen=True, slots=True)
class User:
    """A person who signs in. `password_hash` is argon2id's encoded form; '' means sign-in by link only."""

    name: str
    role: str
    password_hash: str
    created_at: int
    scope: Scope = EVERYTHING
    """EVERYTHING: none is given, so that the role says whether that is all or nothing."""
    groups: tuple[str, ...] = ()
    disabled_at: int | None = None
    """UTC microseconds since which neither they nor their tokens are let in; None: they are."""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A bearer token of a user for the HTTP API. Only its SHA-256 is stored."""

    id: str
    name: str
    user: str
    token_hash: bytes
    created_at: int
    expires_at: int | None = None
    permissions: frozenset[Permission] | None = None
    """Of those that the user has, these only; None: all."""
    applications: tuple[str, ...] = ()
    """Of the messages that the user sees, those of these applications only; empty: all."""


@dataclass(frozen=True, slots=True)
class ApplicationRecord:
    """An application added by command rather than by file. `secret_hash`: SHA-256 of a generated secret."""

    name: str
    username: str
    secret_hash: bytes
    created_at: int
    mode: str | None = None
    senders: tuple[str, ...] = ()
    """Allowed reverse-paths: `a@example.com` or `@example.com`; empty means any."""
    tags: tuple[str, ...] = ()


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
    async def users(self) -> list[User]: ...
    async def user(self, name: str) -> User | None: ...
    async def put_user(self, user: User, event: Event) -> None:
        """Adds or replaces. A changed password, role, group or scope, and being disabled, ends the user's web
        sessions in the same transaction; the event says what was before and after."""

    async def remove_user(self, name: str, event: Event) -> None:
        """Also ends the user's sessions and tokens. Raises NotFound."""

    async def tokens(self) -> list[ApiToken]: ...
    async def token(self, token_hash: bytes, now: int) -> ApiToken | None:
        """None also when it ran out, or its user is disabled."""

    async def add_token(self, token: ApiToken, event: Event) -> None: ...
    async def remove_token(self, token_id: str, event: Event) -> None: ...

    async def applications(self) -> list[ApplicationRecord]: ...
    async def put_application(self, application: ApplicationRecord, event: Event) -> None: ...
    async def remove_application(self, name: str, event: Event) -> None: ...

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
