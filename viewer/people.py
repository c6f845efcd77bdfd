"""People: who is signed in and what their role lets them do. The one place that decides.

Does not find out who someone is (`security.py`, `sign_in.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from relay.model.access import EVERYTHING, ROLES, Permission, Scope


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who proved who they are. `session`: SHA-256 of the session's token; None for a bearer token."""

    name: str
    role: str
    session: bytes | None = None
    csrf_secret: bytes = b""
    scope: Scope = EVERYTHING

    def may(self, permission: Permission | str) -> bool:
        """An unknown role may nothing."""
        return permission in ROLES.get(self.role, frozenset())

    @property
    def actor(self) -> str:
        """As events name them."""
        return f"user:{self.name}"


NAME = re.compile(r"[^\W_][\w.@+-]{0,63}")


def name_problem(name: str) -> str:
    """What is wrong with a new user's name, in a sentence, or ''."""
    return "" if NAME.fullmatch(name) else "A user name has 1 to 64 letters, digits and . _ @ + - and no spaces."
