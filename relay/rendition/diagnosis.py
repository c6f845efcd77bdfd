"""Why mail was refused or came back: a class, in plain words, and what to do; from code, enhanced code and text.

    classify(550, "5.1.1", "No such user here").finding      -> Finding.NO_MAILBOX
    classify(554, "", "5.7.1 blocked using zen.spamhaus.org").bounce  -> BounceClass.BLOCK

The order: words that leave no doubt, an enhanced code that says something exact, other words, an enhanced code that
says little (5.7.1 is used for everything), the SMTP code. What is only for now is never hard. Pure; used for bounces
and for direct replies alike. RFC 3463, RFC 5321 section 4.2, RFC 5248.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from relay.model.bounce import BounceClass
from relay.rendition.findings import Finding
from relay.rendition.wording import Wording
from relay.rendition.wording_strong import STRONG
from relay.rendition.wording_weak import WEAK

LOOKED_AT = 4096
"""Characters of a text that are looked at."""

_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
_CODE = re.compile(r"(?<![\d.#:/-])([245][0-5]\d)(?=[ \-#:]|$)(?!-\d)")
_SPACE = re.compile(r"\s+")
_AT_MAIL_FROM = re.compile(r"(?i)(?<!\w)(?:after|in reply to|in response to)\s+(?:the )?mail\s+from(?!\w)")
_ADDRESS = re.compile(r"[^\s<>@:\"'()]{1,100}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,9}")
"""Left out of the text: `junkmail@example.com` says nothing of spam."""

EXACT: dict[str, Finding] = {
    "1.1": Finding.NO_MAILBOX,
    "1.2": Finding.NO_DOMAIN,
    "1.3": Finding.BAD_ADDRESS,
    "1.4": Finding.AMBIGUOUS,
    "1.6": Finding.MOVED,
    "1.7": Finding.BAD_SENDER,
    "1.8": Finding.BAD_SENDER,
    "1.10": Finding.NO_DOMAIN,
    "2.1": Finding.DISABLED,
    "2.2": Finding.FULL,
    "2.3": Finding.TOO_LARGE,
    "3.1": Finding.OUT_OF_ORDER,
    "3.4": Finding.TOO_LARGE,
    "4.6": Finding.LOOP,
    "4.7": Finding.EXPIRED,
    "5.3": Finding.TOO_MANY_RECIPIENTS,
    "6.7": Finding.FORMAT_SUPPORT,
    "7.10": Finding.TLS,
    "7.20": Finding.UNAUTHENTICATED,
    "7.21": Finding.UNAUTHENTICATED,
    "7.22": Finding.UNAUTHENTICATED,
    "7.23": Finding.UNAUTHENTICATED,
    "7.24": Finding.UNAUTHENTICATED,
    "7.25": Finding.NO_REVERSE_NAME,
    "7.26": Finding.UNAUTHENTICATED,
    "7.27": Finding.BAD_SENDER,
    "7.28": Finding.RATE,
    "7.30": Finding.TLS,
    "7.509": Finding.UNAUTHENTICATED,
    "7.512": Finding.UNAUTHENTICATED,
    "7.606": Finding.BLOCKLIST,
    "7.705": Finding.REPUTATION,
    "7.708": Finding.REPUTATION,
}
"""Subject and detail of codes that mean one thing, wherever they are used (the 7.5xx and above: Microsoft's)."""

VAGUE: dict[str, Finding] = {
    "1.0": Finding.NO_MAILBOX,
    "1.5": Finding.UNKNOWN,
    "2.0": Finding.UNKNOWN,
    "2.4": Finding.OUT_OF_ORDER,
    "3.0": Finding.OUT_OF_ORDER,
    "3.2": Finding.OUT_OF_ORDER,
    "3.3": Finding.FORMAT_SUPPORT,
    "3.5": Finding.OUT_OF_ORDER,
    "4.0": Finding.UNREACHABLE,
    "4.1": Finding.UNREACHABLE,
    "4.2": Finding.UNREACHABLE,
    "4.3": Finding.NAME_TROUBLE,
    "4.4": Finding.NO_DOMAIN,
    "4.5": Finding.OUT_OF_ORDER,
    "4.8": Finding.LOOP,
    "5.0": Finding.PROTOCOL,
    "5.1": Finding.PROTOCOL,
    "5.2": Finding.PROTOCOL,
    "5.4": Finding.PROTOCOL,
    "5.5": Finding.PROTOCOL,
    "6.0": Finding.CONTENT,
    "6.1": Finding.CONTENT,
    "6.2": Finding.CONTENT,
    "6.3": Finding.CONTENT,
    "6.5": Finding.CONTENT,
    "6.6": Finding.CONTENT,
    "7.0": Finding.NOT_PERMITTED,
    "7.1": Finding.NOT_PERMITTED,
    "7.2": Finding.RESTRICTED,
    "7.3": Finding.NOT_PERMITTED,
    "7.4": Finding.TLS,
    "7.5": Finding.TLS,
    "7.6": Finding.TLS,
    "7.7": Finding.CONTENT,
    "7.8": Finding.RELAY,
    "7.9": Finding.RELAY,
    "7.17": Finding.MOVED,
}
"""Codes that are used for many things: what they say counts after the text. A subject alone: `SUBJECTS`."""

SUBJECTS: dict[str, Finding] = {
    "1": Finding.NO_MAILBOX,
    "4": Finding.UNREACHABLE,
    "5": Finding.PROTOCOL,
    "6": Finding.CONTENT,
    "7": Finding.NOT_PERMITTED,
}
CODES: dict[int, Finding] = {
    421: Finding.OUT_OF_ORDER,
    450: Finding.TEMPORARY,
    451: Finding.OUT_OF_ORDER,
    452: Finding.OUT_OF_ORDER,
    454: Finding.TLS,
    455: Finding.PROTOCOL,
    500: Finding.PROTOCOL,
    501: Finding.PROTOCOL,
    502: Finding.PROTOCOL,
    503: Finding.PROTOCOL,
    504: Finding.PROTOCOL,
    521: Finding.NO_DOMAIN,
    530: Finding.RELAY,
    535: Finding.RELAY,
    551: Finding.MOVED,
    552: Finding.FULL,
    553: Finding.BAD_ADDRESS,
    556: Finding.NO_DOMAIN,
}


@dataclass(frozen=True, slots=True)
class Classification:
    """`status`: the enhanced code used, or found in the text; '' if there is none."""

    finding: Finding
    bounce: BounceClass
    explanation: str
    action: str
    status: str = ""


def classify(code: int | None, enhanced: str, text: str) -> Classification:
    """The class of one refusal. `code`: SMTP's, None if unknown; `enhanced` may be ''; `text` may hold both again."""
    text = _ADDRESS.sub("@", _SPACE.sub(" ", text[:LOOKED_AT]).lower())
    status = exact_status(enhanced, text)
    if code is None:
        code = code_in(text)
    finding = _finding(code, status, text)
    meaning = finding.value
    bounce = meaning.bounce
    if bounce is BounceClass.HARD and _is_for_now(code, status):
        bounce = BounceClass.SOFT
    return Classification(finding, bounce, meaning.explanation, meaning.action, status)


def exact_status(enhanced: str, text: str) -> str:
    """The enhanced code that says most: as given, else the first in the text; `5.0.0` only if there is no other."""
    given = [".".join(match.groups()) for match in _ENHANCED.finditer(f"{enhanced[:40]} {text[:LOOKED_AT]}")]
    return next((code for code in given if not code.endswith(".0.0")), given[0] if given else "")


def code_in(text: str) -> int | None:
    """The first SMTP reply code of a refusal in the text."""
    match = _CODE.search(text[:LOOKED_AT])
    return int(match[1]) if match and match[1][0] in "45" else None


def answers_mail_from(text: str) -> bool:
    """Whether a text says that it tells the answer to MAIL FROM, as Postfix and Exim do."""
    return _AT_MAIL_FROM.search(text[:LOOKED_AT]) is not None


def _finding(code: int | None, status: str, text: str) -> Finding:
    """What is said of the sender is no finding of the recipient: `5.1.7 no such domain`, or any answer to MAIL FROM."""
    finding = _said(code, status, text)
    is_of_sender = status.partition(".")[2] in ("1.7", "1.8") or answers_mail_from(text)
    return Finding.BAD_SENDER if is_of_sender and finding.value.bounce is BounceClass.HARD else finding


def _said(code: int | None, status: str, text: str) -> Finding:
    detail = status.partition(".")[2]
    return (
        _worded(STRONG, text)
        or EXACT.get(detail)
        or _worded(WEAK, text)
        or VAGUE.get(detail)
        or SUBJECTS.get(detail.partition(".")[0])
        or CODES.get(code or 0)
        or (Finding.TEMPORARY if _is_for_now(code, status) else Finding.UNKNOWN)
    )


def _worded(wordings: tuple[Wording, ...], text: str) -> Finding | None:
    return next((wording.finding for wording in wordings if wording.pattern.search(text)), None)


def _is_for_now(code: int | None, status: str) -> bool:
    return status[0] == "4" if status else code is not None and code < 500
