"""Return paths: `bounces+TOKEN@bounces.example.com`, one for each copy; and finding them in mail that came back. Pure.

A token is 26 lower-case letters and digits (128 bits and more); who knows it had the copy, or its envelope. Letter case
is ignored, as some servers change it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from relay.feedback.returned.letter import addresses_of, open_letter

MAX_FIELDS = 50
"""Fields of one name that are looked at."""
_FIELDS = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to", "x-delivered-to", "apparently-to")
_ENCLOSED = ("return-path", "x-envelope-from", "x-original-return-path", "envelope-from")


@dataclass(frozen=True, slots=True)
class ReturnPaths:
    """As in the configuration's `[bounces]`. `domain` '': there are none."""

    local_part: str
    domain: str

    def token(self, address: str) -> str | None:
        """The token in `address`; None if it is none of ours."""
        local, at, domain = address.strip().casefold().rpartition("@")
        name, plus, token = local.rpartition("+")
        is_ours = bool(self.domain) and domain == self.domain.casefold() and name == self.local_part.casefold()
        return token if at and plus and is_ours and re.fullmatch(r"[a-z0-9]{16,64}", token) else None

    def tokens_in(self, content: bytes) -> tuple[str, ...]:
        """The tokens that a mail names: in the fields that say where it was delivered, and in the enclosed original."""
        return tuple(dict.fromkeys(self._tokens_in(content)))

    def _tokens_in(self, content: bytes) -> Iterator[str]:
        letter = open_letter(content)
        values = [
            field.value(content).decode("latin-1")
            for name in _FIELDS
            for field in [one for one in letter.root.fields if one.key == name][:MAX_FIELDS]
        ]
        if letter.enclosed is not None:
            values += [letter.enclosed.fields.get(name, "") for name in _ENCLOSED]
        for value in values:
            for address in addresses_of(value):
                token = self.token(address)
                if token is not None:
                    yield token
