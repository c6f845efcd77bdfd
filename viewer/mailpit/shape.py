"""How things look in Mailpit's API. Pure. The names are Mailpit's; times are RFC 3339."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from relay.archive.api import Listing, StoredMessage
from relay.model.summary import Addressee, Summary
from relay.rendition.decode import decode_body
from relay.rendition.mime import Part
from relay.rendition.parts import Attachment, attachments, cid_map, part_at
from viewer.api import shape
from viewer.message.preview import RASTER_TYPES
from viewer.pages.reading import Reading, html_of, text_of

Json = dict[str, Any]
_CID = re.compile(r"(?<=[\"'(])cid:([^\"')\s]{1,500})", re.IGNORECASE)


def _time(microseconds: int) -> str:
    """With milliseconds: some clients take no more digits."""
    return f"{shape.time(microseconds)[:-4]}Z"


def address(one: Addressee) -> Json:
    return {"Name": one.name, "Address": one.address}


def _addresses(several: Iterable[Addressee]) -> list[Json]:
    return [address(one) for one in several]


def row(listing: Listing, stored: StoredMessage, is_read: bool) -> Json:
    """One line of a list."""
    return {
        "ID": listing.id,
        "Read": is_read,
        "Created": _time(listing.received_at),
        "Snippet": listing.snippet,
        "Attachments": listing.attachment_count,
        **_common(stored),
        "Tags": list(listing.tags),
    }


def _common(stored: StoredMessage) -> Json:
    summary = stored.summary or Summary()
    return {
        "MessageID": summary.header_message_id,
        "From": address(summary.senders[0]) if summary.senders else None,
        "To": _addresses(summary.to),
        "Cc": _addresses(summary.cc),
        "Bcc": _addresses(_bcc(stored, summary)),
        "ReplyTo": _addresses(summary.reply_to),
        "Subject": summary.subject,
        "Size": stored.message.size,
        "Username": stored.message.reception.auth_user or "",
    }


def _bcc(stored: StoredMessage, summary: Summary) -> Iterable[Addressee]:
    """Those of the envelope whom neither To nor Cc names."""
    named = {one.address.lower() for one in (*summary.to, *summary.cc)}
    for recipient in stored.message.envelope.recipients:
        if recipient.address.lower() not in named:
            yield Addressee("", recipient.address)


def message(listing: Listing, stored: StoredMessage, reading: Reading) -> Json:
    """One message with its bodies. Takes time linear in its size."""
    summary = stored.summary or Summary()
    text = text_of(reading)
    found = attachments(reading.root, reading.content)
    return {
        "ID": listing.id,
        "Read": True,
        "Date": _time(summary.date or stored.message.received_at),
        **_common(stored),
        "ReturnPath": stored.message.envelope.sender,
        "ListUnsubscribe": {"Header": "", "Links": [], "Errors": "", "HeaderPost": ""},
        "Tags": list(listing.tags),
        "Text": "" if text.is_from_html else text.text,
        "HTML": html_of(reading),
        "Inline": [_attachment(one) for one in found if one.is_inline],
        "Attachments": [_attachment(one) for one in found if not one.is_inline],
    }


def _attachment(one: Attachment) -> Json:
    return {
        "PartID": str(one.number),
        "FileName": one.filename,
        "ContentType": one.content_type,
        "ContentID": one.content_id,
        "Size": one.size,
    }


def headers(reading: Reading) -> dict[str, list[str]]:
    """The header fields by name, as Mailpit spells the names (`Message-Id`), values unfolded and not decoded."""
    found: dict[str, list[str]] = {}
    for field in reading.root.fields:
        name = "-".join(word[:1].upper() + word[1:].lower() for word in field.name.split("-"))
        value = re.sub(rb"\r?\n[ \t]", b" ", field.value(reading.content)).strip()
        found.setdefault(name, []).append(value.decode("utf-8", "replace"))
    return dict(sorted(found.items()))


def html_with_pictures(reading: Reading) -> str:
    """The HTML body as it came, with the pictures that came along in place of their `cid:` addresses."""
    numbers = cid_map(reading.root)

    def picture(found: re.Match[str]) -> str:
        number = numbers.get(unquote(found[1]), numbers.get(found[1]))
        part = part_at(reading.root, number) if number is not None else None
        return found[0] if part is None or part.content_type not in RASTER_TYPES else _data_address(part, reading)

    return _CID.sub(picture, html_of(reading))


def _data_address(part: Part, reading: Reading) -> str:
    data = base64.b64encode(decode_body(part, reading.content)).decode("ascii")
    return f"data:{part.content_type};base64,{data}"


def counts(*, total: int, matching: int, unread: int, start: int, rows: list[Json], tags: list[str]) -> Json:
    """A list with its numbers."""
    return {
        "total": total,
        "unread": unread,
        "count": len(rows),
        "messages_count": matching,
        "messages_unread": sum(not one["Read"] for one in rows),
        "start": start,
        "tags": tags,
        "messages": rows,
    }


WEB_UI: Mapping[str, Any] = {
    "Label": "Mailwitness",
    "MessageRelay": {
        "Enabled": True,
        "SMTPServer": "",
        "ReturnPath": "",
        "AllowedRecipients": "",
        "BlockedRecipients": "",
        "OverrideFrom": "",
    },
    "SpamAssassin": False,
    "ChaosEnabled": False,
    "DuplicatesIgnored": False,
    "HideDeleteAllButton": True,
}
