"""The addresses of MAIL and RCPT: RFC 5321 section 4.1.2 and RFC 6531 on raw octets.

Never decodes anything: an RFC 2047 encoded word is an ordinary atom here (aiosmtpd decodes it, which lets a client
write CR and LF into an envelope). An address is kept exactly as written; only a source route is taken off.

Wider than the RFC where refusing would only break applications whose mail arrives today: dots anywhere in an
unquoted local part (`a..b@`, `a.@`), `_` in a domain, a local part beyond 64 octets (bounce addresses), and a mailbox
without angle brackets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

LOCAL_LIMIT = 256
"""Octets of a local part; RFC 5321 section 4.5.3.1.1 promises 64."""
DOMAIN_LIMIT = 255
"""Octets of a domain (RFC 5321 section 4.5.3.1.2)."""
LABEL_LIMIT = 63
"""Octets between two dots of a domain (RFC 1035 section 2.3.4)."""

_ATOM = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\x80-\xff-]+"
_QUOTED = rb'"(?:[\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\x20-\x7e])*"'
_LABEL = rb"[A-Za-z0-9_\x80-\xff](?:[A-Za-z0-9_\x80-\xff-]*[A-Za-z0-9_\x80-\xff])?"
_DOMAIN = _LABEL + rb"(?:\." + _LABEL + rb")*"
_MAILBOX = rb"(" + _ATOM + rb"|" + _QUOTED + rb")@(" + _DOMAIN + rb"|\[[0-9A-Za-z:.]+\])"
_ROUTE = rb"@" + _DOMAIN + rb"(?:,@" + _DOMAIN + rb")*:"
_PATH = re.compile(
    rb"<(?P<route>" + _ROUTE + rb")?(?P<mailbox>" + _MAILBOX + rb")>"
    rb"|(?P<null><>)"
    rb"|<(?P<postmaster>[Pp][Oo][Ss][Tt][Mm][Aa][Ss][Tt][Ee][Rr])>"
    rb"|(?P<bare>" + _MAILBOX + rb")"
)
_C1_CONTROL = re.compile("[\x80-\x9f\u2028\u2029]")


class AddressError(ValueError):
    """The octets are not a path; the message says why, for the client. `is_utf8`: they are not UTF-8."""

    def __init__(self, message: str, *, is_utf8: bool = False) -> None:
        super().__init__(message)
        self.is_utf8 = is_utf8


@dataclass(frozen=True, slots=True)
class Path:
    """A reverse-path or forward-path. `address` is '' for `<>`, else `local@domain` (or `postmaster`) as written."""

    address: str
    route: str | None = None
    """A source route that was taken off (RFC 5321 appendix C), `@a,@b`."""

    @property
    def is_ascii(self) -> bool:
        return self.address.isascii()

    def __str__(self) -> str:
        return f"<{self.address}>"


def parse_path(octets: bytes) -> tuple[Path, bytes]:
    """The path at the start of `octets` (what follows `FROM:` or `TO:`), and the parameters after its space.

    `b"<a@b> SIZE=1"` -> `(Path("a@b"), b"SIZE=1")`. Addresses beyond ASCII are accepted here; whether SMTPUTF8 was
    declared is the caller's question. Raises AddressError.
    """
    match = _PATH.match(octets)
    if match is None:
        raise AddressError("not an address")
    rest = octets[match.end() :]
    if rest and not rest.startswith(b" "):
        raise AddressError("address is followed by something else")
    if match["null"]:
        return Path(""), rest.strip(b" ")
    if match["postmaster"]:
        return Path(match["postmaster"].decode("ascii")), rest.strip(b" ")
    address = match["mailbox"] or match["bare"]
    domain = match[4] or match[9]
    _check_lengths(len(address) - len(domain) - 1, domain)
    if domain.startswith(b"["):
        _check_literal(domain[1:-1].decode("ascii"))
    route = match["route"]
    return Path(_text(address), _text(route[:-1]) if route else None), rest.strip(b" ")


def _check_lengths(local: int, domain: bytes) -> None:
    if local > LOCAL_LIMIT:
        raise AddressError(f"local part is longer than {LOCAL_LIMIT} octets")
    if len(domain) > DOMAIN_LIMIT:
        raise AddressError(f"domain is longer than {DOMAIN_LIMIT} octets")
    if not domain.startswith(b"[") and max(map(len, domain.split(b"."))) > LABEL_LIMIT:
        raise AddressError(f"a part of the domain is longer than {LABEL_LIMIT} octets")


def _check_literal(literal: str) -> None:
    """Makes sure `192.0.2.1` or `IPv6:2001:db8::1` is one (RFC 5321 section 4.1.3; no general literals)."""
    try:
        if literal[:5].lower() == "ipv6:":
            IPv6Address(literal[5:])
        else:
            IPv4Address(literal)
    except AddressValueError:
        raise AddressError("not an address literal") from None


def _text(octets: bytes) -> str:
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise AddressError("address is not UTF-8", is_utf8=True) from None
    if _C1_CONTROL.search(text):
        raise AddressError("address has a control character")
    return text
