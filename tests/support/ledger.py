"""What the clients of a test saw: which message they sent, and what they were answered. Kept outside the server.

The truth that an archive is compared with after a crash: an answer of 250 binds the server, no answer binds nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Ledger:
    """Each message of a test has one recipient of its own, its key. Hashes are hex SHA-256 of the content sent."""

    promised: dict[str, str] = field(default_factory=dict)
    """Answered 250: key -> hash."""
    doubtful: dict[str, str] = field(default_factory=dict)
    """Sent, wholly or in part, and never answered: the server may have kept it, whole, or not at all."""
    refused: dict[str, str] = field(default_factory=dict)
    """Answered 4yz or 5yz to the final dot: the server must not have kept it."""

    def differences(self, kept: list[tuple[str, str]]) -> list[str]:
        """What is wrong with an archive that holds `kept`, (key, hash) of every message: sentences, none if right."""
        count: dict[str, int] = {}
        wrong = []
        for key, digest in kept:
            count[key] = count.get(key, 0) + 1
            if key in self.refused:
                wrong.append(f"{key} was refused and is kept")
            elif digest != (expected := self.promised.get(key) or self.doubtful.get(key)):
                wrong.append(f"{key} is kept as {digest}, sent as {expected}")
        wrong += [f"{key} is kept {times} times" for key, times in count.items() if times > 1]
        wrong += [f"{key} was answered 250 and is lost" for key in self.promised if key not in count]
        return wrong

    def undelivered(self, kept: list[tuple[str, str]], received: dict[str, list[str]]) -> list[str]:
        """What is wrong with what the provider received: each kept message at least once, never anything else."""
        wrong = [f"{key} never reached the provider" for key, _ in kept if not received.get(key)]
        sent = self.promised | self.doubtful
        for key, digests in received.items():
            wrong += [
                f"{key} reached the provider as {d}, sent as {sent.get(key)}" for d in digests if d != sent.get(key)
            ]
        return wrong
