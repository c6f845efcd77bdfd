"""Which messages belong together as one mailing, and which a program sent of itself. Pure.

A mailing is all that one application hands in within a day (UTC) under the same name. The name is, the first there is:

1. the header field `X-Mailwitness-Mailing: NAME`;
2. a tag `campaign:NAME` or `mailing:NAME`;
3. the author's address and the subject's template: the subject without what differs from one recipient to the next,
   `Ann, your invoice INV-1042` -> `…, your invoice …`.

Automatic is what says so itself: `Auto-Submitted` with anything but `no` (RFC 3834 section 5), `Precedence: bulk`,
`junk` or `auto_reply`, or a `Feedback-ID`. Which senders are automations by name, the configuration says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from relay.model.summary import Summary

FIELD = "x-mailwitness-mailing"
TAGS = ("campaign:", "mailing:")
GAP = "…"
"""Stands for what differs."""
LONGEST = 200
AUTOMATIC_PRECEDENCE = frozenset({"bulk", "junk", "auto_reply"})

_ADDRESS = re.compile(r"\S+@\S+")
_NUMBERED = re.compile(r"[^\s,;:!?()\[\]<>\"]*\d[^\s,;:!?()\[\]<>\"]*")
_GAPS = re.compile(rf"{GAP}(?:[\s,.#/-]*{GAP})+")
_LETTERS = re.compile(r"[^\W\d_]{2}")


@dataclass(frozen=True, slots=True)
class MailingName:
    """`source` is `header`, `tag` or `subject`; `author` matters for a subject alone."""

    name: str
    source: str
    author: str = ""

    @property
    def key(self) -> str:
        """Equal for messages of the same mailing, given the same application and day."""
        return f"{self.source}\x1f{self.author}\x1f{self.name.casefold()}"


def mailing_name(summary: Summary, tags: Iterable[str]) -> MailingName | None:
    """None for a message that no other can belong to: without a subject that says anything."""
    fields = dict(header_fields(summary.header_text))
    if named := fields.get(FIELD, "")[:LONGEST].strip():
        return MailingName(named, "header")
    for tag in tags:
        for prefix in TAGS:
            if tag.casefold().startswith(prefix) and (named := tag[len(prefix) :].strip()):
                return MailingName(named[:LONGEST], "tag")
    names = [addressee.name for addressee in summary.to[:3]]
    found = template(summary.subject, names, [reference.code for reference in summary.references])
    author = summary.senders[0].address.casefold() if summary.senders else ""
    return MailingName(found, "subject", author) if found else None


def template(subject: str, names: Iterable[str] = (), codes: Iterable[str] = ()) -> str:
    """The subject with a gap for names of recipients, codes, addresses and numbers; '' if no words are left."""
    text = " ".join(subject.split())[: 2 * LONGEST]
    folded = text.casefold()
    # Looked for first: a pattern of its own for each name costs more than all else about the message.
    for code in sorted((code for code in set(codes) if code.casefold() in folded), key=len, reverse=True):
        text = re.sub(re.escape(code), GAP, text, flags=re.IGNORECASE)
    text = _NUMBERED.sub(GAP, _ADDRESS.sub(GAP, text))
    for name in names:
        for word in [name, *name.split()]:
            if word.casefold() in folded and _LETTERS.search(word):
                text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", GAP, text, flags=re.IGNORECASE)
    text = _GAPS.sub(GAP, text)[:LONGEST].strip()
    return text if _LETTERS.search(text) else ""


def is_automatic(summary: Summary) -> bool:
    """Whether the message says that a program sent it of itself."""
    fields = dict(header_fields(summary.header_text))
    submitted = fields.get("auto-submitted", "no").partition(";")[0].strip().casefold()
    precedence = fields.get("precedence", "").strip().casefold()
    return submitted != "no" or precedence in AUTOMATIC_PRECEDENCE or bool(fields.get("feedback-id", "").strip())


def header_fields(text: str) -> Iterable[tuple[str, str]]:
    """(name in small letters, value) of `Name: value` lines, the first of a name last, so that it counts in a dict."""
    for line in reversed(text.split("\n")):
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip().casefold(), value.strip()
