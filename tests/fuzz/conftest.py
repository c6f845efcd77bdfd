"""A viewer over a filled archive, in a thread of its own, for tests that ask it for whatever comes to mind.

It is the real application on a real port. Nothing waits for it: callers are synchronous, as hypothesis wants them.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest
import requests
from hypothesis import HealthCheck, Phase, settings

from relay.config import Application
from relay.notary.erasing import asked
from relay.resolver import Lookup
from tests.browser.filling import add
from tests.browser.samples import samples
from tests.support.nameserver import Nameserver
from tests.support.viewer_house import NOON, House, configured, open_house
from viewer.figures.naming import NAMES

EXAMPLES = int(os.environ.get("MAILWITNESS_FUZZ", "8"))
"""How many random requests each operation, page or form gets."""
settings.register_profile(
    "fuzz",
    max_examples=EXAMPLES,
    derandomize=EXAMPLES < 100,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink) if EXAMPLES >= 100 else (Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Served:
    """The viewer, a browser and a program of an administrator, and ids that lead somewhere."""

    url: str
    browser: requests.Session
    program: requests.Session
    csrf_token: str
    known: dict[str, list[str]]
    """Values of path parameters by their names."""


Made = TypeVar("Made")


@contextmanager
def running(folder: Path, prepare: Callable[[House], Awaitable[Made]]) -> Iterator[Made]:
    """What `prepare` makes of a house that stands in another thread until the end."""
    loop = asyncio.new_event_loop()
    ready: Future[Made] = Future()
    done = asyncio.Event()

    async def run() -> None:
        try:
            applications = (Application(name="billing", addresses=(ip_network("192.0.2.10"),)),)
            async with open_house(configured(folder, application=applications)) as house:
                house.app[NAMES].lookup = Lookup(names.address)
                ready.set_result(await prepare(house))
                await done.wait()
        except Exception as error:
            ready.set_exception(error)
            raise

    with Nameserver({}) as names:
        thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
        thread.start()
        try:
            yield ready.result(120)
        finally:
            loop.call_soon_threadsafe(done.set)
            thread.join(20)
            loop.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    async def prepare(house: House) -> Served:
        oldest_first = sorted(samples(NOON), key=lambda sample: -sample.age)
        return await _told(house, [await add(house.archive, sample, NOON) for sample in oldest_first])

    with running(tmp_path_factory.mktemp("fuzz") / "data", prepare) as told:
        yield told


async def _told(house: House, ids: list[str]) -> Served:
    browser, program = requests.Session(), requests.Session()
    client, caller = await house.client(), await house.program()
    for cookie in client.cookie_jar:
        browser.cookies.set(cookie.key, cookie.value)
    program.headers["Authorization"] = caller.headers["Authorization"]
    async with client.get("/account") as answer:
        found = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
    assert found
    browser.headers["X-CSRF-Token"] = found[1]
    known = await _known(house, client, ids) | {"erasures.id": await _erasures(house, caller)}
    return Served(house.url, browser, program, found[1], known)


async def _erasures(house: House, caller: aiohttp.ClientSession) -> list[str]:
    """A request that waits for another person, one that is approved, and a look."""
    made = []
    for address, actor in (("a@example.com", "user:ben"), ("b@example.com", "user:administrator")):
        request, event = asked(
            address,
            "asked",
            id_=house.new_id(),
            at=house.clock(),
            actor=actor,
            event_id=house.new_id(),
            needs_another=actor != "user:administrator",
        )
        await house.archive.ask_erasure(request, event)
        made.append(request.id)
    async with caller.post("/api/erasures/looks", json={"addresses": ["ann.keller@example.com"]}) as answer:
        made.append((await answer.json())["id"])
    return made


async def _known(house: House, client: aiohttp.ClientSession, ids: list[str]) -> dict[str, list[str]]:
    """What path parameters can lead to: messages in every state, their deliveries, what people made."""
    deliveries, payloads = [], []
    for message_id in ids:
        kept = await house.archive.message(message_id)
        deliveries += [delivery.id for delivery in kept.deliveries]
        payloads += [one.report.payload_id for one in await house.archive.reports(message_id)]
    async with client.get("/api/suppressions") as answer:
        suppressions = [one["id"] for one in (await answer.json())["suppressions"]]
    return {
        "id": ids,
        "payloads.id": payloads,
        "suppressions.id": suppressions,
        "delivery_id": deliveries,
        "address": ["ann.keller@example.com", "nobody@example.net", "<script>"],
        "name": ["billing", "shop.example.com", "own", "administrator"],
        "number": ["0", "1", "2"],
        "part": ["0", "1"],
    }
