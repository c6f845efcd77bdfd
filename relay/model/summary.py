"""What is read out of a content so that it can be listed and found. Derived data: it can be made anew at any time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Addressee:
    """One address in a header field, as shown: decoded, cleaned of control characters. `address` may be ''."""

    name: str
    address: str

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name and self.address else self.name or self.address


@dataclass(frozen=True, slots=True)
class Reference:
    """A business code found in a message, such as INV-12345, and the name of the pattern that found it."""

    name: str
    code: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The fields of a message that grid and search use. Texts are decoded, bounded, and free of NUL."""

    subject: str = ""
    senders: tuple[Addressee, ...] = ()
    """From."""
    to: tuple[Addressee, ...] = ()
    cc: tuple[Addressee, ...] = ()
    reply_to: tuple[Addressee, ...] = ()
    header_message_id: str = ""
    """The Message-ID field's value without angle brackets; not our id."""
    in_reply_to: str = ""
    date: int | None = None
    """The Date field in UTC microseconds."""
    header_text: str = ""
    """All header fields of the message, decoded, `Name: value` a line."""
    body_text: str = ""
    """Visible text of all text parts: text/plain as is, text/html stripped of tags."""
    attachment_text: str = ""
    """Text of attached files, as far as it was asked for and could be read."""
    snippet: str = ""
    """The first 200 characters of the visible text, white space folded."""
    filenames: tuple[str, ...] = ()
    attachment_count: int = 0
    tags: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    references: tuple[Reference, ...] = ()
    defects: tuple[str, ...] = ()
    """Why parts of the message could not be read, in words; a wholly unreadable one has only defects."""
