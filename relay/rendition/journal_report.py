"""The journal report about a message: who sent it, to whom, blind copies too, with the message itself attached.

The form is the envelope journal report of Microsoft Exchange, which other archives read: `X-MS-Journal-Report`, a first
part of lines `Name: value`, and the original as message/rfc822, octet for octet. Where it cannot stand so (bare line
ends, a last line without its end, 8-bit octets that the next server does not take) it is attached in base64.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from email.header import Header

from relay.rendition.export import has_control

FIELD = b"X-MS-Journal-Report"
MARK = b"X-Mailwitness-Journal"
"""The field that says that a report is ours: it is never journaled in its turn."""
_REPORT = re.compile(rb"^(X-MS-Journal-Report|X-Mailwitness-Journal):", re.IGNORECASE | re.MULTILINE)
_HEADER_END = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Journaled:
    """What a report says of a message. `date`: as a Date field has it; `at`: ISO 8601."""

    id: str
    date: str
    at: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    message_id: str
    sha256: str
    size: int
    deleted: str = ""
    """When and why its content was deleted; then nothing is attached."""


def is_report(content: bytes) -> bool:
    """Whether it is a journal report already, ours or another's."""
    end = _HEADER_END.search(content)
    return _REPORT.search(content, 0, end.start() if end else len(content)) is not None


def journal_report(one: Journaled, content: bytes, *, house: str, to: str, takes_8bit: bool) -> bytes:
    """The report as it is sent, CRLF. `house`: the name of this server; the same message gives the same report."""
    boundary = f"=_journal_{one.sha256[:32]}_{one.id}".encode()
    told = base64.b64encode(_told(one).encode("utf-8", "replace"))
    text = b"\r\n".join(told[start : start + 76] for start in range(0, len(told), 76))
    head = [
        f"From: Mailwitness <mailwitness@{house}>".encode(),
        f"To: <{to}>".encode(),
        b"Subject: " + _encoded(one.subject),
        f"Date: {one.date}".encode(),
        f"Message-ID: <{one.id.lower()}.journal@{house}>".encode(),
        FIELD + b":",
        MARK + f": {one.id}".encode(),
        b"Auto-Submitted: auto-generated",
        b"MIME-Version: 1.0",
        b'Content-Type: multipart/mixed; boundary="' + boundary + b'"',
    ]
    first = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + text
    parts = [first] if one.deleted else [first, _attached(content, takes_8bit)]
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    return b"\r\n".join(head) + b"\r\n\r\n" + body + b"--" + boundary + b"--\r\n"


def _attached(content: bytes, takes_8bit: bool) -> bytes:
    pairs = content.count(b"\r\n")
    is_clean = content.count(b"\r") == pairs == content.count(b"\n") and content.endswith(b"\r\n")
    if is_clean and b"\0" not in content and (takes_8bit or content.isascii()):
        encoding = b"7bit" if content.isascii() else b"8bit"
        head = b"Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n"
        return head + b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + content
    head = b'Content-Type: application/octet-stream; name="original.eml"\r\n'
    head += b'Content-Disposition: attachment; filename="original.eml"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    return head + base64.encodebytes(content).replace(b"\n", b"\r\n").removesuffix(b"\r\n")


def _told(one: Journaled) -> str:
    lines = [f"Sender: {one.sender or '<>'}", f"Subject: {one.subject}", f"Message-Id: {one.message_id}"]
    # Which field named a recipient is not what the envelope says, so all are `Recipient`.
    lines += [f"Recipient: {recipient}" for recipient in one.recipients]
    lines += [f"X-Mailwitness-Id: {one.id}", f"X-Received-At: {one.at}", f"X-SHA256: {one.sha256}"]
    lines += [f"X-Size: {one.size}", *([f"X-Deleted: {one.deleted}"] if one.deleted else [])]
    return "".join(f"{_one_line(line)}\r\n" for line in lines)


def _one_line(text: str) -> str:
    return "".join(" " if has_control(character) else character for character in text)


def _encoded(subject: str) -> bytes:
    """RFC 2047 where it is needed, folded."""
    text = _one_line(subject).encode("utf-8", "replace").decode()
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Header(text, charset, maxlinelen=76, header_name="Subject").encode(linesep="\r\n").encode("ascii", "replace")
