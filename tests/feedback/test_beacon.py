"""The public port, through real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from typing import Any, cast

import aiohttp
import pytest
from yarl import URL

from relay.archive.api import Archive
from relay.archive.api.suppression import Selection
from relay.config import Tracking
from relay.feedback.beacon import GIF, Beacon
from relay.model.event import Kind
from relay.model.fetch import Fetch, Verdict
from relay.model.suppressing import NO_RULES, SuppressionRules
from relay.model.suppression import Cause
from tests.support.archive_values import NOON, SECOND, new_id
from tests.support.failing_archive import FailingArchive
from tests.support.tracked_copy import SHOP, TrackedCopy, tracked_copy

LATER = NOON + 3600 * SECOND
CHROME = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/131.0"}
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


class House:
    """A beacon that runs, and a browser before it."""

    def __init__(self, archive: Archive, running: Beacon, session: aiohttp.ClientSession) -> None:
        self.archive, self.beacon, self._session = archive, running, session

    async def ask(self, path: str, method: str = "GET", **more: Any) -> tuple[aiohttp.ClientResponse, bytes]:
        host, port = self.beacon.bound
        more["headers"] = CHROME | more.get("headers", {})
        url = URL(f"http://{host}:{port}{path}", encoded=True)
        async with self._session.request(method, url, allow_redirects=False, **more) as answer:
            return answer, await answer.read()

    async def fetches(self, copy: TrackedCopy) -> list[Fetch]:
        await self.beacon.stop(20)
        return await self.archive.fetches(copy.message_id)


@asynccontextmanager
async def house(
    archive: Archive, *, at_most: int = 100, rules: SuppressionRules = NO_RULES, **settings: Any
) -> AsyncIterator[House]:
    running = Beacon(
        Tracking(port=0, **settings),
        archive=archive,
        clock=lambda: LATER,
        new_id=new_id,
        rules=rules,
        max_connections=at_most,
    )
    await running.start()
    try:
        async with aiohttp.ClientSession(skip_auto_headers=["User-Agent"]) as session:
            yield House(archive, running, session)
    finally:
        await running.stop(20)


@pytest.fixture
async def at(archive: Archive) -> AsyncIterator[House]:
    async with house(archive) as opened:
        yield opened


async def test_the_pixel_is_answered_uncached_and_noted(at: House):
    copy = await tracked_copy(at.archive)
    answer, body = await at.ask(f"/o/{copy.pixel}.gif")
    assert (answer.status, body, answer.content_type) == (200, GIF, "image/gif")
    assert "no-store" in answer.headers["Cache-Control"]
    [fetch] = await at.fetches(copy)
    assert (fetch.token_id, fetch.method, fetch.address, fetch.verdict) == (
        copy.pixel,
        "GET",
        "127.0.0.0",
        Verdict.HUMAN,
    )


async def test_an_unknown_pixel_cannot_be_told_from_a_known_one(at: House):
    copy = await tracked_copy(at.archive)
    known, unknown = await at.ask(f"/o/{copy.pixel}.gif"), await at.ask("/o/nobody-knows-this.gif")
    assert unknown[1] == known[1]
    assert unknown[0].status == known[0].status
    assert set(unknown[0].headers) == set(known[0].headers)


async def test_a_link_leads_to_the_stored_address_whatever_is_asked(at: House):
    copy = await tracked_copy(at.archive)
    for query in ("", "?url=https://evil.example/", "?u=//evil.example"):
        answer, _ = await at.ask(f"/c/{copy.links[0]}{query}")
        assert (answer.status, answer.headers["Location"]) == (302, SHOP)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert sum(fetch.count for fetch in await at.fetches(copy)) == 3


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example", "data:text/html,x", ""])
async def test_a_link_that_is_not_of_the_web_leads_nowhere(at: House, url: str):
    copy = await tracked_copy(at.archive, urls=(url,))
    answer, _ = await at.ask(f"/c/{copy.links[0]}")
    assert answer.status == 404
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/c/", "/c/nobody-knows-this", "/u/nobody-knows-this", "/o/x.gif", "/sign-in", "/api/messages"),
        *(
            "/favicon.ico",
            "/c/%00%0d%0aLocation:x",
            "/c/..%2f..%2fetc",
            "/o/%ff%fe.gif",
            "/static/base.css",
            "/metrics",
        ),
    ],
)
async def test_everything_else_is_a_friendly_404(at: House, path: str):
    answer, body = await at.ask(path)
    assert answer.status == 404
    assert b"leads nowhere" in body
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "aiohttp" not in answer.headers["Server"]


async def test_tokens_are_good_for_what_they_were_made_for(at: House):
    copy = await tracked_copy(at.archive)
    for path in (f"/c/{copy.pixel}", f"/c/{copy.leave}", f"/u/{copy.links[0]}"):
        assert (await at.ask(path))[0].status == 404
    assert (await at.ask(f"/u/{copy.pixel}", "POST", data=ONE_CLICK))[0].status == 404
    assert await at.fetches(copy) == []


async def test_head_is_answered_and_is_nobody(at: House):
    copy = await tracked_copy(at.archive)
    answer, body = await at.ask(f"/o/{copy.pixel}.gif", "HEAD")
    assert (answer.status, body) == (200, b"")
    answer, _ = await at.ask(f"/c/{copy.links[0]}", "HEAD")
    assert (answer.status, answer.headers["Location"]) == (302, SHOP)
    assert {fetch.verdict for fetch in await at.fetches(copy)} == {Verdict.SCANNER}


async def test_a_fetch_in_advance_is_nobody(at: House):
    copy = await tracked_copy(at.archive)
    await at.ask(f"/c/{copy.links[0]}", headers={"Sec-Purpose": "prefetch"})
    [fetch] = await at.fetches(copy)
    assert (fetch.verdict, fetch.signals) == (Verdict.PROXY, (("Sec-Purpose", "prefetch"),))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
async def test_other_methods_do_nothing(at: House, method: str):
    copy = await tracked_copy(at.archive)
    for path in (f"/o/{copy.pixel}.gif", f"/c/{copy.links[0]}"):
        assert (await at.ask(path, method))[0].status == 404
    assert await at.fetches(copy) == []


async def test_the_preview_shows_where_a_link_leads(archive: Archive):
    copy = await tracked_copy(archive, urls=('https://a.example/?"><script>alert(1)</script>',))
    async with house(archive, link_preview=True) as at:
        answer, body = await at.ask(f"/c/{copy.links[0]}")
        assert answer.status == 200
        assert b"a.example" in body
        assert b"<script>" not in body
        assert b'href="https://a.example/?&#34;&gt;&lt;script&gt;' in body
        assert len(await at.fetches(copy)) == 1


async def test_the_preview_of_a_broken_address_still_shows_it(archive: Archive):
    copy = await tracked_copy(archive, urls=("https://[broken/{{name}}",))
    async with house(archive, link_preview=True) as at:
        answer, body = await at.ask(f"/c/{copy.links[0]}")
        assert (answer.status, b"https://[broken/{{name}}" in body) == (200, True)


async def test_opening_the_unsubscribe_page_changes_nothing(at: House):
    copy = await tracked_copy(at.archive)
    answer, body = await at.ask(f"/u/{copy.leave}")
    assert answer.status == 200
    assert b'<form method="post">' in body
    await at.fetches(copy)
    assert Kind.UNSUBSCRIBED not in [event.kind for _, event in await at.archive.events(message_id=copy.message_id)]


async def test_one_click_unsubscribes_and_is_committed_before_the_answer(at: House):
    copy = await tracked_copy(at.archive)
    form = aiohttp.FormData(ONE_CLICK)
    multipart = aiohttp.FormData(ONE_CLICK, default_to_multipart=True)
    for body in (form, multipart):
        answer, page = await at.ask(f"/u/{copy.leave}", "POST", data=body)
        assert (answer.status, b"You have unsubscribed" in page) == (200, True)
        [(_, event)] = await at.archive.events(message_id=copy.message_id)
        assert (event.kind, event.delivery_id) == (Kind.UNSUBSCRIBED, copy.delivery_id)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"data": {"List-Unsubscribe": "No"}},
        {"data": b"x" * 10_000},
        {"data": b"\xff\xfe=%zz", "headers": {"Content-Type": "application/x-www-form-urlencoded; charset=nonsense"}},
        {"data": b"garbage", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"data": b"garbage", "headers": {"Content-Type": "multipart/form-data"}},
        {"json": ONE_CLICK},
    ],
)
async def test_any_other_post_unsubscribes_nobody(at: House, more: dict[str, Any]):
    copy = await tracked_copy(at.archive)
    answer, body = await at.ask(f"/u/{copy.leave}", "POST", **more)
    assert answer.status == 400
    assert b"Nothing has been changed" in body
    assert await at.archive.events(message_id=copy.message_id) == []


async def test_the_unsubscribe_page_says_from_whom_and_hints_to_whom(at: House):
    copy = await tracked_copy(at.archive)
    _, body = await at.ask(f"/u/{copy.leave}")
    assert b"<strong>shop@example.com</strong>" in body
    assert "j…@example.com".encode() in body
    assert b"jane" not in body
    assert b"the sender is told" in body


async def test_by_rule_unsubscribing_stops_mail_and_the_page_remembers(archive: Archive):
    copy = await tracked_copy(archive)
    async with house(archive, rules=replace(NO_RULES, on_unsubscribe=True)) as at:
        assert b"no more mail like this is sent to this address" in (await at.ask(f"/u/{copy.leave}"))[1]
        _, done = await at.ask(f"/u/{copy.leave}", "POST", data=ONE_CLICK)
        assert b"No more mail like this" in done
        [entry] = (await archive.suppressions(Selection(LATER))).entries
        assert (entry.cause, entry.delivery_id) == (Cause.UNSUBSCRIBE, copy.delivery_id)
        answer, again = await at.ask(f"/u/{copy.leave}")
        assert (answer.status, again) == (200, done)
        at.beacon.use(Tracking(port=0))
        assert b"You can close this page" in (await at.ask(f"/u/{copy.leave}"))[1]


async def test_an_archive_that_cannot_be_reached_is_said_in_words(archive: Archive):
    copy = await tracked_copy(archive)
    failing = FailingArchive(archive, {"tracking_token": ["lost", ""], "add_fetches": ["lost"]})
    async with house(cast(Archive, failing)) as at:
        answer, _ = await at.ask(f"/c/{copy.links[0]}")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
        assert (await at.ask(f"/u/{copy.leave}", "POST", data=ONE_CLICK))[0].status == 503
        assert (await at.ask(f"/u/{copy.leave}", "POST", data=ONE_CLICK))[0].status == 200
        assert (await at.ask(f"/o/{copy.pixel}.gif"))[0].status == 200


async def test_any_host_is_answered_and_no_cookie_is_set(at: House):
    copy = await tracked_copy(at.archive)
    answer, _ = await at.ask(f"/c/{copy.links[0]}", headers={"Host": "click.shop.example"})
    assert answer.status == 302
    assert "Set-Cookie" not in answer.headers


async def test_the_client_behind_a_trusted_proxy_is_the_one_who_fetched(archive: Archive):
    copy = await tracked_copy(archive)
    settings: dict[str, Any] = {"trusted_proxies": (ip_network("127.0.0.0/8"),), "address_detail": "full"}
    async with house(archive, **settings) as at:
        await at.ask(f"/o/{copy.pixel}.gif", headers={"X-Forwarded-For": "6.6.6.6, 198.51.100.7"})
        assert [fetch.address for fetch in await at.fetches(copy)] == ["198.51.100.7"]


async def test_what_a_client_calls_itself_is_bounded(at: House):
    copy = await tracked_copy(at.archive)
    await at.ask(f"/o/{copy.pixel}.gif", headers={"User-Agent": "x" * 5000, "Purpose": "y" * 5000})
    [fetch] = await at.fetches(copy)
    assert fetch.user_agent == "x" * 400
    assert fetch.signals == (("Purpose", "y" * 100),)


async def test_a_connection_too_many_is_closed(archive: Archive):
    async with house(archive, at_most=2) as at:
        open_ones = [await asyncio.open_connection(*at.beacon.bound) for _ in range(2)]
        for reader, writer in open_ones:
            writer.write(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 404")
        reader, writer = await asyncio.open_connection(*at.beacon.bound)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        for _, other in (*open_ones, (reader, writer)):
            other.close()


async def test_settings_change_while_it_runs(at: House):
    copy = await tracked_copy(at.archive)
    at.beacon.use(Tracking(port=0, link_preview=True, address_detail="none"))
    assert (await at.ask(f"/c/{copy.links[0]}"))[0].status == 200
    assert [fetch.address for fetch in await at.fetches(copy)] == [""]


async def test_a_port_that_is_taken_is_an_error(at: House):
    other = Beacon(Tracking(port=at.beacon.bound[1]), archive=at.archive, clock=lambda: LATER, new_id=new_id)
    with pytest.raises(OSError, match="in use"):
        await other.start()
    await other.stop(1)
