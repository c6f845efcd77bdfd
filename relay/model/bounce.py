"""The class of a bounce: why mail did not arrive, as far as one can act on it. The rules are in `feedback`."""

from __future__ import annotations

from enum import StrEnum


class BounceClass(StrEnum):
    HARD = "hard"
    """There is no such mailbox or domain: do not send there again."""
    SOFT = "soft"
    """Something that may pass."""
    BLOCK = "block"
    """The receiver refuses the sending server or domain."""
    SPAM = "spam"
    """The receiver refuses the content as spam."""
    QUOTA = "quota"
    """The mailbox is full."""
    POLICY = "policy"
    """A rule of the receiver: too large, authentication missing, not allowed."""
