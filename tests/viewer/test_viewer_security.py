"""Every route of the application, asked for by those who must not get it."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest
from yarl import URL

from relay.archive.api import WebSession
from relay.model.event import Kind
from tests.support.thoroughness import IS_THOROUGH
from tests.support.viewer_house import SECOND, House, configured, open_house
from viewer.keys import STATIC_PREFIX
from viewer.security import PUBLIC, SAFE_METHODS

Case = TypeVar("Case")
EXAMPLES = {"id": "01J00000000000000000000000", "delivery_id": "01J00000000000000000000000", "token": "abc"}


def all_routes(house: House) -> Iterator[tuple[str, str]]:
    """(method, path) of every route, with an example for each variable part."""
    for route in house.app.router.routes():
        assert route.resource is not None
        canonical = route.resource.canonical
        if canonical.startswith("/static/"):
            yield route.method, f"{canonical}/base.css"
        else:
            yield route.method, re.sub(r"{(\w+)}", lambda match: EXAMPLES.get(match[1], "1"), canonical)


def in_turn(number: int, cases: Sequence[Case], count: int) -> list[Case]:
    """So many of the cases, the next route's others: all routes pass the same guard. All of them in a thorough run."""
    return list(cases) if IS_THOROUGH else [cases[(number + n) % len(cases)] for n in range(count)]


def is_public(path: str) -> bool:
    return path in PUBLIC or path == "/sign-in/abc" or path.startswith("/static/")


async def test_without_signing_in_every_route_but_the_public_ones_refuses(house: House) -> None:
    browser = house.browser()
    asked = 0
    for method, path in all_routes(house):
        async with browser.request(method, path, allow_redirects=False) as answer:
            if is_public(path):
                continue
            asked += 1
            sent_away = answer.status == 303 and answer.headers["Location"].startswith("/sign-in")
            assert answer.status == 401 or (sent_away and method in SAFE_METHODS), (method, path, answer.status)
            assert "Your invoice" not in await answer.text()
    assert asked > 20


async def test_every_route_refuses_a_foreign_host(house: House) -> None:
    client = await house.client()
    hosts = ("attacker.example", "attacker.example:8025", "localhost.attacker.example", "")
    for n, (method, path) in enumerate(all_routes(house)):
        for host in in_turn(n, hosts, 1):
            async with client.request(method, path, headers={"Host": host}, allow_redirects=False) as answer:
                assert answer.status in (400, 421), (method, path, host, answer.status)


async def test_every_unsafe_route_refuses_a_foreign_origin(house: House) -> None:
    client, asked = await house.client(), 0
    foreign = [
        {"Origin": origin} for origin in ("https://attacker.example", "null", "", f"{house.url}.attacker.example")
    ]
    foreign += [{"Sec-Fetch-Site": site} for site in ("cross-site", "same-site")]
    for n, (method, path) in enumerate(all_routes(house)):
        if method in SAFE_METHODS:
            continue
        for headers in in_turn(n, foreign, 2):
            asked += 1
            async with client.request(method, path, headers=headers, allow_redirects=False) as answer:
                assert answer.status == 403, (method, path, headers, answer.status)
    assert asked > 20


async def test_every_unsafe_route_refuses_a_session_without_its_token(house: House) -> None:
    client, other = await house.client(), await house.client(name="other")
    foreign = await csrf_token(other)
    for n, (method, path) in enumerate(all_routes(house)):
        if method in SAFE_METHODS or is_public(path):
            continue
        for token in in_turn(n, ("", "x", "A" * 88, foreign), 1):
            async with client.request(method, path, data={"csrf": token}, allow_redirects=False) as answer:
                assert answer.status == 403, (method, path, answer.status)
            async with client.request(
                method, path, json={}, headers={"X-CSRF-Token": token}, allow_redirects=False
            ) as answer:
                assert answer.status == 403, (method, path, answer.status)


async def test_the_session_s_own_token_is_taken_from_form_and_header(house: House) -> None:
    client = await house.client()
    token = await csrf_token(client)
    async with client.post("/exports", data={"csrf": token, "format": "csv"}, allow_redirects=False) as answer:
        assert answer.status == 303
    async with client.post(
        f"/api/messages/{EXAMPLES['id']}/resend", json={}, headers={"X-CSRF-Token": token}
    ) as answer:
        assert answer.status == 404


async def test_the_csrf_token_looks_different_on_every_page(house: House) -> None:
    client = await house.client()
    assert await csrf_token(client) != await csrf_token(client)


async def test_a_foreign_page_cannot_open_the_event_stream(house: House) -> None:
    client = await house.client()
    for headers in ({"Origin": "https://attacker.example"}, {"Sec-Fetch-Site": "cross-site"}):
        headers["Accept"] = "text/event-stream"
        async with client.get("/live", headers=headers) as answer:
            assert answer.status == 403


async def test_a_link_from_another_site_may_be_followed(house: House) -> None:
    client = await house.client()
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    async with client.get("/", headers=headers) as answer:
        assert answer.status == 200
    async with client.get(
        "/api/messages", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    ) as answer:
        assert answer.status == 403


async def test_every_answer_carries_the_security_headers(house: House) -> None:
    client = await house.client()
    for path in ("/", "/sign-in", "/api/messages", "/api/nothing", "/nothing", "/healthz"):
        async with client.get(path) as answer:
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "same-origin"
            assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert "Permissions-Policy" in answer.headers
            assert answer.headers["Cache-Control"] == "no-store"
            assert "Server" not in answer.headers
            assert "Strict-Transport-Security" not in answer.headers


async def test_text_is_compressed_for_those_who_take_it(house: House) -> None:
    client = await house.client()
    for path in ("/", "/api/openapi.json"):
        async with client.get(path, headers={"Accept-Encoding": "gzip"}) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
        async with client.get(path, headers={"Accept-Encoding": "identity"}) as answer:
            assert "Content-Encoding" not in answer.headers


async def test_pages_of_administrators_are_for_no_one_else(house: House) -> None:
    for role in ("operator", "auditor", "stranger"):
        client = await house.client(role)
        for path in ("/users", "/applications"):
            async with client.get(path) as answer:
                assert answer.status == 403, (role, path)
    async with (await house.program("operator")).get("/api/events") as answer:
        assert answer.status == 403


async def test_static_files_are_kept_by_browsers_under_their_version(house: House) -> None:
    async with house.browser().get(f"{house.app[STATIC_PREFIX]}/base.css") as answer:
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
        etag = answer.headers["ETag"]
    path = f"{house.app[STATIC_PREFIX]}/base.css"
    async with house.browser().get(path, headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304
    async with house.browser().get(f"{house.app[STATIC_PREFIX]}/..%2f..%2fapp.py") as answer:
        assert answer.status in (403, 404)


async def test_a_bearer_token_needs_no_csrf_token_and_changes_things_under_api_only(house: House) -> None:
    program = await house.program()
    async with program.post(f"/api/messages/{EXAMPLES['id']}/resend", json={}) as answer:
        assert answer.status == 404
    async with program.get("/exports", allow_redirects=False) as answer:
        assert answer.status == 200
    for method, path in all_routes(house):
        if method not in SAFE_METHODS and not path.startswith("/api/") and not is_public(path):
            async with program.request(method, path, allow_redirects=False) as answer:
                assert answer.status == 401, (method, path)


@pytest.mark.parametrize("value", ["Bearer", "Bearer wrong", "bearer \xff", "BEARER " + "x" * 4000])
async def test_a_wrong_bearer_token_is_refused_even_with_a_session(house: House, value: str) -> None:
    client = await house.client()
    async with client.get("/api/messages", headers={"Authorization": value}) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_password_for_a_proxy_before_us_disturbs_no_session(house: House) -> None:
    client = await house.client()
    async with client.get("/api/messages", headers={"Authorization": "Basic YTpi"}) as answer:
        assert answer.status == 200


async def test_a_session_that_ran_out_is_no_session(house: House) -> None:
    client = await house.client()
    house.clock.now += 3601 * SECOND
    async with client.get("/api/messages") as answer:
        assert answer.status == 401


async def test_roles_may_what_they_may_and_no_more(house: House) -> None:
    message_id = await house.add()
    resend, exports = f"/api/messages/{message_id}/resend", "/api/export?format=csv"
    for role, may_resend, may_export in (
        ("administrator", 202, 200),
        ("operator", 202, 403),
        ("auditor", 403, 200),
        ("stranger", 403, 403),
    ):
        program = await house.program(role)
        async with program.post(resend, json={}) as answer:
            assert answer.status == may_resend, role
        async with program.get(exports) as answer:
            assert answer.status == may_export, role
        async with program.get("/api/messages") as answer:
            assert answer.status == (403 if role == "stranger" else 200), role


async def test_an_oversized_body_is_refused(house: House) -> None:
    async with house.browser().post("/sign-in", data={"name": "a", "password": "x" * 100_000}) as answer:
        assert answer.status == 413
    program = await house.program()
    async with program.post(
        f"/api/messages/{EXAMPLES['id']}/resend", json={"edit": {"text": "x" * 9_000_000}}
    ) as answer:
        assert answer.status == 413
        assert (await answer.json())["error"]["status"] == 413


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=b", "application/xml", ""])
async def test_bodies_that_another_site_could_send_are_not_read(house: House, content_type: str) -> None:
    program = await house.program()
    async with program.post(
        f"/api/messages/{EXAMPLES['id']}/resend", data=b'{"recipients": null}', headers={"Content-Type": content_type}
    ) as answer:
        assert answer.status == 415


async def test_metrics_are_for_loopback_but_not_through_an_unknown_proxy(house: House) -> None:
    browser = house.browser()
    async with browser.get("/metrics") as answer:
        assert answer.status == 200
        assert "mailwitness_smtp_sessions" in await answer.text()
    for headers in ({"X-Forwarded-For": "203.0.113.5"}, {"Forwarded": "for=203.0.113.5"}, {"X-Forwarded-For": ""}):
        async with browser.get("/metrics", headers=headers) as answer:
            assert answer.status == 403


async def test_health_needs_no_sign_in(house: House) -> None:
    browser = house.browser()
    for path in ("/healthz", "/readyz"):
        async with browser.get(path) as answer:
            assert answer.status == 200


async def test_behind_https_the_cookie_is_secure_and_bound_to_the_host(tmp_path: Path) -> None:
    config = configured(tmp_path / "data", url="https://mail.example.org", trusted_proxies=("127.0.0.1/32",))
    async with open_house(config) as house:
        token = "the-token"
        user = await house.add_user("ann", "auditor")
        digest = hashlib.sha256(token.encode()).digest()
        session = WebSession(digest, user.name, house.clock(), house.clock() + 60 * SECOND, "127.0.0.1")
        await house.archive.add_session(session, house.event())
        headers = {"Host": "mail.example.org", "Cookie": f"__Host-mailwitness={token}"}
        async with house.browser().get("/api/messages", headers=headers) as answer:
            assert answer.status == 200
            assert "max-age" in answer.headers["Strict-Transport-Security"]
        headers["Cookie"] = f"mailwitness={token}"
        async with house.browser().get("/api/messages", headers=headers) as answer:
            assert answer.status == 401
        proxied = {"Host": "mail.example.org", "X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
        async with house.browser().get("/metrics", headers=proxied) as answer:
            assert answer.status == 403
        form = {"name": "ann", "password": "wrong"}
        async with house.browser().post(
            "/sign-in", data=form, headers={**proxied, "Origin": "https://mail.example.org"}
        ) as answer:
            assert answer.status == 401
        refused = await house.events(Kind.SIGN_IN_REFUSED)
        assert refused[0].data["address"] == "203.0.113.9"


async def test_configured_host_names_are_ours(tmp_path: Path) -> None:
    async with open_house(configured(tmp_path / "data", hosts=("mail.internal",))) as house:
        for host, status in (
            ("mail.internal", 200),
            ("MAIL.internal:8025", 200),
            ("[::1]:1", 200),
            ("mail.other", 421),
        ):
            async with house.browser().get("/healthz", headers={"Host": host}) as answer:
                assert answer.status == status, host


def raw_request(house: House, octets: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", house.port), timeout=5) as connection:
        connection.sendall(octets)
        return connection.recv(65536)


@pytest.mark.parametrize(
    "octets",
    [
        b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: attacker.example\r\nConnection: close\r\n\r\n",
        b"GET http://attacker.example/healthz HTTP/1.1\r\nHost: attacker.example\r\nConnection: close\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: [::1\r\nConnection: close\r\n\r\n",
    ],
)
async def test_requests_without_one_host_of_ours_are_refused(house: House, octets: bytes) -> None:
    answer = await asyncio.to_thread(raw_request, house, octets)
    assert answer.split(b" ")[1] in (b"400", b"421")


async def test_unknown_paths_and_odd_ids_are_404_and_never_500(house: House) -> None:
    client = await house.client()
    odd = ("%00", "..%2f..%2fetc", "01j00000000000000000000000", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "%ff", "1" * 5000)
    for path in odd:
        async with client.get(f"/api/messages/{path}") as answer:
            assert answer.status == 404, path
            assert (await answer.json())["error"]["status"] == 404
        async with client.get(URL(f"{house.url}/exports/{path}", encoded=True)) as answer:
            assert answer.status == 404, path


async def csrf_token(client: aiohttp.ClientSession) -> str:
    async with client.get("/exports") as answer:
        found = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
    assert found is not None
    return found[1]
