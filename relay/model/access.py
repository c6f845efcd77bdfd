"""What people may do, and which messages they may see. Values only: who decides is the viewer.

A role is a set of permissions; a scope is a union of shares, and a message is within a share if it matches each of the
share's conditions. Whoever has a scope sees, counts, exports and changes nothing beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
    """Approve or refuse what is held; cancel, reroute what waits."""
    TAG = "tag"
    EXPORT = "export"
    """Take away more than one message at a time."""
    DELETE = "delete"
    SUPPRESS = "suppress"
    """Change the suppression list."""
    AUDIT = "audit"
    """See what people did: the audit history."""
    USERS = "users"
    """Manage users, groups, roles and their tokens."""
    ADMINISTER = "administer"
    """Everything else that changes the house: applications, endpoints, modes, pauses, settings."""


ROLES: dict[str, frozenset[Permission]] = {
    "administrator": frozenset(Permission),
    "operator": frozenset(
        {
            Permission.READ,
            Permission.BODY,
            Permission.ATTACHMENTS,
            Permission.RESEND,
            Permission.EDIT,
            Permission.RELEASE,
            Permission.TAG,
        }
    ),
    "auditor": frozenset(
        {Permission.READ, Permission.BODY, Permission.ATTACHMENTS, Permission.EXPORT, Permission.AUDIT}
    ),
    "member": frozenset({Permission.READ, Permission.BODY, Permission.ATTACHMENTS}),
}
"""The roles that are always there. A member sees nothing until a scope says what is theirs."""


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


@dataclass(frozen=True, slots=True)
class Scope:
    """The messages someone may see: those within any of the shares; None: all there are."""

    shares: tuple[Share, ...] | None = None

    @property
    def is_everything(self) -> bool:
        return self.shares is None


EVERYTHING = Scope()
NOTHING = Scope(())
