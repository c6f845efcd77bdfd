"""Mail going out: `[delivery]`, `[[upstream]]`, `[[route]]` and `[dkim]`."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from relay.config.intake import TlsPolicy
from relay.config.values import Count, Duration, Expected, FieldName, Name, Port, RecipientRule, Table, number
from relay.model.message import Mode
from relay.model.signature import DNS_LIMIT, DNS_NAME


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
    """Transactions at once with each upstream."""
    notices: bool = False
    """Send a delivery status notification to the sender when a delivery fails or expires (RFC 3464)."""
    delay_notice_after: Duration = 0
    """Seconds after which one about the delay is sent too; 0: none but to who asked by NOTIFY=DELAY."""
    allow_recipients: tuple[RecipientRule, ...] = ()
    """For every application: send to these alone; the rest is kept, and not sent."""
    deny_recipients: tuple[RecipientRule, ...] = ()


class Provider(StrEnum):
    """Whose service an upstream is: decides in which field our identifier travels and how its replies are read."""

    NONE = ""
    SES = "ses"
    MAILGUN = "mailgun"
    SENDGRID = "sendgrid"
    POSTMARK = "postmark"
    RESEND = "resend"
    BREVO = "brevo"
    MAILJET = "mailjet"
    SPARKPOST = "sparkpost"


class Upstream(Table):
    """A server that takes our mail: the provider's, or the recipients' own (kind `mx`)."""

    name: Name = "upstream"
    kind: Literal["smtp", "mx"] = "smtp"
    """`smtp`: the server at `host`; `mx`: the mail exchangers of each recipient's domain."""
    host: str = ""
    """Required for kind `smtp`."""
    port: Port = 587
    """Kind `mx`: 25 unless given."""
    provider: Provider = Provider.NONE
    """Put our identifier into the provider's own metadata field, so that its reports find the delivery."""
    tls: TlsPolicy = TlsPolicy.REQUIRED
    """`required`: STARTTLS or nothing; `implicit`: TLS from the first octet; `optional`, `none`: see the docs.
    Kind `mx`: `optional` unless given."""
    verify: bool = True
    """Check the certificate against `ca` (default: the system's) and the host name."""
    ca: Path | None = None
    username: str = ""
    password: SecretStr = SecretStr("")
    password_file: Path | None = None
    auth: Literal["auto", "plain", "login", "xoauth2"] = "auto"
    """`auto`: PLAIN or LOGIN, what is offered; `xoauth2` takes an access token as the password, or gets its own."""
    token_url: Annotated[str, Expected("an https:// address")] = Field(default="", pattern=r"^(https?://[^\s]+)?$")
    """XOAUTH2: where a refresh token is changed for an access token (RFC 6749 section 6)."""
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    client_secret_file: Path | None = None
    refresh_token: SecretStr = SecretStr("")
    refresh_token_file: Path | None = None
    source_address: Annotated[IPv4Address | IPv6Address | None, Expected("an address of this machine")] = None
    """The address of this machine to connect from."""
    helo: str = ""
    """Empty: smtp.hostname."""
    connections: Count = 10
    connections_per_domain: Annotated[int, BeforeValidator(number)] = Field(default=0, ge=0)
    """Kind `mx`: sessions with the servers of one domain; 0: five.
    Kind `smtp`: transactions at once to one domain; 0: no limit."""
    messages_per_connection: Count = 100
    rate: Annotated[int, BeforeValidator(number)] = Field(default=0, ge=0)
    """Recipients a minute; 0: no limit."""
    rate_per_domain: Annotated[int, BeforeValidator(number)] = Field(default=0, ge=0)
    """Recipients of one domain a minute; 0: no limit."""
    dane: bool = True
    """Kind `mx`: honour TLSA records if the resolver validates DNSSEC (RFC 7672)."""
    mta_sts: bool = True
    """Kind `mx`: honour the domain's policy (RFC 8461)."""
    breaker_failures: Count = 3
    """Failed connections in a row after which the upstream rests, and is probed until it answers."""
    connect_timeout: Duration = 30
    timeout: Duration = 300
    """Seconds to wait for any one reply (RFC 5321 section 4.5.3.2)."""

    @model_validator(mode="before")
    @classmethod
    def _direct(cls, values: object) -> object:
        """Servers of the recipients' domains listen on port 25, and not all of them know TLS."""
        if isinstance(values, dict) and values.get("kind") == "mx":
            return {"port": 25, "tls": TlsPolicy.OPTIONAL, **values}
        return values


class Choice(Table):
    """An upstream of a route."""

    name: Name
    weight: Count = 1

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        """The name alone is short for a table with it."""
        return {"name": value} if isinstance(value, str) else value


class Route(Table):
    """Which upstreams carry which messages. The first route whose conditions all hold is taken."""

    name: Name
    upstreams: tuple[Annotated[Choice, Expected("the name of an [[upstream]], or a table")], ...]
    """Names, best first: the next is taken when one rests. `{ name = "a", weight = 3 }` shares by weight instead."""
    applications: tuple[str, ...] = ()
    senders: tuple[RecipientRule, ...] = ()
    """Reverse-paths: `a@example.com`, `@example.com`."""
    recipients: tuple[RecipientRule, ...] = ()
    """`a@example.com`, `@example.com`; `@.example.com` with the domains under it."""
    tags: tuple[str, ...] = ()
    header: Annotated[str, Expected("a header field and a pattern, such as X-Stream: bulk*")] = Field(
        default="", pattern=r"^([!-9;-~]{1,76}:.*)?$"
    )
    """`Name: pattern` with `*` and `?`."""
    retry: tuple[Duration, ...] | None = None
    """None: as `delivery.retry`."""
    retry_then: Duration | None = None
    expire_after: Duration | None = None


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
