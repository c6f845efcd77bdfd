"""Fields of ours that a sent copy may get: how to unsubscribe, and whom a redirected copy was for. Pure.

RFC 2369, RFC 8058: both fields must be covered by a DKIM signature, which is made afterwards.
"""

from __future__ import annotations

from relay.model.edit import Edit
from relay.rendition.compose import unstructured
from relay.rendition.mime import header_fields
from relay.rendition.untouched import SIGNATURE_FIELDS


def reason_without_unsubscribe(content: bytes) -> str:
    """Why a message gets no List-Unsubscribe that has none; '' if nothing speaks against it."""
    keys = {field.key for field in header_fields(content)}
    return "List-Unsubscribe not added: the message is already signed" if keys & SIGNATURE_FIELDS else ""


def has_unsubscribe(content: bytes) -> bool:
    """Whether the message brings a List-Unsubscribe, or its other half, of its own."""
    return any(field.key in ("list-unsubscribe", "list-unsubscribe-post") for field in header_fields(content))


def unsubscribe_edits(url: str) -> tuple[Edit, ...]:
    """The two fields on top, for one-click at `url`, which is https and ASCII."""
    fields = f"List-Unsubscribe: <{url}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    return (Edit(0, 0, fields.encode("ascii"), "unsubscribe"),)


def original_edits(address: str) -> tuple[Edit, ...]:
    """The field that names the recipient whom a redirected copy was for; beyond ASCII as encoded words.

    Raises ValueError for an address with control characters.
    """
    field = unstructured("X-Mailwitness-Original-Recipient", address, b"\r\n")
    return (Edit(0, 0, field, "redirect"),)
