"""Who lets people in: `[oidc]`, single sign-on by an OpenID provider. The rest of signing in is in `[viewer]`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from relay.config.values import Expected, Table

SecondFactorPolicy = Literal["optional", "required"]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{0,76}$"), Expected("the name of a header field")]
GroupTarget = Annotated[
    str, Field(pattern=r"^[^\s](.{0,62}[^\s])?$"), Expected("the name of a role or of a group of ours")
]


class Oidc(Table):
    """Single sign-on: authorization code with PKCE, by OpenID Connect."""

    issuer: Annotated[str, Expected("an https:// address")] = Field(default="", pattern=r"^(https?://[^\s?#]+)?$")
    """As the provider writes it; empty: there is no single sign-on."""
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    """Empty: a public client, protected by PKCE alone."""
    client_secret_file: Path | None = None
    label: Annotated[str, Expected("text of at most 60 characters")] = Field(default="Single sign-on", max_length=60)
    """On the button of the sign-in page."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    name_claim: str = "preferred_username"
    """The claim that names a user when they come first; later they are known by the provider's own id (sub)."""
    groups_claim: str = "groups"
    groups: dict[str, GroupTarget] = Field(default={})
    """Their group = our role or group; the first role in this order counts."""
    default_role: Annotated[str, Expected("the name of a role")] = Field(default="", pattern=r"^(\S(.{0,62}\S)?)?$")
    """For those whom no group maps; empty: they are refused."""
    allowed_domains: tuple[str, ...] = ()
    """Only verified email addresses of these domains; empty: any."""
