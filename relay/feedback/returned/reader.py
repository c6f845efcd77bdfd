"""A mail that came back, read: what kind it is, and what became of the message for each recipient.

    read(content).fates[0]  -> Fate("jo@example.com", FAILED, "5.1.1", "550 5.1.1 <jo@example.com>: no such user", 550)

Order: a complaint, a receipt and a delivery status say what they are; then what a mail system wrote in words; then
automatic replies. Nothing is a bounce that no mail system sent. Pure, bounded, never raises for any octets.
RFC 3464, RFC 5965, RFC 8098, RFC 3834.
"""

from __future__ import annotations

import re
from dataclasses import replace

from relay.feedback.returned import autoreply
from relay.feedback.returned.complaint import read_complaint
from relay.feedback.returned.dsn import read_status, statuses
from relay.feedback.returned.fields import Group, untyped
from relay.feedback.returned.forms import DAEMON, SUBJECT
from relay.feedback.returned.letter import Enclosed, Letter, addresses_of, bare_id, enclosed_in_text, open_letter
from relay.feedback.returned.prose import before_copy, fate, opening_of, read_prose
from relay.feedback.returned.values import Action, Fate, Returned, ReturnedKind
from relay.rendition.dates import parse_date
from relay.rendition.decode import decode_text
from relay.rendition.diagnosis import answers_mail_from
from relay.rendition.mime import walk

_MAILER_DAEMON = re.compile(r"(?i)\bmailer-daemon\b")
_THROWN_AWAY = re.compile(r"(?im)^disposition:[^\n]*automatic-action[^\n]*(?:deleted|denied|failed)")


def read(content: bytes) -> Returned:
    """What `content`, a mail that came to a return path, says. OTHER if it says nothing of a delivery."""
    letter = open_letter(content)
    complaint = read_complaint(letter)
    if complaint is not None:
        return replace(complaint, date=parse_date(letter.field("date")))
    if _is_receipt(letter):
        return _returned(letter, ReturnedKind.RECEIPT, "rfc8098")
    for text in statuses(letter):
        first, fates = read_status(text)
        if fates:
            return _from_status(letter, first, fates)
    return _from_words(letter)


def _is_receipt(letter: Letter) -> bool:
    """A disposition notification; but not one by which a mail system says that it threw the message away."""
    parts = [part for part in walk(letter.root) if part.content_type == "message/disposition-notification"]
    if not parts:
        return letter.report_type == "disposition-notification"
    is_thrown_away = any(_THROWN_AWAY.search(decode_text(part, letter.content, 4000)) for part in parts)
    return not (is_thrown_away and opening_of(letter.text))


def _enclosed_report(letter: Letter) -> Returned | None:
    """The delivery status in a bounce that was itself enclosed: some gateways forward it so."""
    for part in walk(letter.root):
        if part.content_type == "message/rfc822" and part.children:
            inner = part.children[0]
            if inner.content_type == "multipart/report":
                within = read_enclosed(letter.content[part.body_start : part.stop])
                return within if within.fates else None
    return None


def read_enclosed(content: bytes) -> Returned:
    """A bounce within a bounce; what is within that is not looked into."""
    letter = open_letter(content)
    for text in statuses(letter):
        first, fates = read_status(text)
        if fates:
            return _from_status(letter, first, fates)
    return _returned(letter, ReturnedKind.OTHER, "nothing known")


def _from_status(letter: Letter, first: Group, fates: tuple[Fate, ...]) -> Returned:
    returned = _returned(letter, ReturnedKind.BOUNCE, "rfc3464")
    if all(one.action is Action.DELAYED for one in fates) and autoreply.is_challenge(letter):
        return replace(returned, kind=ReturnedKind.CHALLENGE)
    return replace(
        returned,
        fates=tuple(_completed(one, letter, returned, is_only=len(fates) == 1) for one in fates),
        envelope_id=first.get("original-envelope-id", ""),
        reporting_mta=untyped(first.get("reporting-mta", "")).split(" ")[0],
    )


def _completed(one: Fate, letter: Letter, returned: Returned, *, is_only: bool) -> Fate:
    """A fate with what its group leaves out and the text around it says: the domain, the diagnostic, the status."""
    told = read_prose(letter.text, not_these=_not_recipients(letter)) if is_only else None
    words = told.fates if told else ()
    if "@" not in one.addressee:
        named = [fate.recipient for fate in words] or list(returned.original_recipients)
        match = next((address for address in named if address.partition("@")[0] == one.recipient), "")
        one = replace(one, original_recipient=match or (named[0] if len(set(named)) == 1 else ""))
    if not one.diagnostic or not one.status:
        reason = next((fate.diagnostic for fate in words if fate.recipient.casefold() == one.addressee.casefold()), "")
        reason = reason or (" ".join(before_copy(letter.text).split())[:1000] if is_only else "")
        spoken = fate(one.recipient, one.action, f"{one.diagnostic} {reason}")
        status = one.status
        if not status or (status.endswith(".0.0") and spoken.status[:1] == status[0]):
            status = spoken.status
        one = replace(one, diagnostic=one.diagnostic or spoken.diagnostic, status=status, code=one.code or spoken.code)
    if any(answers_mail_from(fate.diagnostic) for fate in words) and not answers_mail_from(one.diagnostic):
        one = replace(one, diagnostic=f"{one.diagnostic} (in reply to MAIL FROM command)")
    return one


def _from_words(letter: Letter) -> Returned:
    failed = addresses_of(letter.field("x-failed-recipients"))
    has_subject = bool(SUBJECT.search(letter.field("subject")))
    is_from_daemon = bool(DAEMON.search(letter.field("from")))
    # Automatic replies have a null reverse-path, too: it says something together with the subject only.
    is_from_daemon = is_from_daemon or (has_subject and letter.field("return-path") == "<>")
    text = before_copy(letter.text)
    is_opened = opening_of(text) is not None
    if letter.report_type not in ("", "delivery-status", "disposition-notification"):
        return _returned(letter, ReturnedKind.OTHER, letter.report_type[:40])
    is_reported = letter.root.content_type == "multipart/report" or bool(failed)
    is_reported = is_reported or (
        bool(_MAILER_DAEMON.search(letter.field("from"))) and not autoreply.has_subject(letter)
    )
    if not is_reported and not (is_from_daemon and (is_opened or has_subject)):
        automatic = autoreply.kind_of(letter)
        if automatic is not None and (autoreply.has_subject(letter) or not (has_subject and is_opened)):
            return _returned(letter, automatic, "automatic")
        if not (has_subject and is_opened):
            return _returned(letter, ReturnedKind.OTHER, "nothing known")
    returned = _returned(letter, ReturnedKind.BOUNCE, "text")
    told = read_prose(
        letter.text,
        not_these=_not_recipients(letter),
        known=failed,
        daemon=_daemon(letter) if is_from_daemon or has_subject else "",
    )
    fates = told.fates if told else ()
    is_vague = not told or told.software == "generic"
    if not fates and not is_reported and not is_from_daemon and is_vague:
        return _returned(letter, ReturnedKind.OTHER, "nothing known")
    within = _enclosed_report(letter) if not fates else None
    if within is not None:
        return replace(within, own_message_id=returned.own_message_id)
    if failed:
        spoken = {one.recipient.casefold(): one for one in fates}
        action = fates[0].action if fates else Action.FAILED
        fates = tuple(spoken.get(one.casefold()) or fate(one, action, text) for one in failed)
    if not fates and len(returned.original_recipients) == 1 and (is_opened or is_reported):
        opening = opening_of(text)
        action = opening[0].action if opening else Action.FAILED
        fates = (fate(returned.original_recipients[0], action, text),)
    if not fates:
        opening = opening_of(text)
        fates = (fate("", opening[0].action if opening else Action.FAILED, text or letter.field("subject")),)
    return replace(returned, fates=fates, form=f"text: {told.software or 'lines'}" if told else "text")


def _returned(letter: Letter, kind: ReturnedKind, form: str) -> Returned:
    enclosed: Enclosed | None = letter.enclosed
    if enclosed is None and kind is ReturnedKind.BOUNCE:
        enclosed = enclosed_in_text(letter.text)
    return Returned(
        kind=kind,
        form=form,
        header_message_id=(enclosed.message_id if enclosed else "") or _referred_to(letter),
        original_recipients=enclosed.recipients if enclosed else (),
        return_path=enclosed.return_path if enclosed else "",
        own_message_id=bare_id(letter.field("message-id")),
        subject=letter.field("subject"),
        date=parse_date(letter.field("date")),
    )


def _referred_to(letter: Letter) -> str:
    """Some systems name the message in fields of their own, or answer to it as a person's program does."""
    for name in ("x-original-message-id", "in-reply-to", "references"):
        if value := letter.field(name):
            return bare_id(value)
    return ""


def _daemon(letter: Letter) -> str:
    return next(iter(addresses_of(letter.field("from"))), "daemon@")


def _not_recipients(letter: Letter) -> tuple[str, ...]:
    """Addresses in the bounce that are not what failed: who sends it, to whom it goes."""
    names = ("from", "to", "reply-to", "delivered-to", "sender", "return-path", "cc")
    return tuple(one for name in names for one in addresses_of(letter.field(name)))
