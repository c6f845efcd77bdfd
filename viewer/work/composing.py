"""A message made from what a program says in JSON, by the standard library's email package; or taken as it comes.

    {"from": "Shop <shop@example.com>", "to": ["ann@example.org"], "subject": "Your order", "text": "…", "html": "…"}

Pure, but for the date and the Message-ID, which are given. Every refusal names the field. Does not send.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError, MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from relay.model.address import AddressError, parse_path
from relay.rendition.addresses import parse_addresses
from relay.rendition.mime import parse
from viewer.errors import FieldError
from viewer.translation import say

MOST_FIELDS = 200
MOST_TAGS = 50
LONGEST_VALUE = 10_000
"""Characters of one header field's value."""
FIELDS = frozenset(
    {"from", "sender", "to", "cc", "bcc", "reply_to", "subject", "text", "html", "headers", "attachments", "tags"}
    | {"metadata", "application", "priority", "send_at"}
)
_NAME = re.compile(r"[!-9;-~]{1,100}")
_CONTENT_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,80}")
_OURS = re.compile(
    r"(?:from|sender|to|cc|bcc|reply-to|subject|date|mime-version|content-.*|received|return-path|dkim-signature"
    r"|x-mailwitness-(?:priority|send-at))$"
)
"""Fields that the other members of the request make, or that only servers write."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A message and its envelope."""

    content: bytes
    sender: str
    recipients: tuple[str, ...]
    tags: tuple[str, ...] = ()
    is_utf8: bool = False
    """An address goes beyond ASCII."""


def compose(said: dict[str, Any], *, message_id: str, now: int) -> Composed:
    """The message that `said` describes. `now`: UTC microseconds. Raises FieldError."""
    author = _mailboxes(said, "from", required=True)
    if len(author) > 1:
        raise FieldError("from", say("must be one address"))
    to, cc, bcc = (_mailboxes(said, name) for name in ("to", "cc", "bcc"))
    recipients = tuple(dict.fromkeys(one.addr_spec for one in (*to, *cc, *bcc)))
    if not recipients:
        raise FieldError("to", say("must name somebody, or cc or bcc must"))
    sender = checked(_text(said, "sender") or author[0].addr_spec, "sender")
    addresses = [sender, author[0].addr_spec, *recipients]
    is_utf8 = not "".join(addresses).isascii()
    message = EmailMessage(policy=SMTP.clone(utf8=is_utf8, max_line_length=78))
    _put(message, "From", author, "from")
    for name, mailboxes in (("To", to), ("Cc", cc), ("Reply-To", _mailboxes(said, "reply_to"))):
        if mailboxes:
            _put(message, name, mailboxes, name.lower().replace("-", "_"))
    _put(message, "Subject", _text(said, "subject"), "subject")
    _put(message, "Date", format_datetime(datetime.fromtimestamp(now // 1_000_000, UTC)), "subject")
    _put_headers(message, said, message_id)
    _put_bodies(message, said)
    _attach(message, said)
    try:
        content = message.as_bytes()
    except (ValueError, LookupError, MessageError, UnicodeError) as error:
        raise FieldError("headers", say("cannot be written: %(error)s", error=error)) from None
    return Composed(content, sender, recipients, tags_of(said.get("tags", []), "tags"), is_utf8)


def taken(content: bytes, *, sender: str, recipients: Sequence[str], tags: tuple[str, ...]) -> Composed:
    """A whole message as it comes. Without `recipients` those of To, Cc and Bcc; the Bcc field is taken out."""
    if b"\r\n" not in content:
        content = content.replace(b"\n", b"\r\n")
    if not content.strip():
        raise FieldError("body", say("must be a message"))
    root = parse(content)
    named: dict[str, list[str]] = {"from": [], "to": [], "cc": [], "bcc": []}
    cuts: list[tuple[int, int]] = []
    for one in root.fields:
        if one.key in named:
            named[one.key] += [found.address for found in parse_addresses(one.value(content)) if found.address]
        if one.key == "bcc":
            cuts.append((one.start, one.stop))
    wanted = list(recipients) or [*named["to"], *named["cc"], *named["bcc"]]
    if not wanted:
        raise FieldError("to", say("must name somebody, or the message must"))
    sender = sender or next(iter(named["from"]), "")
    everyone = tuple(dict.fromkeys(checked(address, "to") for address in wanted))
    sender = checked(sender, "from")
    for start, stop in reversed(cuts):
        content = content[:start] + content[stop:]
    return Composed(content, sender, everyone, tags, not "".join([sender, *everyone]).isascii())


def checked(address: str, name: str) -> str:
    """The address, by intake's own grammar. Raises FieldError."""
    try:
        path, rest = parse_path(f"<{address.strip()}>".encode())
    except (AddressError, UnicodeEncodeError) as error:
        raise FieldError(
            name, say("%(address)s is not an address: %(error)s", address=repr(address[:100]), error=error)
        ) from None
    if rest or path.route or "@" not in path.address:
        raise FieldError(name, say("%(address)s is not an address", address=repr(address[:100])))
    return path.address


def tags_of(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value) or len(value) > MOST_TAGS:
        raise FieldError(name, say("must be a list of %(most_tags)s texts at most", most_tags=MOST_TAGS))
    tags = tuple(dict.fromkeys(tag.strip() for tag in value))
    if not all(0 < len(tag) <= 100 and tag.isprintable() for tag in tags):
        raise FieldError(name, say("each has 1 to 100 printable characters"))
    return tags


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise FieldError(name, say("must be a text"))
    return value


def _mailboxes(said: dict[str, Any], name: str, *, required: bool = False) -> list[Address]:
    """`ann@example.org`, `Ann <ann@example.org>`, `{"name": "Ann", "address": "ann@example.org"}`, or a list."""
    value = said.get(name)
    given = value if isinstance(value, list) else [] if value is None else [value]
    found = [mailbox for one in given for mailbox in _mailbox(one, name)]
    if required and not found:
        raise FieldError(name, say("must be given"))
    return found


def _mailbox(value: object, name: str) -> list[Address]:
    if isinstance(value, dict):
        shown, address = value.get("name") or "", value.get("address")
        if not isinstance(shown, str) or not isinstance(address, str) or set(value) - {"name", "address"}:
            raise FieldError(name, say('must be an address or {"name": …, "address": …}'))
        return [_address(shown, address, name)]
    if not isinstance(value, str):
        raise FieldError(name, say("must be an address or a list of them"))
    found = parse_addresses(value.encode("utf-8", "replace"))
    if value.strip() and not found:
        raise FieldError(name, say("%(value)s is not an address", value=repr(value[:100])))
    return [_address(one.name, one.address, name) for one in found]


def _address(shown: str, address: str, name: str) -> Address:
    local, _, domain = checked(address, name).rpartition("@")
    if "\r" in shown or "\n" in shown:
        raise FieldError(name, say("must be one line"))
    try:
        # A quoted local part is written without its quotes: the package adds them.
        return Address(shown, re.sub(r"\\(.)", r"\1", local[1:-1]) if local.startswith('"') else local, domain)
    except (ValueError, HeaderParseError, IndexError) as error:
        raise FieldError(name, say("cannot be written: %(error)s", error=error)) from None


def _put(message: EmailMessage, header: str, value: object, name: str) -> None:
    if isinstance(value, str) and (len(value) > LONGEST_VALUE or re.search(r"[\r\n\0]", value)):
        raise FieldError(
            name, say("must be one line of %(longest_value)s characters at most", longest_value=LONGEST_VALUE)
        )
    try:
        message[header] = value
    except (ValueError, HeaderParseError, IndexError) as error:
        raise FieldError(name, say("cannot be written: %(error)s", error=error)) from None


def _put_headers(message: EmailMessage, said: dict[str, Any], message_id: str) -> None:
    headers = _texts(said, "headers")
    for header, value in headers.items():
        if not _NAME.fullmatch(header) or _OURS.match(header.lower()):
            raise FieldError("headers", say("%(header)s cannot be given here", header=repr(header[:100])))
        _put(message, header, value, "headers")
    if "Message-ID" not in message:
        _put(message, "Message-ID", f"<{message_id}>", "headers")
    for key, value in _texts(said, "metadata").items():
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", key):
            raise FieldError("metadata", say("each name has 1 to 60 letters, digits, _ and -"))
        _put(message, f"X-Mailwitness-Metadata-{key}", value, "metadata")
    for member, header in (("priority", "X-Mailwitness-Priority"), ("send_at", "X-Mailwitness-Send-At")):
        if text := _text(said, member):
            _put(message, header, text, member)


def _texts(said: dict[str, Any], name: str) -> dict[str, str]:
    value = said.get(name)
    value = {} if value is None else value
    if not isinstance(value, dict) or len(value) > MOST_FIELDS:
        raise FieldError(name, say("must be an object of %(most_fields)s members at most", most_fields=MOST_FIELDS))
    if not all(isinstance(text, str) for text in value.values()):
        raise FieldError(name, say("must have texts as values"))
    return value


def _put_bodies(message: EmailMessage, said: dict[str, Any]) -> None:
    text, html = _text(said, "text"), _text(said, "html")
    try:
        if text or not html:
            message.set_content(text)
            if html:
                message.add_alternative(html, subtype="html")
        else:
            message.set_content(html, subtype="html")
    except UnicodeError:
        raise FieldError("html" if html else "text", say("has characters that no text has")) from None


def _attach(message: EmailMessage, said: dict[str, Any]) -> None:
    files = said.get("attachments")
    files = [] if files is None else files
    if not isinstance(files, list):
        raise FieldError("attachments", say("must be a list"))
    for number, file in enumerate(files):
        name = f"attachments[{number}]"
        if not isinstance(file, dict) or set(file) - {"filename", "content", "content_type", "content_id"}:
            raise FieldError(name, say("must be an object of filename, content, content_type and content_id"))
        _attach_one(message, file, name)


def _attach_one(message: EmailMessage, file: dict[str, Any], name: str) -> None:
    filename, content_id = _text(file, "filename"), _text(file, "content_id")
    content_type = _text(file, "content_type").lower() or "application/octet-stream"
    if not _CONTENT_TYPE.fullmatch(content_type) or content_type.startswith(("multipart/", "message/")):
        raise FieldError(f"{name}.content_type", say("must be a media type such as application/pdf"))
    if len(filename) > 255 or not filename.isprintable():
        raise FieldError(f"{name}.filename", say("must have 255 printable characters at most"))
    if content_id and not re.fullmatch(r"[!-;=?-~]{1,200}", content_id):
        raise FieldError(f"{name}.content_id", say("must be printable ASCII without spaces and angle brackets"))
    try:
        data = base64.b64decode(_text(file, "content"), validate=True)
    except (binascii.Error, ValueError):
        raise FieldError(f"{name}.content", say("must be base64")) from None
    main, _, sub = content_type.partition("/")
    message.add_attachment(
        data,
        maintype=main,
        subtype=sub,
        filename=filename or None,
        cid=f"<{content_id}>" if content_id else None,
        disposition="inline" if content_id else "attachment",
    )
