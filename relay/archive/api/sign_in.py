"""The archive's contract about signing in: second factors, recovery codes, passkeys, other houses' identities, and the
browsers that are signed in.

What all methods promise is in `api.py`, of whose protocol this one is a part. Passwords and tokens are there, too.
Nothing here checks a code or a signature: the archive keeps what the check needs, and lets a code work once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from relay.model.event import Event

if TYPE_CHECKING:
    from relay.archive.api import User


@dataclass(frozen=True, slots=True)
class WebSession:
    """A signed-in browser. Only the SHA-256 of its token is stored."""

    token_hash: bytes
    user: str
    created_at: int
    expires_at: int
    address: str
    """Of the client, as last seen."""
    seen_at: int = 0
    """Written every few minutes at most; 0: not since the sign-in."""
    user_agent: str = ""
    method: str = ""
    """How the person proved who they are: `password`, `password and code`, `passkey`, …"""


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """The authenticator app of a user. The secret has to be kept as it is: codes are computed from it (RFC 6238)."""

    user: str
    secret: bytes
    created_at: int
    last_step: int = 0
    """The time step of the latest code taken: that one and earlier ones are refused from then on."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """The public half of a key in a person's device (WebAuthn)."""

    id: str
    user: str
    name: str
    credential_id: bytes
    public_key: bytes
    """COSE, as the authenticator gave it."""
    sign_count: int
    created_at: int
    used_at: int | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a user is at an OpenID provider. `is_managed`: the user was made by it and has the role it says."""

    issuer: str
    subject: str
    user: str
    is_managed: bool
    created_at: int


class SignIn(Protocol):
    async def add_session(self, session: WebSession, event: Event) -> None: ...
    async def session(self, token_hash: bytes, now: int) -> WebSession | None: ...
    async def remove_session(self, token_hash: bytes, event: Event) -> None: ...

    # -- authenticator app and recovery codes ------------------------------------------------------------------
    async def second_factor(self, user: str) -> SecondFactor | None: ...

    async def put_second_factor(self, factor: SecondFactor, event: Event) -> None:
        """Adds or replaces. Raises NotFound: no such user."""

    async def remove_second_factor(self, user: str, event: Event) -> None: ...

    async def use_step(self, user: str, step: int) -> bool:
        """Whether no code of this time step or a later one was taken before; from now on one was."""

    async def recovery_codes(self, user: str) -> int:
        """How many are left."""

    async def put_recovery_codes(self, user: str, hashes: Sequence[bytes], event: Event) -> None:
        """These instead of all there were. Each is the SHA-256 of a code."""

    async def use_recovery_code(self, user: str, digest: bytes, event: Event) -> bool:
        """Whether it was one of the user's; it is none from now on. The event is kept only then."""

    # -- passkeys ----------------------------------------------------------------------------------------------
    async def passkeys(self, user: str) -> list[Passkey]:
        """In the order in which they were added."""

    async def passkey(self, credential_id: bytes) -> Passkey | None: ...

    async def add_passkey(self, passkey: Passkey, event: Event) -> None: ...

    async def rename_passkey(self, passkey_id: str, name: str, event: Event) -> None:
        """Raises NotFound."""

    async def remove_passkey(self, passkey_id: str, event: Event) -> None:
        """Raises NotFound."""

    async def use_passkey(self, credential_id: bytes, sign_count: int, at: int) -> None:
        """Notes the latest use and the counter that came with it."""

    async def remove_factors(self, user: str, event: Event) -> None:
        """Removes app, recovery codes and passkeys, and ends the user's sessions: for people who lost them."""

    # -- identities --------------------------------------------------------------------------------------------
    async def identity(self, issuer: str, subject: str) -> Identity | None: ...

    async def identities(self, user: str) -> list[Identity]: ...

    async def add_identity(self, identity: Identity, user: User | None, event: Event) -> None:
        """Joins it to the user; with `user` that one is made in the same transaction.

        Raises ArchiveError if `user` is there already, NotFound if none is given and none there.
        """

    async def remove_identity(self, issuer: str, subject: str, event: Event) -> None: ...

    # -- signed-in browsers ------------------------------------------------------------------------------------
    async def sessions(self, user: str, now: int) -> list[WebSession]:
        """Those that have not run out, the latest seen first."""

    async def see_session(self, token_hash: bytes, at: int, address: str) -> None:
        """Notes when and from where it was used. One that ended meanwhile stays ended."""

    async def strengthen_session(self, token_hash: bytes, method: str) -> None:
        """Notes that the person has proved more since."""

    async def end_sessions(self, user: str, keep: bytes | None, event: Event) -> int:
        """Ends all sessions of the user but `keep`; how many. Without any the event is not kept."""
