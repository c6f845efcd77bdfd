"""The house: `[archive]`, `[[reference]]`, `[viewer]`, `[metrics]`, and the whole configuration."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from relay.config.access import HeaderName, Oidc, SecondFactorPolicy
from relay.config.encryption import Encryption
from relay.config.handover import Export, Journal
from relay.config.intake import Application, Smtp
from relay.config.ledger import Ledger
from relay.config.retention import Retention
from relay.config.returning import Bounces, Endpoint, Suppression, Tracking, WebhookSource
from relay.config.sending import Delivery, Dkim, Route, Upstream
from relay.config.values import Address, Count, Duration, Expected, Name, Network, Port, Size, Table
from relay.model.alert import Rule
from relay.model.message import Mode


class ArchiveTable(Table):
    """Where messages are kept."""

    path: Path = Path("mailwitness-data")
    """Folder of the embedded archive, keys and sockets; made with mode 0700."""
    url: str = ""
    """Empty: SQLite at `path`/archive.db."""
    max_content_text: Size = 1024 * 1024
    """Characters of one message's visible text that are made searchable."""
    attachment_text: bool = False
    """Make the text of attached text, HTML, PDF and Word files searchable too."""
    continuous_copy: bool = False
    """Another program (Litestream) copies the write-ahead log all the time, and is the only one that checkpoints."""


class Reference(Table):
    """A business code to find in messages."""

    name: Name
    pattern: str
    """Regular expression; group 1, or all of it, is the code."""
    where: tuple[Literal["subject", "headers", "body"], ...] = ("subject", "body")
    syntax: Literal["python", "re2"] = "python"
    """`re2`: run in a time that grows with the text alone; without look-around and back-references."""
    link: Annotated[str, Expected("an http:// or https:// address")] = Field(
        default="", pattern=r"^(https?://[^\s]+)?$"
    )
    """Address of the record, `{code}` stands for the code."""


class Mask(Table):
    """A secret to hide in what is shown of messages, from all who may not see secrets."""

    name: Name
    pattern: str
    """Regular expression in RE2's syntax; group 1, or all of it, is hidden."""
    where: Annotated[tuple[Literal["subject", "headers", "body"], ...], Field(min_length=1)] = ("subject", "body")


class Alert(Table):
    """A rule that is looked at every minute; what it watches for raises an alert."""

    name: Name
    rule: Rule
    application: str = ""
    """Of rates and silence: only its mail; empty: all."""
    above: Annotated[float, Expected("a number above 0")] = Field(default=5.0, gt=0)
    """Percent of a rate, or how many sign-ins refused."""
    window: Duration = 3600
    """Seconds looked back on; of `queue-age`, the age; of `silence`, how long."""
    at_least: Count = 20
    """Deliveries in the window below which a rate says nothing."""
    mail_to: tuple[Address, ...] = ()


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
    """Peers whose X-Forwarded-For is believed, and `user_header`."""
    remote_images: bool = True
    """A reader of a preview may have their own browser load its remote pictures; the server never does."""
    second_factor: SecondFactorPolicy = "optional"
    """`required`: who signs in by password must set one up before anything else."""
    user_header: HeaderName = ""
    """The field in which a trusted proxy names the person it has signed in, such as Remote-User."""
    user_header_role: Annotated[str, Expected("the name of a role")] = Field(default="", pattern=r"^(\S(.{0,62}\S)?)?$")
    """For those whom the proxy names and nobody knows; empty: they are refused."""
    two_person_delete: bool = False
    """A content is deleted when one person asks for it and another approves."""
    mailpit_api: Literal["token", "open"] = "token"
    """Mailpit's API: `token` (a token as the password), or `open` to every program on this machine."""


class Metrics(Table):
    """Prometheus."""

    enabled: bool = True
    allow_from: tuple[Network, ...] = ()
    """Peers beyond loopback that may read /metrics."""


DEFAULT_NAME = "default"
"""The application of clients that need not say who they are."""


class Config(Table):
    """All of it."""

    smtp: Smtp = Smtp()
    archive: ArchiveTable = ArchiveTable()
    delivery: Delivery = Delivery()
    upstream: tuple[Upstream, ...] = ()
    route: tuple[Route, ...] = ()
    application: tuple[Application, ...] = ()
    dkim: Dkim = Dkim()
    reference: tuple[Reference, ...] = ()
    mask: tuple[Mask, ...] = ()
    ledger: Ledger = Ledger()
    encryption: Encryption = Encryption()
    retention: tuple[Retention, ...] = ()
    viewer: Viewer = Viewer()
    oidc: Oidc = Oidc()
    tracking: Tracking = Tracking()
    webhooks: dict[Name, WebhookSource] = Field(default={})
    bounces: Bounces = Bounces()
    suppression: Suppression = Suppression()
    endpoint: tuple[Endpoint, ...] = ()
    alert: tuple[Alert, ...] = ()
    journal: Journal = Journal()
    export: tuple[Export, ...] = ()
    metrics: Metrics = Metrics()

    @property
    def default_mode(self) -> Mode:
        return self.delivery.mode or (Mode.RELAY if self.upstream else Mode.CAPTURE)

    @property
    def is_tracking_possible(self) -> bool:
        """Whether there is a public address. Links in mail sent before must work though nothing is tracked now."""
        return bool(self.tracking.url) or any(application.tracking_url for application in self.application)

    def application_names(self, added: Iterable[str]) -> frozenset[str]:
        """All applications whose mail there can be. `added`: those added by command, which the archive knows."""
        return frozenset({DEFAULT_NAME, *(application.name for application in self.application), *added})
