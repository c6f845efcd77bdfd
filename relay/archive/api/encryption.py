"""The archive's contract about encryption of what it keeps. What all methods promise is in `api/__init__.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from relay.archive.cipher import Ring
from relay.model.event import Event


@dataclass(frozen=True, slots=True)
class Encryption:
    """How an archive is to be opened that is encrypted, or is to be."""

    load: Callable[[], Ring]
    """The master keys as they are now; asked when the archive is opened and when keys change. Raises ArchiveError."""
    is_on: bool = True
    """New contents are encrypted; else the keys are for reading alone."""
    index_bodies: bool = True
    """Whether the words of bodies and attachments get into the full-text index, which is not encrypted."""


@dataclass(frozen=True, slots=True)
class EncryptionState:
    """How far the archive is encrypted."""

    is_on: bool
    current: str
    """Id of the master key that wraps what is new; '': none."""
    given: tuple[str, ...]
    """Ids of all keys at hand."""
    keys: Mapping[str, int]
    """How many data keys each master key wraps."""
    plain: int
    """Messages whose content is not encrypted."""
    work: str
    """What is being done: 'apply', 'rotate' or '' for nothing."""


class EncryptionMethods(Protocol):
    async def note_encryption(self, event_id: str, at: int) -> bool:
        """Records that encryption was turned on, or off, if it was since this was called last; whether that is so.

        `at`: UTC microseconds. The event has the id of the master key, never the key.
        """

    async def encryption_state(self) -> EncryptionState:
        """Looks at every content: for people, not for every minute."""

    async def is_encrypting(self) -> bool:
        """Whether something of `encrypt_all` or `rotate_keys` is left to be done."""

    async def encryption_settled(self) -> None:
        """Returns when this process has nothing of it left to do, or cannot go on (the next start does)."""

    async def encrypt_all(self, event: Event) -> bool:
        """Has everything that is kept plain encrypted, behind urgent work; `event` is recorded. Goes on after a crash.

        False: it was underway already. Raises ArchiveError: encryption is off.
        """

    async def rotate_keys(self, event: Event) -> bool:
        """Has all data keys wrapped by the current master key, which is asked for anew; `event` is recorded.

        What is encrypted stays as it is. Goes on after a crash. False: it was underway already. Raises ArchiveError:
        there is no key, or one that is in use is missing; then nothing was changed.
        """
