"""Whether a message was sent by a person or by an automation, for the grid's column of senders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from relay.archive.api import Listing
from relay.config import Config
from viewer.grid.names import address_of


def automations(config: Config) -> Callable[[Listing], bool]:
    """A function that says of a row whether a program sent it: by the message's own word (`Auto-Submitted`, …), or
    because its author is among its application's `automation_senders`."""
    rules: dict[str, Sequence[str]] = {
        application.name: [pattern.casefold() for pattern in application.automation_senders]
        for application in config.application
        if application.automation_senders
    }

    def is_automation(row: Listing) -> bool:
        if row.is_automatic:
            return True
        patterns = rules.get(row.application, ())
        address = address_of(row.sender).casefold()
        return any(fnmatchcase(address, pattern) for pattern in patterns)

    return is_automation
