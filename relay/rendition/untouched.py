"""Why a message must not be tracked at all: a change would break it, or break what it proves. Reasons in words."""

from __future__ import annotations

from collections import Counter

from relay.rendition.entity import Field
from relay.rendition.mime import Part, walk
from relay.rendition.parts import bodies, is_message

SIGNATURE_FIELDS = frozenset(
    {"dkim-signature", "domainkey-signature", "arc-seal", "arc-message-signature", "arc-authentication-results"}
)

_SECURED = {
    "multipart/signed": "it is signed (S/MIME or PGP)",
    "multipart/encrypted": "it is encrypted (PGP)",
    "application/pkcs7-mime": "it is signed or encrypted (S/MIME)",
    "application/x-pkcs7-mime": "it is signed or encrypted (S/MIME)",
    "application/pgp-encrypted": "it is encrypted (PGP)",
    "application/pgp-signature": "it is signed (PGP)",
    "text/calendar": "it is a calendar invitation",
    "application/ics": "it is a calendar invitation",
    "multipart/report": "it is a report on another message",
    "message/partial": "it is a piece of a message",
}
_STRUCTURAL = ("content-type", "content-transfer-encoding", "content-disposition")
_IDENTITY = frozenset({"", "7bit", "8bit", "binary"})


def signatures(root: Part) -> tuple[Field, ...]:
    """The DKIM and ARC fields of the message: any change of the body makes them wrong."""
    return tuple(field for field in root.fields if field.key in SIGNATURE_FIELDS)


def reason_untouched(root: Part, content: bytes) -> str:
    """Why nothing in this message may be changed; '' if it may. Signatures of DKIM are another question."""
    if is_message(root):
        return "it is another message, attached"
    for part in walk(root):
        if part.content_type in _SECURED:
            return _SECURED[part.content_type]
    for part in walk(root):
        if part.defects:
            return f"its MIME structure is defective: {part.defects[0]}"
        if reason := _ambiguity(part):
            return f"its MIME structure is defective: {reason}"
    if any(content.find(b"-----BEGIN PGP ", part.body_start, part.stop) >= 0 for part in bodies(root)):
        return "it is signed or encrypted (PGP)"
    return ""


def _ambiguity(part: Part) -> str:
    """What readers may understand differently in a part that is well-formed otherwise."""
    counted = Counter(field.key for field in part.fields)
    for key in _STRUCTURAL:
        if counted[key] > 1:
            return f"{counted[key]} fields {key}"
    if part.content_type.startswith("multipart/") and part.transfer_encoding not in _IDENTITY:
        return "a multipart with a transfer encoding"
    return ""
