"""Header fields explained: what each is for, in a sentence, and what stands in those that have an inner form.

Pure; does not judge: that a result says `pass` is what some host wrote, not what we found. Others have no words.
RFC 5322, RFC 5321 section 4.4, RFC 6376 (DKIM), RFC 8601 (Authentication-Results), RFC 8617 (ARC), RFC 2369, RFC 8058.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_ITEMS = 40
"""Items named of one field."""
MAX_ITEM = 300


@dataclass(frozen=True, slots=True)
class Item:
    """A piece of a field's value: its name, its value, and what it says ('' if there is nothing to add)."""

    name: str
    value: str
    meaning: str = ""


_MEANINGS: Mapping[str, str] = {
    "from": "The author, as mail programs show it. Nothing checks it but DMARC.",
    "sender": "Who sent it for the author, where that is somebody else.",
    "to": "Whom it is written to, as shown. Who really gets it is in the envelope.",
    "cc": "Who is to know of it, as shown.",
    "bcc": "Hidden recipients. It should have been taken out before sending: every recipient can read it here.",
    "reply-to": "Where an answer goes, instead of to the author.",
    "subject": "The line shown in lists.",
    "date": "When the author's program says it was written, by that computer's clock.",
    "message-id": "The name its program gave this message. Two copies with the same one count as one message.",
    "in-reply-to": "The message that this one answers.",
    "references": "The messages of the conversation so far, the oldest first.",
    "comments": "A note for people.",
    "keywords": "Words the author filed it under.",
    "mime-version": "It is built by the rules of MIME; 1.0 is the only version.",
    "content-type": "What kind of content follows, and how its parts are divided.",
    "content-transfer-encoding": "How the body's octets were made fit for transport.",
    "content-disposition": "Whether the content is to be shown in place or offered as a file.",
    "content-language": "The language it is written in.",
    "content-id": "The name by which the HTML embeds this part.",
    "return-path": "The envelope's sender, written by the last server: where bounces go.",
    "delivered-to": "The mailbox it was put into; also stops forwarding in circles.",
    "x-original-to": "The recipient before any alias was followed.",
    "received": "A stamp by a server that handed it on: from whom, by whom, how and when. The topmost is the latest.",
    "received-spf": "Whether a server found the sending address allowed by the domain's SPF record.",
    "authentication-results": "What a server found when it checked SPF, DKIM and DMARC. Believe only your own.",
    "dkim-signature": "A signature by a domain over the listed fields and the body: who answers for this message.",
    "domainkey-signature": "A signature of the kind that came before DKIM; no one checks it any more.",
    "arc-seal": "A forwarder's signature over the chain of ARC fields before it.",
    "arc-message-signature": "A forwarder's signature over the message as it passed.",
    "arc-authentication-results": "What the forwarder found when it checked the message, before any change.",
    "list-id": "The name of the mailing list or stream it belongs to.",
    "list-unsubscribe": "Where one gets off the list; mail programs make a button of it.",
    "list-unsubscribe-post": "One-click: the button may unsubscribe by itself, without a page being opened.",
    "list-subscribe": "How one gets onto the list.",
    "list-help": "Where the list explains itself.",
    "list-post": "Where one writes to the list.",
    "list-owner": "Who looks after the list.",
    "list-archive": "Where older messages of the list are kept.",
    "precedence": "`bulk` or `list`: no automatic answers, please.",
    "auto-submitted": "Written by a program, not by a person: no automatic answers, please.",
    "x-auto-response-suppress": "Asks Exchange not to answer automatically.",
    "importance": "How important the author thinks it is.",
    "priority": "How urgent the author thinks it is.",
    "x-priority": "How urgent the author thinks it is, from 1 (high) to 5 (low).",
    "disposition-notification-to": "Asks the reader's program for a read receipt, to this address.",
    "return-receipt-to": "Asks for a receipt; an old field that hardly anyone heeds.",
    "feedback-id": "How the sender groups its mail in Gmail's complaint figures.",
    "user-agent": "The program it was written with.",
    "x-mailer": "The program it was written with.",
    "organization": "The author's organisation.",
    "thread-topic": "Outlook's name for the conversation.",
    "thread-index": "Outlook's place of the message in the conversation.",
    "autocrypt": "The author's public key, for mail programs that encrypt by themselves.",
    "tls-required": "Whether it may be sent on without encryption (RFC 8689).",
    "require-recipient-valid-since": "To be delivered only if the mailbox had this owner already then (RFC 7293).",
    "x-spam-status": "What a spam filter on the way thought of it.",
    "x-spam-score": "The points a spam filter on the way gave it.",
    "x-originating-ip": "The address the author's program wrote from.",
}
_FAMILIES = (
    ("resent-", "Written by someone who sent the finished message on to somebody else."),
    ("list-", "A field about a mailing list."),
    ("arc-", "A field of the chain by which forwarders vouch for what they saw."),
    ("content-", "A field about the content and its form."),
    ("x-mailwitness-", "For Mailwitness alone; taken out before sending."),
    ("x-ms-exchange-", "A note by Microsoft Exchange to itself."),
    ("x-google-", "A note by Google's servers to themselves."),
    ("x-ses-", "For or by Amazon SES."),
    ("x-mailgun-", "For or by Mailgun."),
    ("x-pm-", "For or by Postmark."),
    ("x-sg-", "For or by SendGrid."),
    ("x-", "No standard's field: its maker alone knows what it means."),
)

_SIGNATURE_TAGS: Mapping[str, str] = {
    "v": "version",
    "a": "algorithm",
    "d": "the domain that signs",
    "s": "selector: which of its keys",
    "i": "on whose behalf",
    "c": "how much white space may change on the way (header/body)",
    "q": "where the key is looked up",
    "t": "when it was signed",
    "x": "until when it counts",
    "h": "the fields that are signed",
    "l": "octets of the body that are signed; what follows is not",
    "bh": "hash of the body",
    "b": "the signature itself",
    "z": "copies of fields as they were",
    "cv": "the chain so far: none, pass or fail",
}
_RESULTS: Mapping[str, str] = {
    "pass": "passed",
    "fail": "failed",
    "softfail": "probably not allowed",
    "neutral": "says nothing",
    "none": "nothing to check",
    "temperror": "could not be checked just then",
    "permerror": "could not be checked: the record is wrong",
    "policy": "refused by the checker's own rule",
    "bestguesspass": "no record; would probably pass",
}
_RESULT = re.compile(r"\s*([A-Za-z][\w-]{0,40})\s*=\s*([A-Za-z]{1,40})(.*)", re.DOTALL)


def meaning(name: str) -> str:
    """What a field of that name is for, in a sentence or two; '' if we do not know.

    >>> meaning("X-Priority")
    'How urgent the author thinks it is, from 1 (high) to 5 (low).'
    """
    key = name.lower()
    found = _MEANINGS.get(key)
    return found if found is not None else next((text for start, text in _FAMILIES if key.startswith(start)), "")


def items(name: str, value: str) -> tuple[Item, ...]:
    """What stands in a signature, in a list of results or of addresses to unsubscribe; empty for all others."""
    key = name.lower()
    if key in ("dkim-signature", "arc-message-signature", "arc-seal", "x-google-dkim-signature"):
        return _tags(value)
    if key in ("authentication-results", "arc-authentication-results"):
        return _results(value)
    if key.startswith("list-") and "<" in value:
        return tuple(Item("", found[:MAX_ITEM], _way(found)) for found in re.findall(r"<([^<>]+)>", value)[:MAX_ITEMS])
    return ()


def _tags(value: str) -> tuple[Item, ...]:
    """RFC 6376 section 3.2: `tag=value; tag=value`."""
    found = []
    for tag in value.split(";")[:MAX_ITEMS]:
        name, equals, text = tag.partition("=")
        if equals:
            name = name.strip().lower()
            found.append(Item(name[:20], re.sub(r"\s+", " ", text).strip()[:MAX_ITEM], _SIGNATURE_TAGS.get(name, "")))
    return tuple(found)


def _results(value: str) -> tuple[Item, ...]:
    """RFC 8601 section 2.2: the checker, then `method=result reason` each. An ARC instance comes before."""
    found: list[Item] = []
    for piece in value.split(";")[:MAX_ITEMS]:
        result = _RESULT.match(piece)
        if piece.strip().startswith("i="):
            found.append(Item("i", piece.partition("=")[2].strip()[:MAX_ITEM], "place in the chain"))
        elif result is not None:
            word = _RESULTS.get(result[2].lower(), "")
            found.append(Item(result[1].lower(), f"{result[2]}{result[3].rstrip()}"[:MAX_ITEM], word))
        elif piece.strip():
            found.append(Item("", piece.strip()[:MAX_ITEM], "who checked" if len(found) < 2 else ""))
    return tuple(found)


def _way(address: str) -> str:
    if address.lower().startswith("mailto:"):
        return "by mail"
    return "by a page" if address.lower().startswith(("http:", "https:")) else ""
