"""The DKIM-Signature fields of a sent copy, made last, over the exact octets that go out. RFC 6376, RFC 8463.

Built here, not by dkimpy: its pure Python RSA takes 6 ms, it splits and joins all lines of a message (370 ms for
5 MB), hashes a bare LF as CRLF, and reads PEM text anew for every message. What is hashed is the same: tests compare
canonical header and body with dkimpy's octet for octet, and have every signature verified by dkimpy and by mailauth.

What verifiers read differently is not signed but refused (`SigningFailed`): it would verify here and fail there.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from dataclasses import field as field_of

from relay.model.signature import Signature
from relay.rendition.canonical import Canonical, body, field
from relay.rendition.keyring import Keyring, SigningKey, author_domains

LINE = 78
"""Columns of a folded line (RFC 5322 section 2.1.1), where no single name is longer."""

SEALED = (
    *("from", "to", "cc", "subject", "reply-to"),
    *("mime-version", "content-type", "content-transfer-encoding"),
)
"""Signed once more than they are there: none can be added on the way. RFC 6376 section 8.15."""
SEALED_IF_PRESENT = (
    *("date", "message-id", "sender", "in-reply-to", "references"),
    *("list-unsubscribe", "list-unsubscribe-post", "feedback-id"),
)
"""The same, but only where there is one: a provider may add the first three (RFC 6409 section 8), and the last
three are its business where the message has none."""
COVERED = (
    *("list-id", "list-help", "list-subscribe", "list-post", "list-owner", "list-archive"),
    *("resent-from", "resent-sender", "resent-to", "resent-cc", "resent-date", "resent-message-id"),
    *("content-id", "content-description", "content-disposition", "content-language", "auto-submitted"),
)
"""Signed as often as they are there. All other fields may change on the way: trace, and what is for the provider."""

_FIELD = re.compile(rb"([!-9;-~]+):((?:[^\r\n]++|\r\n[ \t])*+)\r\n")
_LOOSE_COLON = re.compile(rb"[!-9;-~]+[ \t]+:")
_CONTROL = re.compile(rb"[\0\x0b\x0c]")


class SigningFailed(Exception):
    """The copy cannot be signed so that everybody can verify it. The text says why; nothing may be sent."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to sign. `left_out`: lower-case names of fields that the provider replaces, so that nobody may sign them."""

    header: Canonical = Canonical.RELAXED
    body: Canonical = Canonical.RELAXED
    left_out: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Signer:
    """All that signing is set to; without keys nothing is signed."""

    keyring: Keyring = field_of(default_factory=Keyring)
    manner: Manner = Manner()

    def sign(self, wire: bytes, *, at: int) -> tuple[bytes, tuple[Signature, ...]]:
        """The fields to stand before `wire`, and the facts about them; neither where its author's domain has no key.

        Raises SigningFailed, also where no one can say whose the message is: a domain that signs all its mail must not
        be seen in some that is not.
        """
        if not self.keyring:
            return b"", ()
        authors = author_domains(wire)
        if not authors:
            raise SigningFailed("there is no From field with an address, by which a key is chosen")
        for author in authors:
            keys = self.keyring.for_domain(author)
            if keys:
                fields = sign(wire, keys, at=at, manner=self.manner)
                return fields, tuple(key.facts(author) for key in keys)
        return b"", ()


def sign(wire: bytes, keys: Sequence[SigningKey], *, at: int, manner: Manner = Manner()) -> bytes:
    """The complete DKIM-Signature fields for `wire`, one for each key in their order; to stand before it.

    `wire`: what goes out after 354, line ends CRLF throughout. `at`: seconds since 1970, the t= of all.
    Raises SigningFailed.
    """
    fields, body_start = read_header(wire)
    names = signed_names(fields, manner.left_out)
    covered = b"".join(_selected(fields, names, manner.header))
    digest = hashlib.sha256()
    for piece in body(wire, body_start, manner.body):
        digest.update(piece)
    body_hash = base64.b64encode(digest.digest()).decode("ascii")
    header = hashlib.sha256(covered)
    return b"".join(_signature(key, header.copy(), names, body_hash, at, manner) for key in keys)


Field = tuple[bytes, bytes]
"""Name as written, and what stands between the colon and the CRLF."""


def read_header(wire: bytes) -> tuple[list[Field], int]:
    """The header fields, and where the body begins. Raises SigningFailed for what verifiers read differently.

    That is: a line that is no field (also a byte order mark, mbox `From `, no blank line before the body), white space
    before a colon, NUL, vertical tab or form feed (white space to some), and no or several From fields.
    """
    blank = 0 if wire.startswith(b"\r\n") else wire.find(b"\r\n\r\n") + 2
    stop = blank if blank != 1 else len(wire)
    fields: list[Field] = []
    position = 0
    while position < stop:
        match = _FIELD.match(wire, position, stop)
        if match is None:
            raise SigningFailed(_explained(wire, position, len(fields)))
        if _CONTROL.search(match[2]):
            raise SigningFailed(f"there is a control character in header field {len(fields) + 1}")
        fields.append((match[1], match[2]))
        position = match.end()
    authors = sum(name.lower() == b"from" for name, _ in fields)
    if authors != 1:
        raise SigningFailed("there is no From field" if not authors else f"there are {authors} From fields")
    return fields, min(stop + 2, len(wire))


def _explained(wire: bytes, position: int, before: int) -> str:
    """Why the header cannot be read at `position`, after so many fields; shows no octet of the message."""
    if _LOOSE_COLON.match(wire, position):
        return f"header field {before + 1} has white space before its colon"
    if wire.startswith(b"\xef\xbb\xbf", position):
        return "the header begins with a byte order mark"
    return f"after {before} header fields there is a line that is no field"


def signed_names(fields: Iterable[Field], left_out: frozenset[str] = frozenset()) -> list[str]:
    """The names for h=, in lower case; a name stands there once for each field that is signed, see SEALED."""
    count: dict[str, int] = {}
    for raw, _ in fields:
        key = raw.lower().decode("ascii")
        count[key] = count.get(key, 0) + 1
    names: list[str] = []
    for name in (*SEALED, *SEALED_IF_PRESENT, *COVERED):
        present = count.get(name, 0)
        more = name in SEALED or (present > 0 and name in SEALED_IF_PRESENT)
        if name not in left_out:
            names += [name] * (present + more)
    return names


def _selected(fields: Sequence[Field], names: Iterable[str], kind: Canonical) -> Iterable[bytes]:
    """The canonical fields that `names` stand for: of equal ones the last first (RFC 6376 section 5.4.2)."""
    waiting: dict[str, list[Field]] = {}
    for raw, value in fields:
        waiting.setdefault(raw.lower().decode("ascii"), []).append((raw, value))
    for name in names:
        if waiting.get(name):
            yield field(*waiting[name].pop(), kind)


def _signature(
    key: SigningKey, header: hashlib._Hash, names: Sequence[str], body_hash: str, at: int, manner: Manner
) -> bytes:
    """One field. What is signed ends with the field itself, its b= empty and without the last CRLF (section 3.7)."""
    listed = (":".join(names) + ";").replace(":", ": ").split(" ")
    words = [f" a={key.algorithm};", f" c={manner.header}/{manner.body};", f" d={key.domain};", f" s={key.selector};"]
    words += [f" t={at};", f" h={listed[0]}", *listed[1:], f" bh={body_hash};"]
    unsigned = _folded([" v=1;", *words]) + b"\r\n b="
    name, _, value = unsigned.partition(b":")
    header.update(field(name, value, manner.header)[:-2])
    signature = base64.b64encode(key.sign(header.digest())).decode("ascii")
    return unsigned + _wrapped(signature, LINE - len(" b=")).encode("ascii") + b"\r\n"


def _folded(words: Iterable[str]) -> bytes:
    """The words one after the other, on lines of at most LINE columns.

    DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;
     s=s2026; t=1795000000; h=from:from:to:to:…:
     subject:subject; bh=…;
    """
    lines, line = [], "DKIM-Signature:"
    for word in words:
        if len(line) + len(word) > LINE:
            lines.append(line)
            line = " " + word.lstrip()
        else:
            line += word
    return "\r\n".join([*lines, line]).encode("ascii")


def _wrapped(signature: str, width: int) -> str:
    return "\r\n ".join(signature[n : n + width] for n in range(0, len(signature), width))
