"""Complaints: a recipient called a message spam, and their provider says so. RFC 5965, and older forms of it.

Which recipient is often left out on purpose; the return path or the Message-ID in the enclosed original tells.
"""

from __future__ import annotations

import re

from relay.feedback.returned.fields import address, groups
from relay.feedback.returned.letter import Letter, addresses_of, bare_id, enclosed_in_text
from relay.feedback.returned.values import Action, Fate, Returned, ReturnedKind
from relay.rendition.decode import decode_text
from relay.rendition.mime import walk

REPORT = "message/feedback-report"
MAX_TEXT = 65_536
_TYPE = re.compile(r"(?im)^feedback-type[ \t]*:[ \t]*([\w-]{1,40})")
_REDACTED = re.compile(r"(?i)^(?:redacted|\[?redacted|x+@|[0-9a-f]{16,}@(?:redacted|aol))")
_OLD_SUBJECT = re.compile(r"(?i)^(?:complaint about message from|client tos notification|email feedback report for)")
_HOTMAIL = ("x-hmxmroriginalrecipient", "x-simplelogin-envelope-to")


def read_complaint(letter: Letter) -> Returned | None:
    """The complaint, or None if it is none. A `not-spam` report, or one about authentication, is OTHER."""
    text = _report(letter)
    if text is None:
        return _without_report(letter)
    fields, others = groups(text)
    for other in others:
        fields = {**other, **fields}
    feedback = fields.get("feedback-type", "").strip().lower()
    kind = ReturnedKind.OTHER if feedback in ("not-spam", "auth-failure", "dmarc") else ReturnedKind.COMPLAINT
    enclosed = letter.enclosed or enclosed_in_text(letter.text)
    named = [address(value) for name, value in fields.items() if name.startswith("original-rcpt-to")]
    named += [address(fields.get("removal-recipient", ""))]
    in_header = enclosed.recipients if enclosed else ()
    special = [enclosed.fields[name].strip("<> ") for name in _HOTMAIL if enclosed and name in enclosed.fields]
    candidates = (named, special, in_header)
    found = next((those for those in candidates if any(_is_known(one) for one in those)), ())
    recipients = tuple(dict.fromkeys(one for one in found if _is_known(one)))
    return Returned(
        kind=kind,
        form="rfc5965",
        fates=tuple(Fate(one, Action.DELIVERED) for one in recipients),
        header_message_id=enclosed.message_id if enclosed else "",
        original_recipients=in_header,
        return_path=(enclosed.return_path if enclosed else "") or address(fields.get("original-mail-from", "")),
        own_message_id=bare_id(letter.field("message-id")),
        subject=letter.field("subject"),
        envelope_id=fields.get("original-envelope-id", ""),
        reporting_mta=fields.get("reporting-mta", "").rpartition(";")[2].strip(),
        feedback_type=feedback or "abuse",
    )


def _report(letter: Letter) -> str | None:
    for part in walk(letter.root):
        if part.content_type == REPORT:
            return decode_text(part, letter.content, MAX_TEXT)
    if letter.report_type == "feedback-report":
        return next((text for text in letter.texts if _TYPE.search(text)), "")
    return None


def _without_report(letter: Letter) -> Returned | None:
    """Outlook's and others' old form: the original enclosed, and a header field or the subject that says so."""
    is_old = "x-loop" in letter.fields and "scomp@" in letter.field("x-loop").lower()
    is_hotmail = "staff@hotmail.com" in letter.field("from").lower() and letter.enclosed is not None
    if not (is_old or is_hotmail or (_OLD_SUBJECT.search(letter.field("subject")) and letter.enclosed)):
        return None
    enclosed = letter.enclosed
    special = [enclosed.fields[name].strip("<> ") for name in _HOTMAIL if enclosed and name in enclosed.fields]
    recipients = tuple(special) or (enclosed.recipients if enclosed else ())
    return Returned(
        kind=ReturnedKind.COMPLAINT,
        form="old complaint",
        fates=tuple(Fate(one, Action.DELIVERED) for one in recipients if _is_known(one)),
        header_message_id=enclosed.message_id if enclosed else "",
        original_recipients=enclosed.recipients if enclosed else (),
        return_path=enclosed.return_path if enclosed else "",
        own_message_id=bare_id(letter.field("message-id")),
        subject=letter.field("subject"),
        feedback_type="abuse",
    )


def _is_known(recipient: str) -> bool:
    return "@" in recipient and not _REDACTED.search(recipient) and bool(addresses_of(recipient))
