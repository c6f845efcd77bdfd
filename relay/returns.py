"""What comes back, put together: who takes it in, and the one task that reads it.

Part of the service. Starts before the ports that take something in, stops after them.
"""

from __future__ import annotations

from collections.abc import Callable

from relay.archive.api import Archive
from relay.config import Config
from relay.feedback.inbound import SOURCE
from relay.feedback.mapping import Mapper, Read
from relay.feedback.returned.reports import read_returned
from relay.feedback.webhooks.certificates import fetcher
from relay.feedback.webhooks.listener import Hooks
from relay.feedback.webhooks.providers import PROVIDERS


class Returns:
    """`mapper`: wake it after a payload was kept. `hooks`: answers `/hooks/NAME` of the public port."""

    def __init__(
        self, config: Config, archive: Archive, *, clock: Callable[[], int], new_id: Callable[[], str]
    ) -> None:
        rules = config.suppression.rules()
        self.mapper = Mapper(archive, readers=_readers(config), rules=rules, clock=clock, new_id=new_id)
        self.hooks = Hooks(
            config.webhooks, archive=archive, clock=clock, new_id=new_id, fetch=fetcher(), kept=self.mapper.wake
        )

    def start(self) -> None:
        self.mapper.start()

    async def stop(self, grace: float) -> None:
        await self.mapper.stop(grace)

    def use(self, config: Config) -> None:
        """Other tables from now on."""
        self.mapper.use(_readers(config), config.suppression.rules())
        self.hooks.use(config.webhooks)


def _readers(config: Config) -> dict[str, Read]:
    """By the source of a payload."""
    providers = {f"webhook:{name}": PROVIDERS[table.provider or name].read for name, table in config.webhooks.items()}
    return {SOURCE: read_returned, **providers}
