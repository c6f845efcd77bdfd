"""What an upstream says it can do: the keywords of its answer to EHLO. Pure. RFC 5321 section 4.1.1.1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from relay.model.reply import Reply


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Keywords in upper case, each with its parameters as given. Empty after HELO."""

    keywords: Mapping[str, str] = field(default_factory=dict)

    def offers(self, keyword: str) -> bool:
        return keyword in self.keywords

    @property
    def size(self) -> int | None:
        """Octets of the largest message it takes; None when it does not say, or says 0 (RFC 1870 section 4)."""
        value = self.keywords.get("SIZE", "").split(" ")[0]
        if not (value.isascii() and value.isdigit() and len(value) <= 20):
            return None
        return int(value) or None

    @property
    def mechanisms(self) -> frozenset[str]:
        return frozenset(self.keywords.get("AUTH", "").upper().split())


def parse_capabilities(reply: Reply) -> Capabilities:
    """The capabilities in a positive reply to EHLO.

    `AUTH=LOGIN PLAIN`, as very old servers write it, counts as AUTH; several AUTH lines are added up.
    """
    keywords: dict[str, str] = {}
    for line in reply.text.split("\n")[1:]:
        keyword, _, parameters = line.strip().partition(" ")
        keyword = keyword.upper()
        if keyword.startswith("AUTH="):
            keyword, parameters = "AUTH", f"{keyword[5:]} {parameters}"
        if keyword == "AUTH" and keyword in keywords:
            parameters = f"{keywords[keyword]} {parameters}"
        if keyword:
            keywords[keyword] = parameters.strip()
    return Capabilities(keywords)
