"""Switches: what people turn on and off while the server runs, without touching the configuration file.

Pauses of sending, and modes of applications that stand before those of the file. Values only: the archive keeps them,
and `service.py` hands them to intake and courier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from relay.model.message import Mode


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing new is sent until somebody lifts it. `by` is the name of a person, `at` UTC microseconds."""

    by: str
    at: int
    reason: str = ""

    def __str__(self) -> str:
        return f"paused by {self.by}{': ' if self.reason else ''}{self.reason}"


@dataclass(frozen=True, slots=True)
class Switches:
    """All switches. Immutable: a change makes another, which replaces the kept one as a whole."""

    paused: Pause | None = None
    """Of all sending."""
    paused_upstreams: Mapping[str, Pause] = field(default_factory=dict)
    """By name of the upstream."""
    modes: Mapping[str, Mode] = field(default_factory=dict)
    """By name of the application; the mode of the configuration holds for the others."""

    def pausing(self, pause: Pause, upstream: str | None = None) -> Switches:
        """With a pause of all sending, or of one upstream. An earlier one is replaced."""
        if upstream is None:
            return replace(self, paused=pause)
        return replace(self, paused_upstreams={**self.paused_upstreams, upstream: pause})

    def resuming(self, upstream: str | None = None) -> Switches:
        """Without the pause of all sending, or of one upstream."""
        if upstream is None:
            return replace(self, paused=None)
        rest = {name: pause for name, pause in self.paused_upstreams.items() if name != upstream}
        return replace(self, paused_upstreams=rest)

    def with_mode(self, application: str, mode: Mode | None) -> Switches:
        """With a mode for an application; None: as the configuration says."""
        rest = {name: chosen for name, chosen in self.modes.items() if name != application}
        return replace(self, modes=rest if mode is None else {**rest, application: mode})

    def pause_of(self, upstream: str) -> Pause | None:
        """What stops this upstream: the pause of all sending first."""
        return self.paused or self.paused_upstreams.get(upstream)

    def as_json(self) -> dict[str, Any]:
        """`{"paused": {"by": "anna", "at": 1, "reason": ""}, "paused_upstreams": {…}, "modes": {"shop": "hold"}}`."""
        return {
            "paused": asdict(self.paused) if self.paused else None,
            "paused_upstreams": {name: asdict(pause) for name, pause in self.paused_upstreams.items()},
            "modes": {name: mode.value for name, mode in self.modes.items()},
        }

    @classmethod
    def of_json(cls, value: Any) -> Switches:
        """What `as_json` made; None: nothing was ever switched. Raises KeyError, TypeError or ValueError for others."""
        if value is None:
            return cls()
        return cls(
            paused=Pause(**value["paused"]) if value["paused"] else None,
            paused_upstreams={name: Pause(**pause) for name, pause in value["paused_upstreams"].items()},
            modes={name: Mode(mode) for name, mode in value["modes"].items()},
        )
