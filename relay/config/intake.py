"""Mail coming in: `[smtp]` and `[[application]]`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from relay.config.values import (
    Address,
    Count,
    Duration,
    Expected,
    Hidden,
    Name,
    Network,
    Port,
    PublicUrl,
    RecipientRule,
    Size,
    Table,
    number,
)
from relay.model.message import Mode


class TlsPolicy(StrEnum):
    NONE = "none"
    """Plain text; for an upstream on the same machine only."""
    OPTIONAL = "optional"
    REQUIRED = "required"
    IMPLICIT = "implicit"


class Listener(Table):
    """One place where applications connect."""

    name: Name = "smtp"
    host: str = "127.0.0.1"
    port: Port = 1025
    socket: Path | None = None
    """A UNIX socket instead of host and port."""
    socket_mode: Annotated[str, Expected("a file mode such as 0660, in quotes")] = Field(
        default="0660", pattern=r"^0[0-7]{3}$"
    )
    tls: TlsPolicy = TlsPolicy.OPTIONAL
    """`none`, `optional` (STARTTLS where a certificate is set), `required` (STARTTLS before MAIL), `implicit`."""
    certificate: Path | None = None
    """PEM certificate chain."""
    certificate_key: Path | None = None
    proxy_from: tuple[Network, ...] = ()
    """Peers that must begin with a PROXY protocol v1 or v2 header; no one else may."""
    require_auth: bool = False


class Smtp(Table):
    """Intake."""

    hostname: str = ""
    """Name in the greeting and in Received fields; empty: this machine's name."""
    listeners: tuple[Listener, ...] = (Listener(),)
    max_message_size: Size = 50 * 1024 * 1024
    max_recipients: Count = 1000
    max_connections: Count = 500
    max_connections_per_client: Count = 50
    max_session: Duration = 3600
    """Seconds; a session is ended with 421 after its transaction."""
    idle_timeout: Duration = 300
    """Seconds without an octet from the client (RFC 5321 section 4.5.3.2.7)."""
    min_data_rate: Annotated[int, BeforeValidator(number)] = Field(default=100, ge=0)
    """Octets a second over the whole of DATA, after the first minute; 0: no minimum."""
    max_errors: Count = 20
    """Refused commands before the session is closed with 421."""
    max_junk_commands: Count = 100
    """NOOP, RSET, VRFY, HELP and the like between two messages."""
    max_auth_failures: Count = 3
    """Failed sign-ins of one session; one more ends it with 421."""
    max_hops: Count = 50
    """Received fields before a message is refused as looping (RFC 5321 section 6.3)."""
    allow_from: tuple[Network, ...] = ()
    """Peers beyond loopback that may send without authentication."""


class Application(Table):
    """A client of ours, known by SMTP credentials or by address."""

    name: Name
    username: str = ""
    secret_hash: Annotated[str, Expected("sha256: and 64 hexadecimal digits"), Hidden()] = Field(
        default="", pattern=r"^(sha256:[0-9a-f]{64})?$"
    )
    """`sha256:` and the hash of a generated secret, as `mailwitness application add` prints it."""
    addresses: tuple[Network, ...] = ()
    """Peers that are this application without authentication."""
    senders: tuple[str, ...] = ()
    """Allowed reverse-paths: `a@example.com`, `@example.com`, or `<>`; empty: any."""
    automation_senders: tuple[str, ...] = ()
    """Authors that are programs, shown as "System": `noreply@*`, `*@alerts.example.com`; `*` stands for anything."""
    mode: Mode | None = None
    tags: tuple[str, ...] = ()
    opens: bool | None = None
    """None: as `tracking.opens`."""
    clicks: bool | None = None
    tracking_url: PublicUrl = ""
    """Empty: as `tracking.url`."""
    redirect_to: tuple[Address, ...] = ()
    """Mode `redirect`: everything goes to these addresses; mail to one of them goes to it alone."""
    priority: Literal["urgent", "normal", "bulk"] = "normal"
    """For messages that do not say (`X-Mailwitness-Priority`): what is more urgent goes first."""
    max_messages_per_hour: Annotated[int, BeforeValidator(number)] = Field(default=0, ge=0)
    """More is answered 451 until the hour has passed; 0: no limit."""
    allow_recipients: tuple[RecipientRule, ...] = ()
    """Send to these alone: `a@example.com`, `@example.com`; empty: to all. The rest is kept, and not sent."""
    deny_recipients: tuple[RecipientRule, ...] = ()
    """Never send to these."""
    duplicate_window: Duration = 0
    """Seconds in which the same content is not sent to the same recipient again; 0: it is."""
    unsubscribe: bool = False
    """Add List-Unsubscribe with one-click (RFC 8058) to messages that have none; needs a tracking address."""
