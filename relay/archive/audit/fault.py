"""What a check of the archive found to be wrong, as a value: where, and in which words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """`where` names one thing: `message 01J…`, `leaf 17`, `table delivery`."""

    where: str
    words: str

    def __str__(self) -> str:
        return f"{self.where}: {self.words}"
