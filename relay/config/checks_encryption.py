"""Rules about several keys of `[encryption]`. Whether the keys can be had is found out when the archive is opened."""

from __future__ import annotations

from collections.abc import Iterator

from relay.config.house import Config
from relay.config.problem import Problem


def problems(config: Config) -> Iterator[Problem]:
    table = config.encryption
    if table.key is not None and table.command:
        yield Problem(("encryption", "command"), "given together with key, expected one of the two")
    if table.enabled and table.key is None and not table.command:
        yield Problem(("encryption", "key"), "missing, expected the file of the master keys, or command")
