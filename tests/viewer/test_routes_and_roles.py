"""Every route of the application against roles: a table says what each takes, and a route that is not in it fails."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from relay.archive.api import User, WebSession
from relay.archive.content import stored
from relay.model.access import BUILT_IN, Permission, Role, Scope, Share
from relay.model.delivery import State
from relay.model.event import Event, Kind
from relay.rendition.extract import extract
from tests.support.archive_values import NOON, a_message, deliveries_of, make_id
from tests.support.route_table import ROUTES
from tests.support.viewer_house import House, configured, open_house

KEEP = ("POST /sign-out", "GET /oidc/return", "POST /account/single-sign-on/remove")
"""Not asked for: the browser would be signed out, or is refused for what it did not begin."""


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(configured(tmp_path / "data")) as house:
        yield house


def routes_of(house: House) -> list[str]:
    found = {
        f"{route.method} {route.resource.canonical}"
        for route in house.app.router.routes()
        if route.method != "HEAD" and route.resource is not None
    }
    return sorted(route for route in found if not route.startswith("GET /static/"))


class Visitor:
    """A browser of somebody, and a message to ask for."""

    def __init__(self, house: House, client: aiohttp.ClientSession) -> None:
        self._house = house
        self._client = client

    async def prepare(self) -> Visitor:
        self._message = await self._house.add(state=State.HELD)
        stored = await self._house.archive.message(self._message)
        self._delivery = stored.deliveries[0].id
        async with self._client.get("/account") as answer:
            found = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
        assert found
        self._headers = {"X-CSRF-Token": found[1], "Accept": "application/json"}
        return self

    def point_at(self, message_id: str, delivery_id: str) -> None:
        self._message, self._delivery = message_id, delivery_id

    async def text(self, route: str, query: dict[str, str]) -> str:
        path = self._path(route)
        async with self._client.get(path, params=query, allow_redirects=False) as answer:
            assert answer.status < 500, route
            return (await answer.read()).decode("utf-8", "replace")

    async def change(self, route: str, body: Mapping[str, object], *, is_json: bool) -> str:
        method, path = route.split(" ")[0], self._path(route)
        request = (
            self._client.request(method, path, headers=self._headers, allow_redirects=False, json=body)
            if is_json
            else self._client.request(method, path, headers=self._headers, allow_redirects=False, data=body)
        )
        async with request as answer:
            assert answer.status < 500, route
            return (await answer.read()).decode("utf-8", "replace")

    def _path(self, route: str) -> str:
        path = route.split(" ")[1]
        if route == "GET /reports/{report}":
            return "/reports/volume"
        values = {
            "id": self._message,
            "delivery_id": self._delivery,
            "number": "0",
            "part": "0",
            "operation": "retry",
            "kind": "resend",
            "report": "volume",
            "address": "ann@example.org",
        }
        return re.sub(r"{(\w+)}", lambda found: values.get(found[1], "nobody"), path)

    async def status(self, route: str) -> int:
        method, path = route.split(" ")[0], self._path(route)
        async with self._client.request(method, path, headers=self._headers, data=b"", allow_redirects=False) as answer:
            return answer.status


async def refusals(house: House, visitor: Visitor) -> dict[str, int]:
    return {route: await visitor.status(route) for route in routes_of(house) if route not in KEEP}


async def visitor_with(house: House, role: str, name: str) -> Visitor:
    return await Visitor(house, await house.client(role, name)).prepare()


async def test_no_route_is_missing_from_the_table(place: House) -> None:
    assert routes_of(place) == sorted(ROUTES)


OWN = Role("own", frozenset({Permission.READ, Permission.EXPORT, Permission.TAG}), needs_scope=False)


@pytest.mark.parametrize("role", [*BUILT_IN, OWN], ids=lambda role: role.name)
async def test_a_route_is_refused_to_those_and_only_those_who_lack_what_it_takes(place: House, role: Role) -> None:
    if role is OWN:
        await place.archive.put_role(role, place.event())
    if role.needs_scope:
        role = Role("everywhere", role.permissions, needs_scope=False)
        await place.archive.put_role(role, place.event())
    visitor = await visitor_with(place, role.name, "visitor")
    for route, status in (await refusals(place, visitor)).items():
        is_refused = not ROUTES[route] <= role.permissions
        assert (status == 403) is is_refused, f"{route}: {status}"
        assert status < 500, f"{route}: {status}"


async def test_a_member_without_a_scope_finds_no_message_by_any_route(place: House) -> None:
    visitor = await visitor_with(place, "member", "visitor")
    for route, status in (await refusals(place, visitor)).items():
        assert status < 500, f"{route}: {status}"
        if "/messages/{id}" in route or route.startswith(("GET /panel/{id}", "GET /view/{id}")):
            assert status in (400, 403, 404, 405, 409), f"{route}: {status}"


# -- what one application's people learn of another's -----------------------------------------------------------------
MARK = "quagga"
FOREIGN = (
    b"From: Quagga Zanzibar <quagga@lab.example>\r\nTo: quagga@far.example\r\nSubject: zanzibar quagga INV-77777\r\n"
    b"Message-ID: <quagga@lab.example>\r\nX-Tag: quagga\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; name=quagga.txt\r\n\r\nzanzibar quagga\r\n"
)
SEARCHES = ("", "zanzibar", "-application:shop", "is:held OR zanzibar", "(zanz) OR subject:zanzibar")


SCOPES = {
    "application": Share(applications=("shop",)),
    "sender": Share(senders=("shop@example.com",)),
    "tag": Share(tags=("ours",)),
}


async def foreigner(place: House, share: Share) -> tuple[Visitor, aiohttp.ClientSession]:
    """Somebody who may nearly everything, within a share that a message is outside of; points at that message."""
    message = a_message(1, content=stored(FOREIGN), application="lab-quagga", recipients=("quagga@far.example",))
    message = replace(message, envelope=replace(message.envelope, sender="quagga@lab.example"))
    held = deliveries_of(message, State.HELD)
    told = Event(make_id(1, 7), NOON, Kind.CAPTURED, "application:lab-quagga", message.id, data={"note": MARK})
    await place.archive.add_message(message, stored(FOREIGN), held, [told])
    await place.archive.add_summaries([(message.id, extract(FOREIGN))])
    permissions = frozenset(Permission) - {Permission.USERS, Permission.ADMINISTER}
    await place.archive.put_role(Role("most", permissions), place.event())
    user = User("visitor", "most", "", place.clock(), Scope((share,)))
    await place.archive.put_user(user, place.event())
    token = "again"
    digest = hashlib.sha256(token.encode()).digest()
    session = WebSession(digest, "visitor", place.clock(), place.clock() + 10**10, "127.0.0.1")
    await place.archive.add_session(session, place.event())
    client = place.browser(cookies={"mailwitness": token})
    visitor = await Visitor(place, client).prepare()
    visitor.point_at(message.id, held[0].id)
    return visitor, client


@pytest.mark.parametrize("share", SCOPES.values(), ids=SCOPES)
async def test_nothing_beyond_a_scope_is_told_by_any_route(place: House, share: Share) -> None:
    visitor, _ = await foreigner(place, share)
    asked = 0
    for route in routes_of(place):
        if route in KEEP or not route.startswith("GET ") or route.endswith(("/live", "/progress")):
            continue
        for q in SEARCHES if share.applications else SEARCHES[:2]:
            text = await visitor.text(route, {"q": q, "format": "csv", "id": make_id(1), "days": "3650"})
            asked += 1
            assert MARK not in text.lower(), f"{route} {q}: {text[max(0, text.lower().find(MARK) - 300) :][:600]}"
    assert asked > 100


@pytest.mark.parametrize("share", SCOPES.values(), ids=SCOPES)
async def test_nothing_beyond_a_scope_is_changed_or_told_by_any_route(place: House, share: Share) -> None:
    """By those that change something: with the message's id in the path, in the form and as JSON."""
    visitor, _ = await foreigner(place, share)
    before = await place.archive.message(make_id(1))
    events = await place.archive.events(message_id=make_id(1))
    for route in routes_of(place):
        if route in KEEP or route.startswith("GET "):
            continue
        bodies: list[dict[str, object]] = [
            {"message": make_id(1), "id": make_id(1), "q": "zanzibar", "all": "1", "reason": "because", "tag": "mine"},
            {"IDs": [make_id(1)], "messages": [make_id(1)], "q": "zanzibar", "reason": "because", "tags": ["mine"]},
        ]
        for body in bodies:
            text = await visitor.change(route, body, is_json="IDs" in body)
            assert MARK not in text.lower(), f"{route}: {text[max(0, text.lower().find(MARK) - 300) :][:600]}"
    assert await place.archive.message(make_id(1)) == before
    assert await place.archive.events(message_id=make_id(1)) == events
