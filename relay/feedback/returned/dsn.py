"""The fate of every recipient in a delivery status: all of them, not the first. RFC 3464, RFC 6533.

Tolerant of what real systems write: a missing Action, `511` for `5.1.1`, codes in the diagnostic only, addresses
without a domain.
"""

from __future__ import annotations

import re

from relay.feedback.returned.fields import Group, address, groups, is_status, untyped
from relay.feedback.returned.letter import Letter
from relay.feedback.returned.values import Action, Fate
from relay.rendition.diagnosis import code_in, exact_status

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\d)")
_SHORT = re.compile(r"([245])(\d)(\d)$")
_WORDS = (
    ("fail", Action.FAILED),
    ("delay", Action.DELAYED),
    ("deliver", Action.DELIVERED),
    ("relay", Action.RELAYED),
    ("expand", Action.EXPANDED),
)


def statuses(letter: Letter) -> tuple[str, ...]:
    """The delivery statuses, also those that stand as text where the MIME structure is broken."""
    if letter.statuses:
        return letter.statuses
    return tuple(text for text in letter.texts if is_status(text))


def read_status(text: str) -> tuple[Group, tuple[Fate, ...]]:
    """The per-message fields, and the fate of each recipient named."""
    first, recipients = groups(text)
    fates = tuple(fate for group in recipients if (fate := _fate(group)) is not None)
    return first, fates


def _fate(group: Group) -> Fate | None:
    final = address(group.get("final-recipient", ""))
    original = address(group.get("original-recipient", ""))
    actual = address(group.get("x-actual-recipient", ""))
    recipient = next((one for one in (final, original, actual) if "@" in one), final or original or actual)
    diagnostic = untyped(group.get("diagnostic-code", ""))
    said = _status(group.get("status", ""))
    action = _action(group.get("action", ""), said)
    if not recipient and not group.get("action") and not said:
        return None
    code = code_in(diagnostic)
    status = said
    if not said or said.endswith(".0.0"):
        found = exact_status("", diagnostic)
        status = found if found and (not said or found[0] == said[0]) else said
    return Fate(
        recipient=recipient,
        action=action,
        status=status,
        diagnostic=diagnostic,
        code=code,
        original_recipient=original if "@" in original else "",
        remote_mta=untyped(group.get("remote-mta", "")).split(" ")[0],
        will_retry_until=group.get("will-retry-until", ""),
        last_attempt=group.get("last-attempt-date", ""),
    )


def _status(value: str) -> str:
    match = _STATUS.search(value) or _SHORT.match(value.strip())
    return ".".join(match.groups()) if match else ""


def _action(value: str, status: str) -> Action:
    word = value.strip().lower()
    for beginning, action in _WORDS:
        if word.startswith(beginning):
            return action
    return {"2": Action.DELIVERED, "4": Action.DELAYED}.get(status[:1], Action.FAILED)
