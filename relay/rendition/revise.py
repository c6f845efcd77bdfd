"""Edited resend: a copy of a message with another subject, other To and Cc, another text; all else octet for octet.

Only the named fields and the one leaf are written anew; attachments and every other part keep their octets. What a
change makes untrue goes: DKIM and ARC signatures, Content-MD5 of a replaced leaf. Nothing else is added, but for the
MIME-Version that a new body needs: whose child the copy is, the archive knows. The envelope is the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass

from relay.model.edit import Edit
from relay.rendition.compose import address_list, message_id, quoted_printable, unstructured
from relay.rendition.edit import merge, splice
from relay.rendition.mime import Part, parse
from relay.rendition.parts import html_leaf, text_leaf
from relay.rendition.trace import date_time

_SIGNATURES = ("dkim-signature", "domainkey-signature", "x-google-dkim-signature")
_ARC = ("arc-seal", "arc-message-signature", "arc-authentication-results")
_SEALED = frozenset({"multipart/signed", "multipart/encrypted"})
_SMIME = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_STEP = "revise"


@dataclass(frozen=True, slots=True)
class Revision:
    """What to change; None leaves it. `to` and `cc` as a person types them, '' removes the field."""

    subject: str | None = None
    to: str | None = None
    cc: str | None = None
    text: str | None = None
    """The plain text body."""
    html: str | None = None
    """The HTML body."""
    message_id: str | None = None
    """A new Message-ID, `left@right`: mail systems drop a second message with the same one."""
    date: int | None = None
    """A new Date, UTC microseconds."""


def revise(content: bytes, revision: Revision) -> bytes:
    """The content of the edited copy; `content` itself for an empty revision.

    Raises ValueError, in words to be shown, for line breaks in a field, for what is no address, and for a body that
    cannot be replaced: there is none of that kind, or it is signed or encrypted.
    """
    if revision == Revision():
        return content
    root = parse(content)
    eol = b"\r\n" if b"\r\n" in content[:10_000] or b"\n" not in content else b"\n"
    bodies = []
    for kind, leaf, new in (("text", text_leaf(root), revision.text), ("HTML", html_leaf(root), revision.html)):
        if new is not None:
            bodies.append((_replaceable(kind, leaf, root, content), new))
    changes = _header_changes(revision, eol) | dict.fromkeys((*_SIGNATURES, *_ARC))
    if bodies and root.first("mime-version") is None:
        changes["mime-version"] = b"MIME-Version: 1.0" + eol
    steps = []
    for part in [root, *(leaf for leaf, _ in bodies if leaf is not root)]:
        new = next((new for leaf, new in bodies if leaf is part), None)
        fields = dict(changes) if part is root else {}
        if new is not None:
            fields |= _leaf_changes(part, eol)
        steps.append(_field_edits(content, part, fields, eol, keeps_body=new is None))
        if new is not None:
            steps.append([_body_edit(content, part, new, eol)])
    return splice(content, merge(*steps))


def _header_changes(revision: Revision, eol: bytes) -> dict[str, bytes | None]:
    """Field name in lower case -> the whole new field, or None to remove it."""
    changes: dict[str, bytes | None] = {}
    if revision.subject is not None:
        changes["subject"] = unstructured("Subject", revision.subject, eol)
    for name, typed in (("To", revision.to), ("Cc", revision.cc)):
        if typed is not None:
            changes[name.lower()] = address_list(name, typed, eol) if typed.strip() else None
    if revision.message_id is not None:
        changes["message-id"] = message_id(revision.message_id, eol)
    if revision.date is not None:
        changes["date"] = b"Date: " + date_time(revision.date).encode("ascii") + eol
    return changes


def _leaf_changes(part: Part, eol: bytes) -> dict[str, bytes | None]:
    return {
        "content-type": f"Content-Type: {part.content_type}; charset=utf-8".encode("ascii") + eol,
        "content-transfer-encoding": b"Content-Transfer-Encoding: quoted-printable" + eol,
        "content-md5": None,
        "content-length": None,
    }


def _replaceable(kind: str, leaf: Part | None, root: Part, content: bytes) -> Part:
    """`leaf`, if replacing it makes sense. Raises ValueError."""
    sealed = [part for part in _above(root, leaf) if part.content_type in _SEALED] if leaf else []
    if sealed or root.content_type in _SMIME:
        raise ValueError(f"the {kind} body cannot be changed: it is signed or encrypted")
    if leaf is None or leaf.content_type.startswith("multipart/"):
        raise ValueError(f"the message has no {kind} body that could be changed")
    if b"-----BEGIN PGP " in leaf.body(content):
        raise ValueError(f"the {kind} body cannot be changed: it is signed or encrypted with PGP")
    return leaf


def _above(root: Part, leaf: Part) -> list[Part]:
    """The parts around `leaf`, from the root on: numbers are depth first, so the last child not after it holds it."""
    found, part = [], root
    while part is not leaf:
        found.append(part)
        part = max((child for child in part.children if child.number <= leaf.number), key=lambda child: child.number)
    return found


def _field_edits(
    content: bytes, part: Part, changes: dict[str, bytes | None], eol: bytes, *, keeps_body: bool
) -> list[Edit]:
    """The first field of each name becomes the new one, repeats go, missing ones are put at the section's end."""
    edits = []
    missing = dict(changes)
    for field in part.fields:
        if field.key in changes:
            edits.append(Edit(field.start, field.stop, missing.pop(field.key, None) or b"", _STEP))
    added = b"".join(new for new in missing.values() if new is not None)
    if added:
        is_last_new = bool(part.fields) and part.fields[-1].key in changes
        if part.header_stop > part.start and content[part.header_stop - 1] not in b"\r\n" and not is_last_new:
            added = eol + added
        if keeps_body and part.body_start == part.header_stop:
            added += eol  # there was no blank line: without one, what follows would be read as fields
        edits.append(Edit(part.header_stop, part.header_stop, added, _STEP))
    return edits


def _body_edit(content: bytes, part: Part, text: str, eol: bytes) -> Edit:
    body = quoted_printable(text, eol)
    if part.header_stop == part.body_start:
        body = eol + body
    if not body.endswith(eol) and content[part.stop : part.stop + 1] not in (b"\r", b"\n"):
        body += eol  # a delimiter needs its line; the message as a whole ends with one
    return Edit(part.body_start, part.stop, body, _STEP)
