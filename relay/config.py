"""The configuration: frozen models. One table of the TOML file is one model; one key is one field with its limits.

Reading the file and the environment, and saying everything that is wrong at once, is `settings.py`'s work; rules
about several keys together are in `checks.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from relay.model.message import Mode
from relay.model.signature import DNS_LIMIT, DNS_NAME


@dataclass(frozen=True, slots=True)
class Expected:
    """What a value must be, in words: ends the line `…: 70000, expected <words>`."""

    words: str


_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]{1,9})([smhd]?)")
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3}
_SIZE = re.compile(r"([0-9]{1,15})([KMG]?)")


def number(value: object) -> object:
    """The value; but `true` and `false`, which Python takes for numbers, as text that no number field accepts."""
    return str(value).lower() if isinstance(value, bool) else value


def seconds(value: object) -> object:
    """Whole seconds of `90`, `30s`, `5m`, `4h` or `2d`; anything else is returned as it is, for the model to refuse."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    return int(match[1]) * _UNITS[match[2]] if match else number(value)


def octets(value: object) -> object:
    """Octets of `5000`, `100K`, `50M` or `1G` (powers of 1024); anything else is returned as it is."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    return int(match[1]) * 1024 ** _POWERS[match[2]] if match else number(value)


Network = Annotated[IPv4Network | IPv6Network, Expected("an address or a range such as 192.0.2.0/24")]
Name = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$"),
    Expected("a name of at most 63 letters, digits, spaces, dots, hyphens and underscores"),
]
FieldName = Annotated[str, Field(pattern=r"^[!-9;-~]{1,76}$"), Expected("the name of a header field")]
PublicUrl = Annotated[
    str,
    Field(pattern=r"^(https?://[A-Za-z0-9.:\[\]_-]{1,253}(/[A-Za-z0-9._~/-]{0,200})?)?$"),
    Expected("an http:// or https:// address such as https://click.example.com"),
]
Port = Annotated[int, BeforeValidator(number), Field(ge=0, le=65535)]
Count = Annotated[int, BeforeValidator(number), Field(ge=1)]
Duration = Annotated[int, BeforeValidator(seconds), Field(ge=0), Expected("a duration such as 30s, 5m, 4h or 2d")]
"""Whole seconds; the file may say `30s`, `5m`, `4h` or `2d`."""
Size = Annotated[int, BeforeValidator(octets), Field(ge=1), Expected("a size such as 100K, 50M or 1G")]
"""Octets; the file may say `100K`, `50M` or `1G` (powers of 1024)."""


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


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


class ArchiveTable(Table):
    """Where messages are kept."""

    path: Path = Path("mailwitness-data")
    """Folder of the embedded archive, keys and sockets; made with mode 0700."""
    url: str = ""
    """Empty: SQLite at `path`/archive.db."""
    max_content_text: Size = 1024 * 1024
    """Characters of one message's visible text that are made searchable."""


class Trace(StrEnum):
    NONE = "none"
    MINIMAL = "minimal"
    """`Received: by us … with ESMTP id …`, without the application's name and address."""
    FULL = "full"


class Delivery(Table):
    """The courier."""

    mode: Mode | None = None
    """For applications that do not say; default `relay` with an upstream, `capture` without."""
    retry: tuple[Duration, ...] = (60, 300, 900, 3600)
    """Seconds before the second, third … try."""
    retry_then: Duration = 4 * 3600
    expire_after: Duration = 48 * 3600
    jitter: float = Field(default=0.1, ge=0, le=1)
    unconfirmed: Literal["retry", "rest"] = "retry"
    """After a lost reply: try again (may duplicate), or leave it for a person."""
    trace: Trace = Trace.MINIMAL
    """The Received field added to the sent copy (RFC 5321 section 4.4)."""
    concurrency: Count = 20
    """Transactions upstream at once."""
    notices: bool = False
    """Send a delivery status notification to the sender when a delivery fails or expires (RFC 3464)."""


class Upstream(Table):
    """The provider's SMTP server."""

    name: Name = "upstream"
    host: str
    port: Port = 587
    tls: TlsPolicy = TlsPolicy.REQUIRED
    """`required`: STARTTLS or nothing; `implicit`: TLS from the first octet; `optional`, `none`: see the docs."""
    verify: bool = True
    """Check the certificate against `ca` (default: the system's) and the host name."""
    ca: Path | None = None
    username: str = ""
    password: SecretStr = SecretStr("")
    password_file: Path | None = None
    helo: str = ""
    """Empty: smtp.hostname."""
    connections: Count = 10
    messages_per_connection: Count = 100
    connect_timeout: Duration = 30
    timeout: Duration = 300
    """Seconds to wait for any one reply (RFC 5321 section 4.5.3.2)."""


class Application(Table):
    """A client of ours, known by SMTP credentials or by address."""

    name: Name
    username: str = ""
    secret_hash: Annotated[str, Expected("sha256: and 64 hexadecimal digits")] = Field(
        default="", pattern=r"^(sha256:[0-9a-f]{64})?$"
    )
    """`sha256:` and the hash of a generated secret, as `mailwitness application add` prints it."""
    addresses: tuple[Network, ...] = ()
    """Peers that are this application without authentication."""
    senders: tuple[str, ...] = ()
    """Allowed reverse-paths: `a@example.com`, `@example.com`, or `<>`; empty: any."""
    mode: Mode | None = None
    tags: tuple[str, ...] = ()
    opens: bool | None = None
    """None: as `tracking.opens`."""
    clicks: bool | None = None
    tracking_url: PublicUrl = ""
    """Empty: as `tracking.url`."""


class DkimKey(Table):
    """A private key that signs for a domain and the domains within it."""

    domain: Annotated[
        str,
        Field(pattern=f"^{DNS_NAME}$", max_length=DNS_LIMIT),
        Expected("a domain such as example.com, beyond ASCII as xn--…"),
    ]
    selector: Annotated[str, Field(pattern=f"^{DNS_NAME}$", max_length=DNS_LIMIT), Expected("a selector such as s2026")]
    """The DNS record is at `selector`._domainkey.`domain`."""
    file: Path
    """PEM, mode 0600; RSA or Ed25519."""
    active: bool = True
    """Whether it signs; a key that does not sign yet is checked all the same."""


class Dkim(Table):
    """Signatures on what is sent (RFC 6376)."""

    header: Literal["simple", "relaxed"] = "relaxed"
    """Canonicalisation: what may change on the way without breaking a signature."""
    body: Literal["simple", "relaxed"] = "relaxed"
    left_out: tuple[FieldName, ...] = ()
    """Fields that are not signed because the provider replaces them."""
    key: tuple[DkimKey, ...] = ()


class Reference(Table):
    """A business code to find in messages."""

    name: Name
    pattern: str
    """Regular expression; group 1, or all of it, is the code."""
    where: tuple[Literal["subject", "headers", "body"], ...] = ("subject", "body")
    link: Annotated[str, Expected("an http:// or https:// address")] = Field(
        default="", pattern=r"^(https?://[^\s]+)?$"
    )
    """Address of the record, `{code}` stands for the code."""


class Viewer(Table):
    """The web pages and the HTTP API."""

    host: str = "127.0.0.1"
    port: Port = 8025
    hosts: tuple[str, ...] = ()
    """Host names that browsers may use, besides `host`, localhost and loopback addresses."""
    url: Annotated[str, Expected("an http:// or https:// address")] = Field(
        default="", pattern=r"^(https?://[^\s/]+/?)?$"
    )
    """The address people use, when a proxy stands before us; https:// makes cookies Secure."""
    session_lifetime: Duration = 12 * 3600
    max_sign_in_attempts: Count = 10
    """Wrong passwords for a user or from an address in 15 minutes."""
    trusted_proxies: tuple[Network, ...] = ()
    """Peers whose X-Forwarded-For is believed."""


class Tracking(Table):
    """Pixels and links that tell of opens and clicks, and the public port that answers them."""

    host: str = "127.0.0.1"
    port: Port = 8026
    url: PublicUrl = ""
    """The address under which recipients reach that port; empty: nothing can be tracked, the port stays closed."""
    opens: bool = False
    """For applications that do not say."""
    clicks: bool = False
    text_links: bool = False
    """Links in text/plain too."""
    excluded_domains: tuple[str, ...] = ()
    """Links to these domains, and those under them, are left alone."""
    already_signed: Literal["leave", "strip"] = "leave"
    """What to do with a message that carries DKIM or ARC signatures: not track it, or take them away."""
    honeypot: bool = False
    """Add a link that no person can see: who follows it is a machine."""
    address_detail: Literal["full", "truncated", "none"] = "truncated"
    """How much of an address that fetched is kept: truncated to 24 bits of IPv4, 48 of IPv6."""
    link_preview: bool = False
    """Show where a link leads, and go there when the person says so."""
    trusted_proxies: tuple[Network, ...] = ()
    """Peers whose X-Forwarded-For is believed."""


class Metrics(Table):
    """Prometheus."""

    enabled: bool = True
    allow_from: tuple[Network, ...] = ()
    """Peers beyond loopback that may read /metrics."""


class Config(Table):
    """All of it."""

    smtp: Smtp = Smtp()
    archive: ArchiveTable = ArchiveTable()
    delivery: Delivery = Delivery()
    upstream: tuple[Upstream, ...] = Field(default=(), max_length=1)
    application: tuple[Application, ...] = ()
    dkim: Dkim = Dkim()
    reference: tuple[Reference, ...] = ()
    viewer: Viewer = Viewer()
    tracking: Tracking = Tracking()
    metrics: Metrics = Metrics()

    @property
    def default_mode(self) -> Mode:
        return self.delivery.mode or (Mode.RELAY if self.upstream else Mode.CAPTURE)

    @property
    def is_tracking_possible(self) -> bool:
        """Whether there is a public address. Links in mail sent before must work though nothing is tracked now."""
        return bool(self.tracking.url) or any(application.tracking_url for application in self.application)


SENDER_RULE = re.compile(r"<>|@[^\s@]+|[^\s@]+@[^\s@]+")
