"""The table of commands, and those that neither sign in nor carry a message. RFC 5321 section 4.1.1.

What is not in COMMANDS does not exist, whatever the class that a session is built on could do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from relay.intake.auth import auth
from relay.intake.data import data
from relay.intake.transaction import mail, rcpt
from relay.model.reply import Reply

if TYPE_CHECKING:
    from relay.intake.session import SmtpSession

Command = Callable[["SmtpSession", bytes], Awaitable[Reply | None]]
"""Gets the session and what follows the verb, spaces at both ends removed; gives the reply, or None if all is said."""

OK = Reply(250, "OK", "2.0.0")
BYE = Reply(221, "goodbye", "2.0.0")
UNKNOWN = Reply(500, "command not recognized", "5.5.2")
NOT_OFFERED = Reply(502, "command not offered here", "5.5.1")
TAKES_NOTHING = Reply(501, "this command takes no argument", "5.5.4")
NEEDS_NAME = Reply(501, "EHLO or HELO needs your name", "5.5.4")
CANNOT_VERIFY = Reply(252, "addresses are not verified here; send, and see", "2.5.0")
NEEDS_ADDRESS = Reply(501, "VRFY needs an address", "5.5.4")
HELP_TEXT = Reply(214, "EHLO HELO STARTTLS AUTH MAIL RCPT DATA RSET NOOP VRFY HELP QUIT\nRFC 5321", "2.0.0")
READY_FOR_TLS = Reply(220, "ready to start TLS", "2.0.0")
ALREADY_TLS = Reply(503, "TLS is already in use", "5.5.1")
TLS_NOT_OFFERED = Reply(502, "TLS is not offered here", "5.5.1")
TALKS_AHEAD = Reply(421, "nothing may follow STARTTLS before its reply, goodbye", "4.7.0")
CHUNK_DROPPED = Reply(502, "BDAT is not offered here; its octets were dropped", "5.5.1")
CHUNK_TOO_BIG = Reply(421, "BDAT is not offered here, and this is too much to drop", "4.5.1")
CHUNK_MALFORMED = Reply(421, "BDAT is not offered here, and its size cannot be read", "4.5.1")

NAME_LIMIT = 255
"""Characters of the client's name in EHLO that are kept."""


async def ehlo(session: SmtpSession, argument: bytes) -> Reply:
    if not argument:
        return NEEDS_NAME
    _greet(session, argument, is_extended=True)
    lines = [
        session.lobby.hostname,
        "PIPELINING",
        f"SIZE {session.smtp.max_message_size}",
        "8BITMIME",
        "SMTPUTF8",
        "DSN",
        "ENHANCEDSTATUSCODES",
    ]
    if session.station.offers_starttls and not session.is_tls:
        lines.append("STARTTLS")
    if session.may_sign_in:
        lines.append("AUTH PLAIN LOGIN")
    lines.append("HELP")
    return Reply(250, "\n".join(lines))


async def helo(session: SmtpSession, argument: bytes) -> Reply:
    if not argument:
        return NEEDS_NAME
    _greet(session, argument, is_extended=False)
    return Reply(250, session.lobby.hostname)


def _greet(session: SmtpSession, argument: bytes, *, is_extended: bool) -> None:
    session.transaction = None
    session.session.host_name = argument.decode("utf-8", "backslashreplace")[:NAME_LIMIT]
    session.session.extended_smtp = is_extended


async def noop(session: SmtpSession, argument: bytes) -> Reply:
    return OK


async def rset(session: SmtpSession, argument: bytes) -> Reply:
    if argument:
        return TAKES_NOTHING
    session.transaction = None
    return OK


async def vrfy(session: SmtpSession, argument: bytes) -> Reply:
    """Never says who exists: we do not know, and would not tell."""
    return CANNOT_VERIFY if argument else NEEDS_ADDRESS


async def show_help(session: SmtpSession, argument: bytes) -> Reply:
    return HELP_TEXT


async def quit_session(session: SmtpSession, argument: bytes) -> Reply:
    return TAKES_NOTHING if argument else BYE


async def starttls(session: SmtpSession, argument: bytes) -> Reply | None:
    """Goes over to TLS, with the reply sent before. Octets that came with the command end the session: they are plain
    text, and would be taken for TLS text (RFC 3207; docs/attacks.md, 3 to 5).
    """
    if argument:
        return TAKES_NOTHING
    if session.is_tls:
        return ALREADY_TLS
    if not session.station.offers_starttls or session.station.context is None:
        return TLS_NOT_OFFERED
    if session.buffered:
        return session.refuse("starttls", TALKS_AHEAD)
    await session.answer(READY_FOR_TLS)
    await session.start_tls(session.station.context)
    session.forget()
    return None


async def bdat(session: SmtpSession, argument: bytes) -> Reply:
    """Reads the chunk and drops it, so that its octets are never taken for commands (RFC 3030 is not offered)."""
    session.transaction = None
    words = argument.split()
    if not words or not words[0].isdigit() or len(words[0]) > 20:
        return session.refuse("bdat", CHUNK_MALFORMED)
    left = int(words[0])
    if left > session.smtp.max_message_size:
        return session.refuse("bdat", CHUNK_TOO_BIG)
    while left:
        octets = await session.read_some()
        session.unread(octets[left:])
        left -= min(left, len(octets))
    return session.refuse("bdat", CHUNK_DROPPED)


async def not_offered(session: SmtpSession, argument: bytes) -> Reply:
    return NOT_OFFERED


COMMANDS: dict[bytes, Command] = {
    b"EHLO": ehlo,
    b"HELO": helo,
    b"STARTTLS": starttls,
    b"AUTH": auth,
    b"MAIL": mail,
    b"RCPT": rcpt,
    b"DATA": data,
    b"RSET": rset,
    b"NOOP": noop,
    b"VRFY": vrfy,
    b"HELP": show_help,
    b"QUIT": quit_session,
    b"BDAT": bdat,
    b"EXPN": not_offered,
    b"ETRN": not_offered,
    b"TURN": not_offered,
    b"SEND": not_offered,
    b"SOML": not_offered,
    b"SAML": not_offered,
}
JUNK = frozenset({b"EHLO", b"HELO", b"NOOP", b"RSET", b"VRFY", b"HELP", b"EXPN", b"ETRN"})
"""Commands that bring no message; only so many between two."""
HTTP_VERBS = frozenset({b"GET", b"POST", b"HEAD", b"PUT", b"OPTIONS", b"DELETE", b"PATCH", b"CONNECT", b"HOST:"})
"""A browser made to speak to us: its headers are refused commands, and what follows them would be obeyed."""
