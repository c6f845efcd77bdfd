from __future__ import annotations

import pytest

from tests.support.viewer_house import configured, open_house


@pytest.fixture
async def house(tmp_path):
    async with open_house(configured(tmp_path / "data")) as opened:
        yield opened


@pytest.mark.parametrize(
    ("q", "at", "start", "expected"),
    [
        ("stat", None, 0, ["status:"]),
        ("invoice -sta", None, 9, ["status:"]),
        ("status:fa", None, 0, ["status:failed"]),
        ("is:e", None, 0, ["is:edited", "is:erased"]),
        ("recipient:an", None, 0, ["recipient:ann@example.org"]),
        ("(to:a", None, 1, ["to:ann@example.org"]),
        ("application:s", None, 0, ["application:shop"]),
        ("from:shop", None, 0, ["from:shop@example.com"]),
        ("status:f order", 8, 0, ["status:failed"]),
        ("body:a", None, 0, []),
        ("", None, 0, []),
        ("nothing-like-it", None, 0, []),
        ('"a phrase" ', None, 11, []),
        ("%00\udcff", None, 0, []),
    ],
)
async def test_a_word_is_completed_where_the_cursor_stands(house, q, at, start, expected):
    await house.add()
    client = await house.client()
    given = {"q": q.encode("utf-8", "replace").decode()} | ({"at": str(at)} if at is not None else {})
    async with client.get("/api/suggest", params=given) as answer:
        assert answer.status == 200
        found = await answer.json()
    assert (found["start"], found["suggestions"]) == (start, expected)
    assert found["stop"] == (len(given["q"]) if at is None else at)


async def test_a_place_that_is_no_number_is_refused(house):
    client = await house.client()
    async with client.get("/api/suggest", params={"q": "a", "at": "x"}) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["field"] == "at"


async def test_nobody_is_told_anything_without_signing_in(house):
    async with house.browser().get("/api/suggest", params={"q": "to:a"}) as answer:
        assert answer.status == 401
