"""Forgetting a person: under which spellings an address is looked for, and what stands in its place. Pure."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote

LONGEST_ADDRESS = 1000
"""Characters."""


class Standing(StrEnum):
    """Of an erasure."""

    ASKED = "asked"
    """Another person has to approve."""
    APPROVED = "approved"
    """It is being done; after a restart it goes on."""
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Erasure:
    """A person is to be forgotten. Actors are as in an event, times UTC microseconds."""

    id: str
    address: str | None
    """None once it is over: then nothing here says whom it was about."""
    asked_at: int
    asked_by: str
    reason: str
    standing: Standing = Standing.APPROVED
    decided_at: int | None = None
    decided_by: str | None = None
    ended_at: int | None = None
    erased: int = 0
    """Messages from which the person was taken."""
    kept: int = 0
    """Messages that had to stay as they are."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A message that names the person. `places` are of recipient, sender, content, text."""

    message_id: str
    seq: int
    places: tuple[str, ...]
    kept_by: str = ""
    """Why it must stay as it is, in a sentence; '' if nothing stands against it."""
    at: int = 0
    """When the message was taken in, UTC microseconds."""

    @property
    def is_whole(self) -> bool:
        """Whether the content goes: the person is named in it, so no part of it can be told apart."""
        return "content" in self.places


_NOBODY = "@erased.invalid"
ERASED_ADDRESS = f"erased{_NOBODY}"
"""What stands in the place of every address of a message whose facts are erased: the same of all, so nothing tells
which belonged together."""


def placeholder(erasure_id: str) -> str:
    """What stands in the place of the address.

    >>> placeholder("01J00000000000000000000001")
    'erased-01j00000000000000000000001@erased.invalid'
    """
    return f"erased-{erasure_id.lower()}{_NOBODY}"


def is_placeholder(address: str) -> bool:
    """Whether it stands in the place of an address that was erased."""
    return address.endswith(_NOBODY)


def address_fault(address: str) -> str:
    """What keeps it from being looked for; '' if nothing does."""
    local, at, domain = address.rpartition("@")
    is_text = address.isprintable() and not any(character.isspace() for character in address)
    if not (local and at and domain and is_text) or len(address) > LONGEST_ADDRESS:
        return f"{address!r} is not an address"
    return ""


def needle(address: str) -> str:
    """The longest run of ASCII letters and digits in the local part, lower case: in every spelling of the address.

    '' if there is none: then all texts have to be looked through.
    """
    return max(re.findall(r"[a-z0-9]+", address.rpartition("@")[0].lower()), key=len, default="")


def pattern(address: str) -> re.Pattern[str]:
    """Finds the address in a text as it is, as in a URL or a quoted-printable line, and inside a return path (VERP).

    Not as a part of a longer one: of `ann@example.com` nothing is in `joann@example.com` or `ann@example.com.au`.
    """
    return re.compile(_source(address), re.IGNORECASE)


def octet_pattern(address: str) -> re.Pattern[bytes]:
    """As `pattern`, in octets."""
    return re.compile(_source(address).encode(), re.IGNORECASE)


def _source(address: str) -> str:
    local, _, domain = address.rpartition("@")
    domains = {domain}
    with suppress(UnicodeError):
        domains.add(domain.encode("idna").decode("ascii"))
    with suppress(UnicodeError):
        domains.add(domain.encode("ascii").decode("idna"))
    locals_ = _any({local, quote(local, safe="")})
    ends = _any(domains) + r"(?![\w-]|\.\w)"
    # What a URL or JSON escapes may stand right before it: %3Cann@…, \nann@….
    escaped = r"(?<=%[0-9A-Fa-f][0-9A-Fa-f])|(?<=\\[nrt])"
    return rf"(?:(?:(?<![\w.+-])|{escaped}){locals_}(?:@|%40|=40){ends}|(?:(?<![\w.])|{escaped}){locals_}={ends})"


def _any(texts: set[str]) -> str:
    return f"(?:{'|'.join(re.escape(text) for text in sorted(texts))})"


def without(text: str, found: re.Pattern[str], instead: str) -> str:
    """The text with `instead` for each place that `found` finds; JSON stays JSON, spelt as the archive spells it."""
    if text[:1] in ("{", "["):
        try:
            value = json.loads(text)
        except ValueError:
            return found.sub(instead, text)
        changed = _without(value, found, instead)
        return text if changed == value else json.dumps(changed, ensure_ascii=False, separators=(",", ":"))
    return found.sub(instead, text)


def _without(value: Any, found: re.Pattern[str], instead: str) -> Any:
    if isinstance(value, str):
        return found.sub(instead, value)
    if isinstance(value, list):
        return [_without(item, found, instead) for item in value]
    if isinstance(value, dict):
        return {_without(key, found, instead): _without(item, found, instead) for key, item in value.items()}
    return value
