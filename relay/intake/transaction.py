"""MAIL and RCPT: the envelope of one message as it grows. RFC 5321 section 4.1.1.2 and 4.1.1.3, RFC 6531, RFC 3461.

Decides who may send at all: nobody beyond this machine who neither signed in nor is listed by address. Never an open
relay, whatever the listener.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relay.config import TlsPolicy
from relay.intake.credentials import KnownApplication
from relay.intake.parameters import MailParameters, ParameterError, parse_mail_parameters, parse_rcpt_parameters
from relay.model.address import AddressError, Path, parse_path
from relay.model.message import Envelope, Recipient
from relay.model.reply import Reply

if TYPE_CHECKING:
    from relay.intake.session import SmtpSession

SENDER_OK = Reply(250, "sender OK", "2.1.0")
RECIPIENT_OK = Reply(250, "recipient OK", "2.1.5")
NEEDS_GREETING = Reply(503, "say EHLO first", "5.5.1")
NESTED = Reply(503, "a sender was already given", "5.5.1")
NEEDS_MAIL = Reply(503, "give the sender first: MAIL FROM:<address>", "5.5.1")
MAIL_SYNTAX = Reply(501, "syntax: MAIL FROM:<address> [parameters]", "5.5.4")
RCPT_SYNTAX = Reply(501, "syntax: RCPT TO:<address> [parameters]", "5.5.4")
NEEDS_TLS = Reply(530, "issue STARTTLS first", "5.7.0")
NEEDS_SIGN_IN = Reply(530, "authentication required", "5.7.0")
TOO_BIG = Reply(552, "message is larger than accepted here", "5.3.4")
NEEDS_SMTPUTF8 = Reply(553, "an address beyond ASCII needs SMTPUTF8", "5.6.7")
TOO_MANY_RECIPIENTS = Reply(452, "too many recipients, send to the rest separately", "4.5.3")
NULL_RECIPIENT = Reply(501, "the null address cannot receive", "5.1.3")
BARE_POSTMASTER = Reply(501, "a sender needs a domain", "5.1.7")


@dataclass(slots=True)
class Transaction:
    """From an accepted MAIL to the end of DATA."""

    application: KnownApplication
    sender: Path
    parameters: MailParameters
    recipients: list[Recipient] = field(default_factory=list)

    def envelope(self) -> Envelope:
        given = self.parameters
        return Envelope(
            sender=self.sender.address,
            recipients=tuple(self.recipients),
            body=given.body,
            smtputf8=given.smtputf8,
            declared_size=given.size,
            ret=given.ret,
            envid=given.envid,
            auth=given.auth,
        )


async def mail(session: SmtpSession, argument: bytes) -> Reply:
    if not session.session.host_name:
        return NEEDS_GREETING
    if session.station.listener.tls is TlsPolicy.REQUIRED and not session.is_tls:
        return session.refuse("tls", NEEDS_TLS)
    application = _application(session)
    if application is None:
        return session.refuse("auth", NEEDS_SIGN_IN)
    if session.transaction is not None:
        return NESTED
    if argument[:5].upper() != b"FROM:":
        return session.refuse("syntax", MAIL_SYNTAX)
    try:
        sender, rest = parse_path(argument[5:].lstrip(b" "))
        parameters = parse_mail_parameters(rest)
    except AddressError as cause:
        return session.refuse("address", _malformed(cause, "5.1.7"))
    except ParameterError as cause:
        return session.refuse("parameter", cause.reply)
    refusal = _judge(session, application, sender, parameters)
    if refusal is not None:
        return refusal
    session.transaction = Transaction(application, sender, parameters)
    return SENDER_OK


def _application(session: SmtpSession) -> KnownApplication | None:
    """Whose mail this is; None if the client may not send. Asked at each MAIL: credentials may have been withdrawn."""
    directory, address = session.lobby.directory, session.client.address
    if session.application is not None:
        return directory.current(session.application)
    if session.station.listener.require_auth:
        return None
    listed = directory.at_address(address) if address is not None else None
    if listed is not None:
        return listed
    is_allowed = address is not None and any(address in network for network in session.smtp.allow_from)
    return directory.default if session.client.is_local or is_allowed else None


def _judge(
    session: SmtpSession, application: KnownApplication, sender: Path, parameters: MailParameters
) -> Reply | None:
    """The refusal of a well-formed MAIL, if it deserves one."""
    if sender.address and "@" not in sender.address:
        return session.refuse("address", BARE_POSTMASTER)
    if not sender.is_ascii and not parameters.smtputf8:
        return session.refuse("smtputf8", NEEDS_SMTPUTF8)
    if parameters.size is not None and parameters.size > session.smtp.max_message_size:
        return session.refuse("size", TOO_BIG)
    if not application.may_send_as(sender.address):
        text = f"{application.name} may not send as {sender}"
        return session.refuse("sender", Reply(550, text, "5.7.1"))
    return None


async def rcpt(session: SmtpSession, argument: bytes) -> Reply:
    transaction = session.transaction
    if transaction is None:
        return NEEDS_MAIL
    if argument[:3].upper() != b"TO:":
        return session.refuse("syntax", RCPT_SYNTAX)
    if len(transaction.recipients) >= session.smtp.max_recipients:
        return session.refuse("recipients", TOO_MANY_RECIPIENTS)
    try:
        path, rest = parse_path(argument[3:].lstrip(b" "))
        parameters = parse_rcpt_parameters(rest)
    except AddressError as cause:
        return session.refuse("address", _malformed(cause, "5.1.3"))
    except ParameterError as cause:
        return session.refuse("parameter", cause.reply)
    if not path.address:
        return session.refuse("address", NULL_RECIPIENT)
    if not path.is_ascii and not transaction.parameters.smtputf8:
        return session.refuse("smtputf8", NEEDS_SMTPUTF8)
    refusal = await session.lobby.door.refusal(path.address) if session.lobby.door is not None else None
    if refusal is not None:
        return session.refuse("recipient", refusal)
    transaction.recipients.append(Recipient(path.address, parameters.notify, parameters.orcpt))
    return RECIPIENT_OK


def _malformed(cause: AddressError, enhanced: str) -> Reply:
    """501 for what is no address, 553 for what is not even UTF-8."""
    return Reply(553 if cause.is_utf8 else 501, f"malformed address: {cause}", enhanced)
