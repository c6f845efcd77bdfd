"""The fields of a delivery status, a feedback report or a notification: the first group, then one for each recipient.

    Reporting-MTA: dns; mx.example        -> ({"reporting-mta": "dns; mx.example"},
                                              ({"final-recipient": "rfc822; a@b.example", "action": "failed", …},))
    Final-Recipient: rfc822; a@b.example
    Action: failed

Real systems forget the blank line between groups, put one between fields, or continue a line without white space;
they are read all the same. Linear, bounded, never raises. RFC 3464 section 2.1, RFC 6533.
"""

from __future__ import annotations

import re

Group = dict[str, str]

MAX_GROUPS = 1000
"""As many recipients as one message may have."""
MAX_LINES = 20_000
MAX_VALUE = 8192
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60})[ \t]*:[ \t]*(.*)", re.DOTALL)
_BEGINS = ("original-recipient", "final-recipient")
_OF_A_RECIPIENT = frozenset((*_BEGINS, "action", "status", "diagnostic-code", "remote-mta", "last-attempt-date"))
_TYPE = re.compile(r"[A-Za-z][\w-]{0,30}[ \t]*;[ \t]*")
_UNICODE = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")


def groups(text: str) -> tuple[Group, tuple[Group, ...]]:
    """The per-message fields, and those of each recipient. Names are lower case, values on one line."""
    first: Group = {}
    recipients: list[Group] = []
    current, name, after_blank = first, "", False
    for line in text.split("\n", MAX_LINES)[:MAX_LINES]:
        if not line.strip():
            after_blank = True
            continue
        field = _FIELD.match(line)
        if field is None or line[0] in " \t":
            if name and len(current[name]) < MAX_VALUE:
                current[name] = f"{current[name]} {line.strip()}"[:MAX_VALUE]
            continue
        name = field[1].lower()
        if _begins_a_group(name, current, is_first=current is first, after_blank=after_blank):
            if len(recipients) == MAX_GROUPS:
                break
            current = {}
            recipients.append(current)
        after_blank = False
        if name in current:
            name = f"{name} again"
        current[name] = field[2].strip()[:MAX_VALUE]
    return first, tuple(recipients)


def _begins_a_group(name: str, current: Group, *, is_first: bool, after_blank: bool) -> bool:
    if is_first:
        return name in _BEGINS or (name in ("action", "status") and after_blank)
    return (name in _BEGINS and (name in current or after_blank)) or (name == "action" and name in current)


def is_status(text: str) -> bool:
    """Whether the text looks like a delivery status: it has fields of a recipient."""
    names = {match[1].lower() for line in text.split("\n", 400)[:400] if (match := _FIELD.match(line))}
    return ("final-recipient" in names or "original-recipient" in names) and len(names & _OF_A_RECIPIENT) > 1


def address(value: str) -> str:
    """`rfc822; <Jo@example.com>` -> `Jo@example.com`: without the type and what encloses it. RFC 6533 section 3."""
    value = value.strip()
    typed = _TYPE.match(value)
    if typed:
        value = value[typed.end() :]
    value = _UNICODE.sub(_character, value.strip())
    angle = re.search(r"<([^<>\s]+@[^<>\s]+)>", value)
    if angle:
        return angle[1]
    value = value.strip("<>\"'() \t,;")
    plain = re.search(r"[^\s<>()\",;:]+@[^\s<>()\",;:]+", value)
    return plain[0] if plain and not value.startswith('"') else value.split(" ")[0] if value else ""


def untyped(value: str) -> str:
    """`dns; mx.example` -> `mx.example`, `smtp; 550 no` -> `550 no`."""
    value = value.strip()
    typed = _TYPE.match(value)
    return value[typed.end() :].strip() if typed else value


def _character(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
