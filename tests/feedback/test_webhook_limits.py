"""Who is refused often, and how certificates are fetched: bounds on what others can make us do."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from relay.feedback.webhooks.certificates import MAX_SIZE, Certificates, FetchError, fetcher
from relay.feedback.webhooks.provider import Request
from relay.feedback.webhooks.providers import PROVIDERS
from relay.feedback.webhooks.refusals import ADDRESSES, LIMIT, PERIOD, Refusals
from tests.support.authority import Certificate, issue
from tests.support.hooks import (
    NOW,
    Web,
    tables,
)

EVENT = {"eventType": "Delivery", "mail": {"messageId": "m"}, "delivery": {"recipients": ["jane@example.com"]}}
HOUR = 3600


def verdict_on(provider: str, request: Request, **changed: Any):
    table = tables()[provider].model_copy(update=changed)
    return PROVIDERS[provider].verify(request, table)


# -- limits --------------------------------------------------------------------------------------------------
def test_an_address_that_is_refused_often_is_not_listened_to_for_a_while():
    refusals = Refusals()
    for n in range(LIMIT):
        assert not refusals.are_many("192.0.2.1", NOW + n)
        refusals.note("192.0.2.1", NOW + n)
    assert refusals.are_many("192.0.2.1", NOW + LIMIT)
    assert not refusals.are_many("192.0.2.2", NOW + LIMIT)
    assert not refusals.are_many("192.0.2.1", NOW + PERIOD)
    refusals.note("192.0.2.1", NOW + PERIOD)
    assert not refusals.are_many("192.0.2.1", NOW + PERIOD)


def test_many_addresses_do_not_fill_memory():
    refusals = Refusals()
    for n in range(ADDRESSES + 10):
        refusals.note(str(n), NOW)
    assert len(refusals._counts) == ADDRESSES


async def test_a_certificate_is_fetched_once_and_made_up_names_only_so_often():
    network = Web({"https://a": b"A"})
    certificates = Certificates(network.fetch)
    assert [await certificates.get("https://a") for _ in range(3)] == [b"A"] * 3
    for n in range(40):
        with pytest.raises(FetchError):
            await certificates.get(f"https://made-up-{n}")
    assert network.fetched.count("https://a") == 1
    assert len(network.fetched) == 20


async def test_certificates_of_many_regions_are_not_all_kept():
    network = Web({f"https://{n}": b"A" for n in range(40)})
    certificates = Certificates(network.fetch)
    for n in range(20):
        await certificates.get(f"https://{n}")
    certificates._fetched.clear()
    for n in range(20, 40):
        await certificates.get(f"https://{n}")
    assert len(certificates._kept) == 32


async def test_nothing_is_fetched_but_over_https():
    with pytest.raises(FetchError):
        await fetcher()("http://127.0.0.1:1/")


async def test_a_server_that_is_not_there_is_a_fetch_error():
    with pytest.raises(FetchError):
        await fetcher()("https://127.0.0.1:1/SimpleNotificationService-0.pem")


# -- over HTTPS ----------------------------------------------------------------------------------------------
async def _answer(request: web.Request) -> web.StreamResponse:
    path = request.path
    if path == "/moved":
        return web.Response(status=302, headers={"Location": "/good"})
    if path == "/large":
        return web.Response(body=b"x" * (MAX_SIZE + 1))
    if path == "/slow":
        await asyncio.sleep(30)
    return web.Response(body=b"the certificate", status=200 if path == "/good" else 404)


@asynccontextmanager
async def https_server(issued: Certificate) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", _answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=issued.server_context()).start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_small_answer_200_over_https_is_all_that_is_taken(tmp_path: Path):
    issued = issue(tmp_path, "127.0.0.1")
    fetch = fetcher(ssl.create_default_context(cafile=str(issued.authority)), timeout=1.0)
    async with https_server(issued) as url:
        assert await fetch(f"{url}/good") == b"the certificate"
        for path in ("/moved", "/large", "/none", "/slow"):
            with pytest.raises(FetchError):
                await fetch(f"{url}{path}")


async def test_a_server_whose_certificate_nobody_vouches_for_is_not_believed(tmp_path: Path):
    async with https_server(issue(tmp_path, "127.0.0.1")) as url:
        with pytest.raises(FetchError, match="certificate"):
            await fetcher()(f"{url}/good")
