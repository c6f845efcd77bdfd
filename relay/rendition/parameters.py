"""Values of the form `value; name=value; …` as in Content-Type and Content-Disposition, read without decoding.

Tolerant: comments, missing quotes, stray or missing semicolons. Decoding the values is
`decode.py`'s work. RFC 2045 section 5.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_PARAMETERS = 200

_FOLD = re.compile(rb"[\r\n]+[ \t]*+")
_COMMENT = re.compile(rb"\([^()]*+\)")
_VALUE = re.compile(rb"\s*+(?:\([^()]*+\)\s*+)?+([^;\s(]{0,255})")
_PARAMETER = re.compile(
    rb"([^=;\s\"]++)[ \t]*+"
    rb"(?:=[ \t]*+(?:\"((?:[^\"\\]++|\\.)*+)(?:\"[^;]*+|\\?\Z)|([^;]*+)))?+[^;]*+",
    re.DOTALL,
)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_SECTION = re.compile(r"(.+?)\*([0-9]{1,3})\*?")


@dataclass(frozen=True, slots=True)
class Parameterised:
    """`value` in lower case; `raw` holds the parameters as written: names in lower case, quotes removed.

    `attachment; filename*0="a b"; filename*1=c` -> value `attachment`,
    raw `(("filename*0", b"a b"), ("filename*1", b"c"))`.
    """

    value: str = ""
    raw: tuple[tuple[str, bytes], ...] = ()

    def octets(self, name: str) -> bytes | None:
        """The parameter's octets, sections joined, percent signs kept; None if absent. The first of equals wins."""
        for key, value in self.raw:
            if key in (name, f"{name}*"):
                return value
        sections = self.sections(name)
        return b"".join(value for _, value in sections) if sections else None

    def sections(self, name: str) -> list[tuple[str, bytes]]:
        """RFC 2231 continuations `name*0`, `name*1*` … as (key, octets), in order, up to the first gap."""
        numbered: dict[int, tuple[str, bytes]] = {}
        for key, value in self.raw:
            match = _SECTION.fullmatch(key)
            if match is not None and match[1] == name:
                numbered.setdefault(int(match[2]), (key, value))
        found: list[tuple[str, bytes]] = []
        while len(found) in numbered:
            found.append(numbered[len(found)])
        return found


def parse_parameterised(raw: bytes) -> Parameterised:
    """What `raw`, a field's value, says; never raises. At most MAX_PARAMETERS parameters are read."""
    text = _FOLD.sub(b" ", raw)
    head = next(_VALUE.finditer(text))  # matches anything, if only emptily
    value = head[1].strip(b'"').lower().decode("ascii", "replace")
    parameters: list[tuple[str, bytes]] = []
    for match in _PARAMETER.finditer(text, head.end()):
        quoted, plain = match[2], match[3]
        octets = _ESCAPE.sub(rb"\1", quoted) if quoted is not None else _COMMENT.sub(b"", plain or b"").strip()
        parameters.append((match[1].decode("ascii", "replace").lower(), octets))
        if len(parameters) == MAX_PARAMETERS:
            break
    return Parameterised(value, tuple(parameters))
