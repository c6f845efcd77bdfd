"""The configuration for those who look at it at each use: a change is seen by the next look.

It stands where a `Config` is expected, and answers as the one that holds now.
"""

from __future__ import annotations

from typing import Any, cast

from relay.config.house import Config


class LiveConfig:
    """Reads as the configuration last given to `use`."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def use(self, config: Config) -> None:
        self._config = config

    def __getattr__(self, name: str) -> Any:
        return getattr(self._config, name)

    @property
    def as_config(self) -> Config:
        """Itself, as what it stands for."""
        return cast(Config, self)
