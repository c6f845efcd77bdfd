"""People: who is signed in and what they may do and see. The one place that decides.

Does not find out who someone is (`security.py`, `sign_in.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from relay.archive.api import Account, ApiToken
from relay.model.access import NO_GRANT, Grant, Permission, Scope, narrowed
from viewer.translation import say


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who proved who they are. `session`: SHA-256 of the session's token; None for a bearer token."""

    name: str
    role: str
    """In words: the role of their own, and the groups."""
    session: bytes | None = None
    csrf_secret: bytes = b""
    grant: Grant = NO_GRANT
    token: bytes | None = None
    """SHA-256 of the bearer token."""

    @property
    def scope(self) -> Scope:
        return self.grant.scope

    def may(self, permission: Permission | str) -> bool:
        return permission in self.grant.permissions

    @property
    def actor(self) -> str:
        """As events name them."""
        return f"user:{self.name}"


def person_of(account: Account, session: bytes | None = None, csrf_secret: bytes = b"") -> Person:
    """The account's user, with all that they have of their own and by their groups."""
    words = ", ".join(filter(None, (account.user.role, *(group.name for group in account.groups))))
    return Person(account.user.name, words, session, csrf_secret, account.grant)


def bearer_of(account: Account, token: ApiToken) -> Person:
    """Whoever has the token: its user, with no more than the token's permissions and applications."""
    person = person_of(account)
    permissions = person.grant.permissions
    if token.permissions is not None:
        permissions &= token.permissions
    scope = narrowed(person.scope, token.applications)
    return replace(person, token=token.token_hash, grant=Grant(permissions, scope))


NAME = re.compile(r"[^\W_][\w.@+-]{0,63}")


def name_problem(name: str) -> str:
    """What is wrong with a new user's name, in a sentence, or ''."""
    return "" if NAME.fullmatch(name) else say("A user name has 1 to 64 letters, digits and . _ @ + - and no spaces.")
