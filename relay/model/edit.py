"""An edit: the replacement of one octet range of a content. Applied by `relay.rendition.edit.splice`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """Octets [start, stop) of the original become `replacement`; `step` names who asked: `trace`, `line-ends` …"""

    start: int
    stop: int
    replacement: bytes
    step: str
