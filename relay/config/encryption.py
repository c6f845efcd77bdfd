"""`[encryption]`: contents are kept encrypted."""

from __future__ import annotations

from pathlib import Path

from relay.config.values import Table


class Encryption(Table):
    """Whether, and where the master keys come from: `key` or `command`."""

    enabled: bool = False
    """New contents are encrypted. Without it the keys are for reading what was encrypted before."""
    key: Path | None = None
    """File of the master keys, mode 0600, made by `mailwitness encryption new-key`."""
    command: tuple[str, ...] = ()
    """A command that prints what would stand in the file."""
    index_bodies: bool = True
    """Words of bodies and attachments get into the search index, which is not encrypted."""
