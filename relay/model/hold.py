"""A legal hold: messages that nobody may delete while it is open, whatever else is said of them. Values only."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Hold:
    """A matter, and who says that its messages are needed. The actors are as in an event, times UTC microseconds."""

    id: str
    name: str
    """One open hold has it; when that is ended another may."""
    reason: str
    made_at: int
    made_by: str
    ended_at: int | None = None
    """From then on it keeps nothing; None: it is open."""
    ended_by: str | None = None
    messages: int = 0
    """How many are under it, or were when it ended. Counted when read."""


def name_fault(name: str) -> str:
    """What is wrong with a name; '' if it will do."""
    if not name.strip() or not name.isprintable():
        return "say which matter it is, in a line"
    return f"at most {LONGEST_NAME} characters" if len(name) > LONGEST_NAME else ""
