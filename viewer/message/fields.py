"""Header fields explained: what each is for, in a sentence, and what stands in those that have an inner form.

Pure; does not judge: that a result says `pass` is what some host wrote, not what we found. Others have no words.
RFC 5322, RFC 5321 section 4.4, RFC 6376 (DKIM), RFC 8601 (Authentication-Results), RFC 8617 (ARC), RFC 2369, RFC 8058.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from viewer.translation import say

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
    "from": say("The author, as mail programs show it. Nothing checks it but DMARC."),
    "sender": say("Who sent it for the author, where that is somebody else."),
    "to": say("Whom it is written to, as shown. Who really gets it is in the envelope."),
    "cc": say("Who is to know of it, as shown."),
    "bcc": say("Hidden recipients. It should have been taken out before sending: every recipient can read it here."),
    "reply-to": say("Where an answer goes, instead of to the author."),
    "subject": say("The line shown in lists."),
    "date": say("When the author's program says it was written, by that computer's clock."),
    "message-id": say("The name its program gave this message. Two copies with the same one count as one message."),
    "in-reply-to": say("The message that this one answers."),
    "references": say("The messages of the conversation so far, the oldest first."),
    "comments": say("A note for people."),
    "keywords": say("Words the author filed it under."),
    "mime-version": say("It is built by the rules of MIME; 1.0 is the only version."),
    "content-type": say("What kind of content follows, and how its parts are divided."),
    "content-transfer-encoding": say("How the body's octets were made fit for transport."),
    "content-disposition": say("Whether the content is to be shown in place or offered as a file."),
    "content-language": say("The language it is written in."),
    "content-id": say("The name by which the HTML embeds this part."),
    "return-path": say("The envelope's sender, written by the last server: where bounces go."),
    "delivered-to": say("The mailbox it was put into; also stops forwarding in circles."),
    "x-original-to": say("The recipient before any alias was followed."),
    "received": say(
        "A stamp by a server that handed it on: from whom, by whom, how and when. The topmost is the latest."
    ),
    "received-spf": say("Whether a server found the sending address allowed by the domain's SPF record."),
    "authentication-results": say("What a server found when it checked SPF, DKIM and DMARC. Believe only your own."),
    "dkim-signature": say("A signature by a domain over the listed fields and the body: who answers for this message."),
    "domainkey-signature": say("A signature of the kind that came before DKIM; no one checks it any more."),
    "arc-seal": say("A forwarder's signature over the chain of ARC fields before it."),
    "arc-message-signature": say("A forwarder's signature over the message as it passed."),
    "arc-authentication-results": say("What the forwarder found when it checked the message, before any change."),
    "list-id": say("The name of the mailing list or stream it belongs to."),
    "list-unsubscribe": say("Where one gets off the list; mail programs make a button of it."),
    "list-unsubscribe-post": say("One-click: the button may unsubscribe by itself, without a page being opened."),
    "list-subscribe": say("How one gets onto the list."),
    "list-help": say("Where the list explains itself."),
    "list-post": say("Where one writes to the list."),
    "list-owner": say("Who looks after the list."),
    "list-archive": say("Where older messages of the list are kept."),
    "precedence": say("`bulk` or `list`: no automatic answers, please."),
    "auto-submitted": say("Written by a program, not by a person: no automatic answers, please."),
    "x-auto-response-suppress": say("Asks Exchange not to answer automatically."),
    "importance": say("How important the author thinks it is."),
    "priority": say("How urgent the author thinks it is."),
    "x-priority": say("How urgent the author thinks it is, from 1 (high) to 5 (low)."),
    "disposition-notification-to": say("Asks the reader's program for a read receipt, to this address."),
    "return-receipt-to": say("Asks for a receipt; an old field that hardly anyone heeds."),
    "feedback-id": say("How the sender groups its mail in Gmail's complaint figures."),
    "user-agent": say("The program it was written with."),
    "x-mailer": say("The program it was written with."),
    "organization": say("The author's organisation."),
    "thread-topic": say("Outlook's name for the conversation."),
    "thread-index": say("Outlook's place of the message in the conversation."),
    "autocrypt": say("The author's public key, for mail programs that encrypt by themselves."),
    "tls-required": say("Whether it may be sent on without encryption (RFC 8689)."),
    "require-recipient-valid-since": say("To be delivered only if the mailbox had this owner already then (RFC 7293)."),
    "x-spam-status": say("What a spam filter on the way thought of it."),
    "x-spam-score": say("The points a spam filter on the way gave it."),
    "x-originating-ip": say("The address the author's program wrote from."),
}
_FAMILIES = (
    ("resent-", say("Written by someone who sent the finished message on to somebody else.")),
    ("list-", say("A field about a mailing list.")),
    ("arc-", say("A field of the chain by which forwarders vouch for what they saw.")),
    ("content-", say("A field about the content and its form.")),
    ("x-mailwitness-", say("For Mailwitness alone; taken out before sending.")),
    ("x-ms-exchange-", say("A note by Microsoft Exchange to itself.")),
    ("x-google-", say("A note by Google's servers to themselves.")),
    ("x-ses-", say("For or by Amazon SES.")),
    ("x-mailgun-", say("For or by Mailgun.")),
    ("x-pm-", say("For or by Postmark.")),
    ("x-sg-", say("For or by SendGrid.")),
    ("x-", say("No standard's field: its maker alone knows what it means.")),
)

_SIGNATURE_TAGS: Mapping[str, str] = {
    "v": "version",
    "a": "algorithm",
    "d": say("the domain that signs"),
    "s": say("selector: which of its keys"),
    "i": say("on whose behalf"),
    "c": say("how much white space may change on the way (header/body)"),
    "q": say("where the key is looked up"),
    "t": say("when it was signed"),
    "x": say("until when it counts"),
    "h": say("the fields that are signed"),
    "l": say("octets of the body that are signed; what follows is not"),
    "bh": say("hash of the body"),
    "b": say("the signature itself"),
    "z": say("copies of fields as they were"),
    "cv": say("the chain so far: none, pass or fail"),
}
_RESULTS: Mapping[str, str] = {
    "pass": say("passed"),
    "fail": say("failed"),
    "softfail": say("probably not allowed"),
    "neutral": say("says nothing"),
    "none": say("nothing to check"),
    "temperror": say("could not be checked just then"),
    "permerror": say("could not be checked: the record is wrong"),
    "policy": say("refused by the checker's own rule"),
    "bestguesspass": say("no record; would probably pass"),
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
            found.append(Item("i", piece.partition("=")[2].strip()[:MAX_ITEM], say("place in the chain")))
        elif result is not None:
            word = _RESULTS.get(result[2].lower(), "")
            found.append(Item(result[1].lower(), f"{result[2]}{result[3].rstrip()}"[:MAX_ITEM], word))
        elif piece.strip():
            found.append(Item("", piece.strip()[:MAX_ITEM], say("who checked") if len(found) < 2 else ""))
    return tuple(found)


def _way(address: str) -> str:
    if address.lower().startswith("mailto:"):
        return say("by mail")
    return say("by a page") if address.lower().startswith(("http:", "https:")) else ""
