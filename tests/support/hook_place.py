"""A public port that takes reports, over real sockets, with a network that says what was fetched from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp

from relay import metrics
from relay.archive.api import Archive
from relay.config import Tracking, WebhookSource
from relay.feedback.beacon import Beacon
from relay.feedback.mapping import Mapper
from relay.feedback.webhooks.listener import Hooks
from relay.feedback.webhooks.providers import PROVIDERS
from relay.model.event import Kind
from relay.model.suppressing import SuppressionRules
from tests.support.archive_values import new_id
from tests.support.hooks import (
    NOW,
    Post,
    Web,
    iso,
    tables,
)
from tests.support.samples import mailgun, postmark, resend, sendgrid, ses

DELIVERED = {
    "ses": next(sample.document for sample in ses.SAMPLES if sample.name == "delivery"),
    "mailgun": mailgun.event("delivered"),
    "sendgrid": [sendgrid.event("delivered")],
    "resend": resend.event("delivered"),
    "postmark": postmark.event("Delivery", Recipient="jane@example.com", DeliveredAt=iso(-5)),
}


class Place:
    """A public port that takes reports, and a provider before it."""

    def __init__(self, archive: Archive, beacon: Beacon, web: Web, session: aiohttp.ClientSession) -> None:
        self.archive, self.beacon, self.web, self.session = archive, beacon, web, session
        self.now = NOW

    @property
    def url(self) -> str:
        host, port = self.beacon.bound
        return f"http://{host}:{port}"

    async def send(self, name: str, sent: Post, **more: Any) -> tuple[int, str]:
        headers = {**sent.headers, **more.pop("headers", {})}
        return await self.ask(name, data=sent.body, headers=headers, **more)

    async def ask(self, name: str, method: str = "POST", **more: Any) -> tuple[int, str]:
        async with self.session.request(method, f"{self.url}/hooks/{name}", **more) as answer:
            return answer.status, (await answer.text()).strip()

    async def count(self) -> int:
        """Payloads that are kept, read or not."""
        async with cast(Any, self.archive)._reader() as connection:
            return int((await connection.exec_driver_sql("SELECT count(*) FROM payload")).scalar())

    async def reach(self, message_id: str, kind: Kind) -> None:
        """Returns once an event of that kind tells of the message."""
        async with asyncio.timeout(10):
            while kind not in [event.kind for _, event in await self.archive.events(message_id=message_id)]:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def place(
    archive: Archive,
    *,
    sources: Mapping[str, WebhookSource] | None = None,
    web: Web | None = None,
    store: Any = None,
    tracking: Mapping[str, Any] | None = None,
    **more: Any,
) -> AsyncIterator[Place]:
    sources = tables() if sources is None else sources
    web = web or Web()
    readers = {f"webhook:{name}": PROVIDERS[table.provider or name].read for name, table in sources.items()}
    mapper = Mapper(archive, readers=readers, rules=SuppressionRules(), clock=lambda: NOW, new_id=new_id)
    hooks = Hooks(
        sources,
        archive=cast(Archive, store or archive),
        clock=lambda: opened.now,
        new_id=new_id,
        fetch=web.fetch,
        kept=mapper.wake,
        **more,
    )
    beacon = Beacon(
        Tracking(port=0, **(tracking or {})), archive=archive, clock=lambda: NOW, new_id=new_id, hooks=hooks
    )
    await beacon.start()
    mapper.start()
    try:
        async with aiohttp.ClientSession(skip_auto_headers=["User-Agent", "Content-Type"]) as session:
            opened = Place(archive, beacon, web, session)
            yield opened
    finally:
        await beacon.stop(10)
        await mapper.stop(10)


def refusals(source: str, reason: str) -> float:
    labels = {"source": source, "reason": reason}
    return metrics.REGISTRY.get_sample_value("mailwitness_payloads_refused_total", labels) or 0.0
