"""What a check found, as values: that something holds, that it does not, or that it cannot be known from here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from relay.ledger.scalars import LedgerError


class State(StrEnum):
    HOLDS = "holds"
    FAILS = "fails"
    UNKNOWN = "unknown"
    """Neither: what would be needed is not here, or is no matter of computing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about one thing. `subject`: a member, a message's folder, or `log`."""

    state: State
    subject: str
    words: str


_HEADINGS = {
    State.FAILS: "DOES NOT HOLD",
    State.HOLDS: "Holds",
    State.UNKNOWN: "Cannot be known from this file",
}


@dataclass(slots=True)
class Findings:
    """Gathers findings while a check goes on."""

    found: list[Finding] = field(default_factory=list)

    def holds(self, subject: str, words: str) -> None:
        self.found.append(Finding(State.HOLDS, subject, words))

    def fails(self, subject: str, words: str) -> None:
        self.found.append(Finding(State.FAILS, subject, words))

    def unknown(self, subject: str, words: str) -> None:
        self.found.append(Finding(State.UNKNOWN, subject, words))

    def failures(self) -> int:
        return sum(finding.state is State.FAILS for finding in self.found)

    @contextmanager
    def about(self, subject: str) -> Iterator[None]:
        """Whatever is not as it must be, and raises in here, is a failure of the subject; the check goes on behind.

        KeyError, TypeError and the like mean values of another shape than the format has.
        """
        try:
            yield
        except LedgerError as error:
            self.fails(subject, f"{error}.")
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            self.fails(subject, "It does not have the shape that the format gives it.")


@dataclass(frozen=True, slots=True)
class Report:
    """All findings about a file, in the order of the check."""

    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Nothing fails. What cannot be known may still be much."""
        return not any(finding.state is State.FAILS for finding in self.findings)

    @property
    def exit_status(self) -> int:
        """0, or 65 (EX_DATAERR) if anything fails."""
        return 0 if self.is_sound else 65

    def text(self) -> str:
        """For people: what fails first, then what holds, then what cannot be known."""
        lines = []
        for state, heading in _HEADINGS.items():
            found = [finding for finding in self.findings if finding.state is state]
            if found:
                lines += [heading, *_listed(found), ""]
        verdict = "Nothing in this file is wrong." if self.is_sound else "This file is NOT sound evidence."
        return "\n".join([*lines, verdict, ""])


def moment(at: int) -> str:
    """A time in UTC microseconds, for people: `2026-11-28 02:17:17 UTC`."""
    try:
        return f"{datetime.fromtimestamp(at // 1_000_000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError):
        raise LedgerError("a time lies outside the years there are") from None


def _listed(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        yield f"  {_printable(finding.subject)}: {_printable(finding.words)}"


def _printable(text: str) -> str:
    """No control character of a file reaches the terminal."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
