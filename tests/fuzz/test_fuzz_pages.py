"""Every page and every form, given nonsense for each name that our own code asks for: none is answered 500.

Deterministic. `MAILWITNESS_FUZZ=500` tries that many requests for each route.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import viewer
from tests.support.route_table import ROUTES
from tests.support.viewer_house import House, configured, open_house

ROUNDS = int(os.environ.get("MAILWITNESS_FUZZ", "3"))
HOME = Path(viewer.__file__).parent
ASKED = re.compile(r'(?:query|form|data|fields|given|asked|post)(?:\.get|\.getall|\.getone)?[(\[]"([a-z_]+)"')
NAMED = re.compile(r'name="([a-z_-]+)"')
NAMES = sorted(
    {name for path in HOME.rglob("*.py") for name in ASKED.findall(path.read_text())}
    | {name for path in HOME.rglob("*.html") for name in NAMED.findall(path.read_text())} - {"csrf"}
)
NONSENSE = (
    *("", " ", "0", "-1", "1", "9" * 40, "1e999", "NaN", "true", "null", "[]", "{}", "%", "%00", "\x00", "\r\n", "'"),
    *('"', "<b>", "\\", "../../etc/passwd", "a" * 5000, "\ud7ff", "\U0001f600", "\u202e", "\ufeff", "日本", "é" * 300),
    *("2026-13-40", "0000-00-00", "9999-12-31", "before:", "(((", "NOT", "a OR", '"', "-", "subject:", "tag:*", "*"),
    *("newest", "desc", "resend", "retry", "all", "on", "csv", "volume", "json", "a@b", "@", "a@b@c", "//evil.example"),
)
QUIET = ("POST /sign-out", "GET /live", "GET /oidc/return", "GET /tasks/{id}/progress")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(configured(tmp_path / "data")) as house:
        yield house


@pytest.mark.parametrize("way", ["GET", "POST"])
async def test_a_page_given_nonsense_says_so_and_does_not_fail(place: House, way: str) -> None:
    message_id = await place.add()
    delivery = (await place.archive.message(message_id)).deliveries[0].id
    client = await place.client()
    async with client.get("/account") as answer:
        found = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
    assert found
    dice, failed = random.Random(5), []
    known = {"id": message_id, "delivery_id": delivery, "number": "0", "part": "0", "address": "ann@example.org"}
    for route in sorted(ROUTES):
        method, path = route.split(" ")
        if method != way or "/api/" in path or route in QUIET or "progress" in path or path.endswith("/live"):
            continue
        for _ in range(ROUNDS):
            filled = re.sub(r"{(\w+)}", lambda part: place_of(part[1], known, dice), path)
            given = [(name, dice.choice(NONSENSE)) for name in dice.sample(NAMES, dice.randint(1, 12))]
            if way == "GET":
                request = client.get(filled, params=given, allow_redirects=False)
            else:
                request = client.post(filled, data=[*given, ("csrf", found[1])], allow_redirects=False)
            async with request as answer:
                if answer.status >= 500 and answer.status != 503:
                    failed.append((route, answer.status, given))
    assert failed == []


def place_of(name: str, known: dict[str, str], dice: random.Random) -> str:
    """Mostly what there is: beyond a 404 nothing is tried."""
    return known.get(name, "x") if dice.random() < 0.9 else dice.choice(("0", "..", "%00", "x" * 300))


def test_the_names_are_those_that_are_asked_for() -> None:
    assert {"q", "cursor", "reason", "name", "sort", "recipient"} <= set(NAMES)
