"""What comes back: `[tracking]`, and what is told of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from relay.config.values import Count, Duration, Expected, Name, Network, Port, PublicUrl, Size, Table
from relay.model.suppressing import SuppressionRules


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


class WebhookSource(Table):
    """A provider that reports to `/hooks/NAME` of the public port; NAME is the table's."""

    provider: Annotated[
        Literal["", "ses", "mailgun", "sendgrid", "postmark", "resend", "brevo", "mailjet", "sparkpost"],
        Expected("a provider: ses, mailgun, sendgrid, postmark, resend, brevo, mailjet or sparkpost"),
    ] = ""
    """Empty: the table's name."""
    key: SecretStr = SecretStr("")
    """Mailgun's signing key, SendGrid's public key, Resend's secret (`whsec_…`); a bearer token of Brevo, SparkPost."""
    key_file: Path | None = None
    username: str = ""
    """HTTP basic authentication, for providers that sign nothing."""
    password: SecretStr = SecretStr("")
    password_file: Path | None = None
    topic_arns: tuple[str, ...] = ()
    """SNS: the only topics that are believed."""
    allow_from: tuple[Network, ...] = ()
    """Empty: from anywhere."""
    replay_window: Duration = 300
    """Seconds by which a signed time may differ from ours."""
    max_size: Size = 1024 * 1024


class Imap(Table):
    """A mailbox that bounces are sent to."""

    host: str = ""
    """Empty: none is read."""
    port: Port = 993
    tls: Literal["implicit", "none"] = "implicit"
    verify: bool = True
    ca: Path | None = None
    username: str = ""
    password: SecretStr = SecretStr("")
    password_file: Path | None = None
    mailbox: str = "INBOX"
    done: str = ""
    """The mailbox that read messages are moved to; empty: they are marked as seen and left."""
    poll: Duration = 60
    """Seconds between looks, where the server cannot tell of new mail (IDLE)."""


class Bounces(Table):
    """Bounces and complaints that come by mail."""

    domain: str = ""
    """Return paths are `bounces+TOKEN@domain`; empty: the application's reverse-path is sent as it came."""
    local_part: str = "bounces"
    host: str = "127.0.0.1"
    port: Port = 2525
    listen: bool = False
    """Take mail for `domain` on host and port."""
    max_size: Size = 10 * 1024 * 1024
    imap: Imap = Imap()


class Suppression(Table):
    """What keeps later mail from a recipient."""

    on_bounce: bool = True
    """A hard bounce."""
    soft_bounces: int = Field(default=0, ge=0)
    """So many soft bounces in a row without a delivery between; 0: never."""
    on_complaint: bool = True
    on_unsubscribe: bool = True
    scope: Literal["application", "global"] = "application"
    """Whose mail is kept from them."""
    expire_after: Duration = 0
    """Seconds for which a bounce counts; 0: for ever. Complaints and unsubscribing do not expire."""

    def rules(self) -> SuppressionRules:
        return SuppressionRules(
            self.on_bounce,
            self.soft_bounces,
            self.on_complaint,
            self.on_unsubscribe,
            self.scope == "global",
            self.expire_after,
        )


class Endpoint(Table):
    """A program of yours that is told of events (Standard Webhooks)."""

    name: Name
    url: Annotated[str, Expected("an http:// or https:// address")] = Field(pattern=r"^https?://[^\s]+$")
    secret: SecretStr = SecretStr("")
    """`whsec_` and base64 of 24 to 64 octets."""
    secret_file: Path | None = None
    events: tuple[str, ...] = ()
    """Kinds of events; empty: all that are about a message."""
    applications: tuple[str, ...] = ()
    """Empty: of all."""
    timeout: Duration = 15
    give_up_after: Duration = 3 * 86400
    concurrency: Count = 4
