"""AUTH PLAIN and AUTH LOGIN: an application says who it is. RFC 4954, RFC 4616.

What the client sends here is never logged, not even when it cannot be decoded.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import TYPE_CHECKING

from relay.model.reply import Reply

if TYPE_CHECKING:
    from relay.intake.session import SmtpSession

SIGNED_IN = Reply(235, "signed in", "2.7.0")
NOT_OFFERED = Reply(502, "AUTH is not offered here", "5.5.1")
NEEDS_TLS = Reply(538, "use STARTTLS first", "5.7.11")
NEEDS_EHLO = Reply(503, "say EHLO first", "5.5.1")
ALREADY = Reply(503, "already signed in", "5.5.1")
IN_TRANSACTION = Reply(503, "not within a message", "5.5.1")
SYNTAX = Reply(501, "syntax: AUTH PLAIN or AUTH LOGIN, with at most one response", "5.5.4")
UNKNOWN_MECHANISM = Reply(504, "only PLAIN and LOGIN are offered", "5.5.4")
UNDECODABLE = Reply(501, "this is not a base64 response of that mechanism", "5.5.2")
CANCELLED = Reply(501, "sign-in cancelled", "5.7.0")
WRONG = Reply(535, "credentials are wrong", "5.7.8")

ASK = Reply(334, "")
ASK_USERNAME = Reply(334, "VXNlcm5hbWU6")
ASK_PASSWORD = Reply(334, "UGFzc3dvcmQ6")


class _Refused(Exception):
    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


async def auth(session: SmtpSession, argument: bytes) -> Reply:
    if not session.session.extended_smtp:
        return NEEDS_EHLO
    if not session.may_sign_in:
        can_after_tls = session.lobby.directory.has_credentials and session.station.offers_starttls
        return session.refuse("auth", NEEDS_TLS if can_after_tls else NOT_OFFERED)
    if session.application is not None:
        return ALREADY
    if session.transaction is not None:
        return IN_TRANSACTION
    words = argument.split(b" ")
    if not words[0] or len(words) > 2:
        return SYNTAX
    exchange = {b"PLAIN": _plain, b"LOGIN": _login}.get(words[0].upper())
    if exchange is None:
        return UNKNOWN_MECHANISM
    try:
        username, secret = await exchange(session, words[1] if len(words) == 2 else None)
    except _Refused as refused:
        return session.refuse("auth", refused.reply)
    session.application = session.lobby.directory.sign_in(username, secret)
    if session.application is not None:
        return SIGNED_IN
    return session.refuse("auth", session.budget.spend_sign_in() or WRONG)


async def _plain(session: SmtpSession, initial: bytes | None) -> tuple[str, bytes]:
    """authorization identity NUL user name NUL secret; the first is of no use to us."""
    response = await _ask(session, ASK) if initial is None else _decode(initial)
    words = response.split(b"\0")
    if len(words) != 3:
        raise _Refused(UNDECODABLE)
    return _username(words[1]), words[2]


async def _login(session: SmtpSession, initial: bytes | None) -> tuple[str, bytes]:
    username = await _ask(session, ASK_USERNAME) if initial is None else _decode(initial)
    return _username(username), await _ask(session, ASK_PASSWORD)


async def _ask(session: SmtpSession, challenge: Reply) -> bytes:
    await session.answer(challenge)
    line = await session.read_line()
    if line is None:
        raise _Refused(UNDECODABLE)
    response = line.rstrip(b"\r\n")
    if response == b"*":
        raise _Refused(CANCELLED)
    return _decode(response)


def _decode(response: bytes) -> bytes:
    """The octets that `response` says; `=` is how an empty initial response is written (RFC 4954 section 4)."""
    if response == b"=":
        return b""
    try:
        return b64decode(response, validate=True)
    except binascii.Error:
        raise _Refused(UNDECODABLE) from None


def _username(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")
