"""MTA-STS: the record that announces a policy, the policy itself, and which servers it allows. Pure. RFC 8461.

version: STSv1
mode: enforce
mx: mail.example.com
mx: *.example.net
max_age: 604800
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

LONGEST = 31_557_600
"""Seconds: the greatest max_age (section 3.2)."""
_RECORD = re.compile(rb"v=STSv1[ \t]*;(.*)", re.DOTALL)
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_PATTERN = re.compile(r"(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+", re.IGNORECASE)
_FIELD = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31}):[ \t]*(.*?)[ \t]*")


class PolicyError(ValueError):
    """What was fetched is no policy; the text says why."""


class PolicyMode(StrEnum):
    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Policy:
    """`max_age`: seconds for which it holds."""

    mode: PolicyMode
    patterns: tuple[str, ...]
    max_age: int

    def allows(self, host: str) -> bool:
        """Whether a server of that name (A-labels) may be given mail; `*` stands for one label (section 4.1)."""
        name = host.lower().rstrip(".")
        parent = name.partition(".")[2]
        return any(
            parent == pattern[2:] if pattern.startswith("*.") else name == pattern
            for pattern in (each.lower() for each in self.patterns)
        )


def policy_id(records: Sequence[bytes]) -> str | None:
    """The id in the TXT records of `_mta-sts.DOMAIN`; None unless exactly one announces a policy (section 3.1)."""
    announced = [match for record in records if (match := _RECORD.fullmatch(record))]
    if len(announced) != 1:
        return None
    for part in announced[0][1].decode("ascii", "replace").split(";"):
        key, _, value = part.partition("=")
        if key.strip() == "id" and _ID.fullmatch(value.strip()):
            return value.strip()
    return None


def parse_policy(octets: bytes) -> Policy:
    """The policy in a fetched file. Raises PolicyError. Unknown fields are passed over, as section 3.2 asks."""
    try:
        lines = octets.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise PolicyError("not UTF-8") from error
    fields: dict[str, list[str]] = {}
    for line in filter(None, lines):
        match = _FIELD.fullmatch(line)
        if match is None:
            raise PolicyError(f"not a field: {line[:80]!r}")
        fields.setdefault(match[1], []).append(match[2])
    first = {name: values[0] for name, values in fields.items()}
    if first.get("version") != "STSv1":
        raise PolicyError("no version: STSv1")
    if first.get("mode") not in set(PolicyMode):
        raise PolicyError(f"mode is {first.get('mode', '')[:20]!r}")
    mode, age = PolicyMode(first["mode"]), first.get("max_age", "")
    if re.fullmatch(r"[0-9]{1,10}", age) is None:
        raise PolicyError(f"max_age is {age[:20]!r}")
    patterns = tuple(fields.get("mx", ()))
    if not all(_PATTERN.fullmatch(pattern) for pattern in patterns):
        raise PolicyError("mx is no host name")
    if not patterns and mode is not PolicyMode.NONE:
        raise PolicyError("no mx")
    return Policy(mode, patterns, min(int(age), LONGEST))
