"""One operation of the HTTP API, as its description has it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `answer`: a schema's name, or media types for octets."""

    method: str
    path: str
    summary: str
    answer: str
    parameters: tuple[str, ...] = ()
    body: str = ""
    status: int = 200
    refusals: tuple[int, ...] = ()
