"""Passwords: argon2id hashes, made and checked in a thread, a few at a time.

A check takes as long for a user who does not exist as for one who does. RFC 9106; OWASP's parameters are the library's.
"""

from __future__ import annotations

import asyncio
import functools

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from viewer.translation import say

SHORTEST = 10
LONGEST = 1024
"""Characters; a longer one is refused unread."""

USUAL = PasswordHasher()
"""OWASP's parameters: some 50 ms and 64 MiB for each hash and each check."""


class Passwords:
    """Hashes and checks. At most `at_once` checks run at a time: each takes 64 MiB."""

    def __init__(self, at_once: int = 2, hasher: PasswordHasher = USUAL) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._hasher = hasher

    async def hash(self, password: str) -> str:
        async with self._turns:
            return await asyncio.to_thread(hash_password, password, self._hasher)

    async def is_right(self, password_hash: str, password: str) -> bool:
        """False for a user without a password ('' as hash) too, after the same time."""
        if len(password) > LONGEST:
            return False
        async with self._turns:
            return await asyncio.to_thread(_verify, self._hasher, password_hash, password)

    def needs_rehash(self, password_hash: str) -> bool:
        """True if the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)


def hash_password(password: str, hasher: PasswordHasher = USUAL) -> str:
    """argon2id's encoded form, `$argon2id$v=19$m=65536,t=3,p=4$…`."""
    return hasher.hash(password.encode("utf-8", "surrogatepass"))


def weakness(password: str, name: str = "") -> str:
    """What is wrong with a new password, in a sentence, or ''."""
    if len(password) < SHORTEST:
        return say("Choose a password of at least %(shortest)s characters.", shortest=SHORTEST)
    if len(password) > LONGEST:
        return say("Choose a password of at most %(longest)s characters.", longest=LONGEST)
    if (name and password.casefold() == name.casefold()) or len(set(password)) < 4:
        return say("Choose a password that is harder to guess.")
    return ""


@functools.cache
def _nobodys_hash(hasher: PasswordHasher) -> str:
    """Checked when there is no such user, so that the time taken does not tell."""
    return hash_password("no one has this password", hasher)


def _verify(hasher: PasswordHasher, password_hash: str, password: str) -> bool:
    try:
        hasher.verify(password_hash or _nobodys_hash(hasher), password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False
    return bool(password_hash)
