"""What people may do, and which messages they may see. Values only: who decides is the viewer.

A role is a set of permissions; a scope is a union of shares, and a message is within a share if it matches each of the
share's conditions. Whoever has a scope sees, counts, exports and changes nothing beyond it. A user has a role and a
scope, and those of each group: all permissions together, in all scopes together. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Permission(StrEnum):
    READ = "read"
    """Search, list and open messages: envelope, status, header fields, events."""
    BODY = "body"
    """See bodies: preview, text, source."""
    ATTACHMENTS = "attachments"
    """Open and save attachments."""
    RESEND = "resend"
    """Send a message again as it is; retry what waits."""
    EDIT = "edit"
    """Send a changed copy; write a new message."""
    RELEASE = "release"
    """Approve or refuse what is held; cancel, reroute what waits; pause sending."""
    TAG = "tag"
    EXPORT = "export"
    """Take away more than one message at a time."""
    DELETE = "delete"
    ERASE = "erase"
    """Take a person out of everything that is kept; needs a scope that is everything."""
    SUPPRESS = "suppress"
    """Change the suppression list."""
    AUDIT = "audit"
    """See what people did: the audit history."""
    USERS = "users"
    """Manage users, groups, roles and their tokens."""
    SECRETS = "secrets"
    """See what the rules of masking hide: reset links, one-time codes."""
    ADMINISTER = "administer"
    """Everything else that changes the house: applications, endpoints, modes, settings."""


@dataclass(frozen=True, slots=True)
class Share:
    """One part of a scope: messages that match every condition given. Empty: that condition is not asked.

    A share that asks for nothing is a mistake: no message is within it.
    """

    applications: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    """Author addresses in lower case: `ann@example.com`, or `@example.com` for all of a domain."""
    tags: tuple[str, ...] = ()

    @property
    def is_asking(self) -> bool:
        return bool(self.applications or self.senders or self.tags)

    def as_json(self) -> dict[str, list[str]]:
        return {part: list(getattr(self, part)) for part in PARTS}


@dataclass(frozen=True, slots=True)
class Scope:
    """The messages someone may see: those within any of the shares; None: all there are."""

    shares: tuple[Share, ...] | None = None

    @property
    def is_everything(self) -> bool:
        return self.shares is None

    def as_json(self) -> list[dict[str, list[str]]] | None:
        """`[{"applications": ["shop"], "senders": [], "tags": []}]`; None: everything."""
        return None if self.shares is None else [share.as_json() for share in self.shares]

    @classmethod
    def of_json(cls, value: Any) -> Scope:
        """What `as_json` made. Raises KeyError or TypeError for anything else."""
        if value is None:
            return cls()
        return cls(tuple(Share(*(tuple(share[part]) for part in PARTS)) for share in value))


EVERYTHING = Scope()
NOTHING = Scope(())
PARTS = ("applications", "senders", "tags")


def union(scopes: Iterable[Scope]) -> Scope:
    """What is within any of the scopes."""
    shares: dict[Share, None] = {}
    for scope in scopes:
        if scope.shares is None:
            return EVERYTHING
        shares.update(dict.fromkeys(scope.shares))
    return Scope(tuple(shares))


def narrowed(scope: Scope, applications: Sequence[str]) -> Scope:
    """What is within the scope and of one of the applications; all of the scope if none is named."""
    if not applications:
        return scope
    shares = (Share(),) if scope.shares is None else tuple(share for share in scope.shares if share.is_asking)
    return Scope(tuple(one for share in shares if (one := _of(share, applications)) is not None))


def _of(share: Share, applications: Sequence[str]) -> Share | None:
    kept = tuple(name for name in applications if not share.applications or name in share.applications)
    return replace(share, applications=kept) if kept else None


@dataclass(frozen=True, slots=True)
class Role:
    """A name for what people may do."""

    name: str
    permissions: frozenset[Permission] = frozenset()
    needs_scope: bool = True
    """Whoever has it sees nothing until a scope says what is theirs."""

    def as_json(self) -> dict[str, Any]:
        return {"permissions": sorted(self.permissions), "needs_scope": self.needs_scope}


@dataclass(frozen=True, slots=True)
class Group:
    """What its users have besides their own: a role, in a scope."""

    name: str
    role: str
    scope: Scope = EVERYTHING
    """EVERYTHING: none is given, so that the role says whether that is all or nothing."""

    def as_json(self) -> dict[str, Any]:
        return {"role": self.role, "scope": self.scope.as_json()}


_READING = frozenset({Permission.READ, Permission.BODY, Permission.ATTACHMENTS})
BUILT_IN = (
    Role("administrator", frozenset(Permission), needs_scope=False),
    Role(
        "operator",
        _READING | {Permission.RESEND, Permission.EDIT, Permission.RELEASE, Permission.TAG},
        needs_scope=False,
    ),
    Role("auditor", _READING | {Permission.SECRETS, Permission.EXPORT, Permission.AUDIT}, needs_scope=False),
    Role("member", _READING),
)
"""The roles that are always there, and cannot be changed."""
ROLES = {role.name: role.permissions for role in BUILT_IN}


@dataclass(frozen=True, slots=True)
class Grant:
    """What someone may do, and see."""

    permissions: frozenset[Permission] = frozenset()
    scope: Scope = NOTHING

    @property
    def keeps_people(self) -> bool:
        """Whether it lets manage people: with a narrower scope one could give away more than one sees."""
        return Permission.USERS in self.permissions and self.scope.is_everything


NO_GRANT = Grant()


def grant(role: str, scope: Scope, groups: Iterable[Group], roles: Sequence[Role]) -> Grant:
    """What a user has of their own and by their groups. `roles`: those people made; an unknown one gives nothing."""
    known = {one.name: one for one in (*roles, *BUILT_IN)}
    given = [_given(role, scope, known), *(_given(group.role, group.scope, known) for group in groups)]
    permissions = frozenset[Permission]().union(*(one.permissions for one in given))
    return Grant(permissions, union(one.scope for one in given if one.permissions))


def _given(name: str, scope: Scope, known: Mapping[str, Role]) -> Grant:
    role = known.get(name)
    if role is None:
        return NO_GRANT
    return Grant(role.permissions, NOTHING if scope.is_everything and role.needs_scope else scope)
