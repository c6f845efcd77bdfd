"""What the archive says when it cannot do what was asked. Raised by every method; see each for which."""

from __future__ import annotations


class ArchiveError(Exception):
    """Something the archive promised does not hold."""


class ArchiveUnavailable(ArchiveError):
    """Nothing was kept: the disk is full, the database locked or closed. Temporary; intake answers 451 or 452."""

    def __init__(self, message: str, *, is_full: bool = False) -> None:
        super().__init__(message)
        self.is_full = is_full
        """No space left: 452 4.3.1 instead of 451 4.3.0."""


class TooSlow(ArchiveError):
    """A search took longer than anyone waits for and was stopped."""


class NotFound(ArchiveError):
    """No message, delivery, user or token has that id."""


class Gone(NotFound):
    """The message is there, its content was deleted."""


class NobodyLeft(ArchiveError):
    """After that nobody who is let in could manage people any more: not done."""

    def __init__(self) -> None:
        super().__init__("nobody would be left who may manage people: make somebody else an administrator first")


class OutOfReach(ArchiveError):
    """It is not only about messages within the scope of the person who asks: refused, with the reason to be shown."""
