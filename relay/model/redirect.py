"""Mode redirect: who gets mail in whose place. Pure.

For staging: a message goes to the application's test addresses alone, one delivery for each recipient and address.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from relay.model.message import Recipient

Duty = tuple[Recipient, str | None]
"""Who gets it, and whom they stand for; None: themselves."""


def redirected(recipients: Iterable[Recipient], targets: Sequence[str]) -> Iterator[Duty]:
    """The targets in place of each recipient; who is a target gets the own mail alone.

    NOTIFY and ORCPT are left behind: they are about the recipient, to whom nothing is sent.
    """
    for recipient in recipients:
        if is_target(recipient.address, targets):
            yield recipient, None
        else:
            yield from ((Recipient(target), recipient.address) for target in targets)


def is_target(address: str, targets: Iterable[str]) -> bool:
    """Whether the address is one of the targets, whatever the case."""
    return address.casefold() in {target.casefold() for target in targets}
