"""A message: one accepted SMTP transaction, its envelope, and how it reached us.

The content itself is not here: it is octets, kept by the archive and addressed by the message's id. RFC 5321.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Mode(StrEnum):
    """What is done with an application's mail after it has been kept."""

    RELAY = "relay"
    CAPTURE = "capture"
    """Keep, send nothing."""
    HOLD = "hold"
    """Keep, send after a person's approval."""
    REDIRECT = "redirect"
    """Keep, send to listed test addresses instead of the recipients."""


class Trait(StrEnum):
    """What the octets of a content show without parsing it; noted, never repaired in the original."""

    BARE_CR = "bare-cr"
    BARE_LF = "bare-lf"
    NUL = "nul"
    EIGHT_BIT = "8bit"
    LONG_LINE = "long-line"
    """A line of more than 998 octets before its CRLF (RFC 5322 section 2.1.1)."""


IMPORT = "import"
"""The peer of a message that was imported: no connection brought it, and nothing of its way was witnessed."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A forward-path. `address` is `local@domain` without angle brackets; NOTIFY and ORCPT as given (RFC 3461)."""

    address: str
    notify: str | None = None
    orcpt: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """MAIL and RCPT as accepted. `sender` is '' for the null reverse-path; parameter values keep their case."""

    sender: str
    recipients: tuple[Recipient, ...]
    body: str | None = None
    """`7BIT` or `8BITMIME` if declared (RFC 6152)."""
    smtputf8: bool = False
    declared_size: int | None = None
    ret: str | None = None
    envid: str | None = None
    auth: str | None = None
    """The AUTH= parameter of MAIL (RFC 4954 section 5), xtext as given."""


@dataclass(frozen=True, slots=True)
class Reception:
    """Facts of the session that brought the message; never written into the message."""

    peer: str
    """`192.0.2.7:41234`, `[2001:db8::1]:41234`, `unix`, `viewer` or `import`."""
    helo: str
    protocol: str
    """The `with` keyword of a Received field: SMTP, ESMTP, ESMTPS, ESMTPSA … (RFC 3848, RFC 6531)."""
    listener: str
    tls_version: str | None = None
    tls_cipher: str | None = None
    auth_user: str | None = None
    via_proxy: str | None = None
    """The proxy's address when the peer was named by the PROXY protocol."""


@dataclass(frozen=True, slots=True)
class Message:
    """One accepted transaction. Times are UTC microseconds since 1970; `sha256` is of the verbatim content."""

    id: str
    received_at: int
    application: str
    mode: Mode
    envelope: Envelope
    reception: Reception
    size: int
    """Octets of the content as received: CRLF kept, dot-unstuffed."""
    sha256: bytes
    traits: frozenset[Trait] = field(default_factory=frozenset)
    hops: int = 0
    """Received fields counted in the header section."""
    tags: tuple[str, ...] = ()
    """Tags given by the application's configuration; those named in header fields are found by the indexer."""
    parent_id: str | None = None
    """The message this one was edited and resent from."""

    @property
    def is_imported(self) -> bool:
        """Taken over from elsewhere: envelope and times before `received_at` are claims."""
        return self.reception.peer == IMPORT
