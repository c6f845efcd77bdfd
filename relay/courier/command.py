"""The MAIL and RCPT commands of one transaction upstream, or why there can be none. Pure.

What an upstream cannot carry is refused here, by a local Reply that is final: we never re-encode a content
(RFC 6152 section 3) and never downgrade an address (RFC 6531 section 3.2). The AUTH= parameter is not passed on: it
would vouch to the provider for an identity that only the application named (RFC 4954 section 5 lets it be omitted;
the provider then sees us, who did authenticate). DSN parameters are passed on as given, or left out where the
upstream does not offer DSN; `notice.py` then says what we owe the sender (RFC 3461 section 5.2.2).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from relay.courier.capability import Capabilities
from relay.model.message import Envelope, Recipient
from relay.model.reply import Reply, local_reply

_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
_PARAMETER = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Plan:
    """One transaction. `rcpts` has, for each recipient in order, its RCPT line or the reply that refuses it."""

    mail: bytes | Reply
    """The MAIL line with CRLF, or the reply that refuses the message for everyone."""
    rcpts: tuple[bytes | Reply, ...] = ()
    is_dsn_passed: bool = False
    """The upstream takes over the duty to report (RFC 3461 section 5.2.1)."""


def plan(envelope: Envelope, recipients: Sequence[Recipient], wire: bytes, capabilities: Capabilities) -> Plan:
    """How to offer `wire` to an upstream for `recipients`; `envelope` gives the sender and the parameters."""
    is_dsn = capabilities.offers("DSN")
    needs_utf8 = not envelope.sender.isascii() or (envelope.smtputf8 and not _header_section(wire).isascii())
    refusal = _refusal(envelope, wire, capabilities, needs_utf8)
    if refusal is not None:
        return Plan(refusal)
    rcpts = tuple(_rcpt(recipient, capabilities, is_dsn) for recipient in recipients)
    is_utf8 = needs_utf8 or any(isinstance(line, bytes) and not line.isascii() for line in rcpts)
    parameters = []
    if capabilities.offers("SIZE"):
        parameters.append(f"SIZE={len(wire)}")
    if capabilities.offers("8BITMIME") and not wire.isascii():
        parameters.append("BODY=8BITMIME")
    if is_utf8:
        parameters.append("SMTPUTF8")
    if is_dsn and envelope.ret:
        parameters.append(f"RET={envelope.ret}")
    if is_dsn and envelope.envid:
        parameters.append(f"ENVID={envelope.envid}")
    line = _line(f"MAIL FROM:<{envelope.sender}>", parameters)
    return Plan(line, rcpts, is_dsn) if isinstance(line, bytes) else Plan(line)


def _header_section(wire: bytes) -> bytes:
    """Up to and without the empty line."""
    if wire.startswith(b"\r\n"):
        return b""
    end = wire.find(b"\r\n\r\n")
    return wire if end < 0 else wire[:end]


def _refusal(envelope: Envelope, wire: bytes, capabilities: Capabilities, needs_utf8: bool) -> Reply | None:
    if capabilities.size is not None and len(wire) > capabilities.size:
        return local_reply(
            552, "5.3.4", f"{len(wire)} octets, more than the {capabilities.size} that the upstream takes"
        )
    if needs_utf8 and not capabilities.offers("SMTPUTF8"):
        return local_reply(553, "5.6.7", "internationalised sender or header, and the upstream does not offer SMTPUTF8")
    if not wire.isascii() and not capabilities.offers("8BITMIME"):
        return local_reply(554, "5.6.3", "8-bit content, and the upstream does not offer 8BITMIME")
    return None


def _rcpt(recipient: Recipient, capabilities: Capabilities, is_dsn: bool) -> bytes | Reply:
    if not recipient.address.isascii() and not capabilities.offers("SMTPUTF8"):
        return local_reply(553, "5.6.7", "internationalised address, and the upstream does not offer SMTPUTF8")
    parameters = []
    if is_dsn and recipient.notify:
        parameters.append(f"NOTIFY={recipient.notify}")
    if is_dsn and recipient.orcpt:
        parameters.append(f"ORCPT={recipient.orcpt}")
    return _line(f"RCPT TO:<{recipient.address}>", parameters)


def _line(command: str, parameters: Sequence[str]) -> bytes | Reply:
    """The command with CRLF; refused when an octet in it could begin another command."""
    if _UNSAFE.search(command):
        return local_reply(501, "5.1.3", "control character in an address")
    if not all(_PARAMETER.fullmatch(parameter) for parameter in parameters):
        return local_reply(501, "5.5.4", "a parameter of MAIL or RCPT is not printable ASCII")
    try:
        return " ".join([command, *parameters]).encode() + b"\r\n"
    except UnicodeEncodeError:
        return local_reply(553, "5.1.3", "an address that is not valid UTF-8")
