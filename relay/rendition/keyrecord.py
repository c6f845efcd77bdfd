"""The DNS record of a signing key: as it is published, and what is wrong with one that was found. RFC 6376 section 3.6.

Looks nothing up (`relay.resolver` does).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence

from relay.model.signature import Algorithm
from relay.rendition.keyring import SigningKey

STRING_LIMIT = 255
"""Octets of one string in a TXT record (RFC 1035 section 3.3.14); verifiers join them with nothing between."""

KINDS = {Algorithm.RSA: "rsa", Algorithm.ED25519: "ed25519"}
"""The k= of a record."""

_TAG_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SPKI_ED25519 = bytes.fromhex("302a300506032b6570032100")
"""What other formats put before the 32 octets of an Ed25519 key."""


def record_strings(key: SigningKey) -> tuple[str, ...]:
    """The strings of the TXT record that publishes `key`, each at most STRING_LIMIT octets."""
    text = f"v=DKIM1; k={KINDS[key.algorithm]}; p={key.public_key}"
    return tuple(text[n : n + STRING_LIMIT] for n in range(0, len(text), STRING_LIMIT))


def zone_line(key: SigningKey) -> str:
    """The record as a zone file has it: `s2026._domainkey.example.com. IN TXT ( "v=DKIM1; …" "…" )`."""
    strings = " ".join(f'"{string}"' for string in record_strings(key))
    return f"{key.record_name}. IN TXT ( {strings} )"


def problems(key: SigningKey, records: Sequence[Sequence[bytes]]) -> tuple[str, ...]:
    """Everything that is wrong with the TXT records found for `key`, each a list of strings; none if it verifies."""
    if not records:
        return ("there is no TXT record",)
    texts = [b"".join(strings).decode("utf-8", "replace") for strings in records]
    if len(texts) == 1:
        return tuple(_of_text(key, texts[0]))
    if sum("p=" in text for text in texts) == 1 and not all("=" in text for text in texts):
        return (f"the key is split over {len(texts)} records, expected one record of several strings",)
    return (f"there are {len(texts)} TXT records, expected one: which is used is left to chance",)


def warnings(records: Sequence[Sequence[bytes]]) -> tuple[str, ...]:
    """What a record that verifies still says against itself."""
    tags = _tags(b"".join(records[0]).decode("utf-8", "replace")) if len(records) == 1 else None
    flags = _list((tags or {}).get("t", ""))
    return ("t=y says that the domain only tests DKIM: many ignore the signature",) if "y" in flags else ()


def _of_text(key: SigningKey, text: str) -> Iterator[str]:
    if '"' in text or "\\" in text:
        yield "the record holds quotes or backslashes itself, expected the strings without them"
        return
    tags = _tags(text)
    if tags is None:
        yield "the record cannot be read, expected `v=DKIM1; k=…; p=…`"
        return
    if tags.get("v", "DKIM1") != "DKIM1" or ("v" in tags and next(iter(tags)) != "v"):
        yield f"v={tags['v'][:20]}, expected v=DKIM1 as the first tag"
    kind = KINDS[key.algorithm]
    if tags.get("k", "rsa").lower() != kind:
        yield f"k={tags.get('k', 'rsa (the default)')[:20]}, expected k={kind}: the file holds such a key"
    if "h" in tags and "sha256" not in _list(tags["h"]):
        yield f"h={tags['h'][:40]} forbids SHA-256, expected no h= or h=sha256"
    if "s" in tags and not {"*", "email"} & set(_list(tags["s"])):
        yield f"s={tags['s'][:40]} forbids mail, expected no s= or s=email"
    yield from _of_key(key, tags)


def _of_key(key: SigningKey, tags: Mapping[str, str]) -> Iterator[str]:
    if "p" not in tags:
        yield "p= is missing, expected the public key"
        return
    published = re.sub(r"\s", "", tags["p"])
    if published == key.public_key:
        return
    if not published:
        yield "p= is empty: the key is revoked, every signature by it fails"
    elif key.public_key.startswith(published):
        yield f"p= is cut off after {len(published)} of {len(key.public_key)} characters"
    elif _octets(published) is None:
        yield "p= is not base64"
    elif key.algorithm is Algorithm.ED25519 and _octets(published) == _SPKI_ED25519 + base64.b64decode(key.public_key):
        yield "p= is the key in another format, expected its 32 octets alone (RFC 8463 section 4)"
    else:
        yield "p= is another key than the file's"


def _octets(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None


def _tags(text: str) -> dict[str, str] | None:
    """The tags of the record in their order; None if it is no list of tags (RFC 6376 section 3.2)."""
    found: dict[str, str] = {}
    for item in text.split(";"):
        name, equals, value = item.partition("=")
        if not item.strip():
            continue
        if not equals or _TAG_NAME.fullmatch(name.strip()) is None or name.strip() in found:
            return None
        found[name.strip()] = value.strip()
    return found


def _list(value: str) -> list[str]:
    return [item.strip().lower() for item in value.split(":")]
