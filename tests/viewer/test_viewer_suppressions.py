"""The suppression list through the API, and as the message's and the resend page tell of it."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from relay.archive.api.suppression import Selection
from relay.model.delivery import State
from relay.model.event import Kind
from relay.model.suppression import Cause, Suppressed
from tests.support.openapi_check import problems
from tests.support.viewer_house import NOON, SECOND, House
from viewer.description.openapi import SCHEMAS

PATH = "/api/suppressions"


async def ask(
    program: aiohttp.ClientSession, method: str, path: str, schema: str, status: int = 200, **more: Any
) -> dict[str, Any]:
    """The JSON answer, which is what the description says."""
    async with program.request(method, path, **more) as answer:
        told: dict[str, Any] = await answer.json()
        assert answer.status == status, told
        assert problems(told, SCHEMAS[schema]) == []
        return told


def an_entry(house: House, address: str, **facts: Any) -> Suppressed:
    given = {"application": "shop", "cause": Cause.BOUNCE, "reason": "no such user", "created_by": "bounce"} | facts
    return Suppressed(house.new_id(), address, created_at=house.clock(), **given)


async def test_an_entry_is_added_shown_and_taken_off(house: House) -> None:
    program = await house.program()
    asked = {"address": "Jane@Example.com", "reason": "by phone", "expires_at": "2027-01-31", "application": "default"}
    added = await ask(program, "POST", PATH, "Suppression", 201, json=asked)
    assert (added["created_by"], added["cause"]) == ("user:administrator", "manual")
    assert added["expires_at"] == "2027-01-31T00:00:00.000000Z"
    assert await ask(program, "GET", f"{PATH}/{added['id']}", "Suppression") == added
    listed = await ask(program, "GET", PATH, "Suppressions")
    assert listed == {"suppressions": [added], "next": None}
    removed = await ask(program, "DELETE", f"{PATH}/{added['id']}?reason=wrote+to+us", "Suppression")
    assert removed == added
    await ask(program, "DELETE", f"{PATH}/{added['id']}", "Error", 404)
    await ask(program, "GET", f"{PATH}/{added['id']}", "Error", 404)
    [fact] = await house.events(Kind.SUPPRESSION_REMOVED)
    assert (fact.actor, fact.data["recipient"], fact.data["reason"]) == (
        "user:administrator",
        "Jane@Example.com",
        "wrote to us",
    )


async def test_the_list_is_filtered_and_goes_on(house: House) -> None:
    entries = [an_entry(house, f"u{n}@example.com") for n in range(3)]
    entries += [an_entry(house, "v@example.com", application="", cause=Cause.MANUAL, expires_at=NOON + SECOND)]
    await house.archive.add_suppressions(entries)
    program = await house.program("auditor")

    async def found(query: str) -> list[str]:
        told = await ask(program, "GET", f"{PATH}?{query}", "Suppressions")
        return [one["address"][0] for one in told["suppressions"]]

    assert await found("") == ["v", "u", "u", "u"]
    assert await found("text=U1@") == ["u"]
    assert await found("cause=manual") == ["v"]
    assert await found("application=") == ["v"]
    assert await found("application=shop&limit=2") == ["u", "u"]
    first = await ask(program, "GET", f"{PATH}?limit=3", "Suppressions")
    assert await found(f"limit=3&cursor={first['next']}") == ["u"]
    house.clock.now += 10 * SECOND
    assert await found("which=expired") == ["v"]
    assert await found("which=in-force") == ["u", "u", "u"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "address"),
        ({"address": "jane"}, "address"),
        ({"address": "a@b.example", "application": "nobody's"}, "application"),
        ({"address": "a@b.example", "reason": "two\nlines"}, "reason"),
        ({"address": "a@b.example", "expires_at": "soon"}, "expires_at"),
        ({"address": "a@b.example", "expires_at": "2020-01-01"}, "expires_at"),
        ({"address": 7}, "address"),
        ({"addresses": []}, "addresses"),
    ],
)
async def test_an_entry_that_says_nothing_clear_is_refused(house: House, asked: dict[str, Any], field: str) -> None:
    refused = await ask(await house.program(), "POST", PATH, "Error", 400, json=asked)
    assert refused["error"]["field"] == field


@pytest.mark.parametrize(
    ("asked", "field"), [({}, "csv"), ({"csv": 1}, "csv"), ({"csv": "", "skip_bad": 1}, "skip_bad"), ({"x": 1}, "x")]
)
async def test_an_import_that_says_nothing_clear_is_refused(house: House, asked: dict[str, Any], field: str) -> None:
    refused = await ask(await house.program(), "POST", f"{PATH}/import", "Error", 400, json=asked)
    assert refused["error"]["field"] == field


@pytest.mark.parametrize(
    ("query", "field"),
    [("cause=anger", "cause"), ("which=none", "which"), ("cursor=x", "cursor"), ("limit=0", "limit")],
)
async def test_a_list_that_says_nothing_clear_is_refused(house: House, query: str, field: str) -> None:
    refused = await ask(await house.program(), "GET", f"{PATH}?{query}", "Error", 400)
    assert refused["error"]["field"] == field


async def test_a_file_is_imported_whole_or_without_its_wrong_lines(house: House) -> None:
    program = await house.program()
    good, bad = "address,cause\nann@example.org,complaint\n", "bob,\n"
    refused = await ask(program, "POST", f"{PATH}/import", "Error", 400, json={"csv": good + bad})
    assert "line 3: 'bob' is not an address" in refused["error"]["message"]
    assert await house.archive.count_suppressions(Selection(NOON)) == 0
    told = await ask(program, "POST", f"{PATH}/import", "Imported", json={"csv": good + bad, "skip_bad": True})
    assert told == {"read": 1, "imported": 1, "problems": [{"line": 3, "message": "'bob' is not an address"}]}
    assert (await ask(program, "POST", f"{PATH}/import", "Imported", json={"csv": good}))["imported"] == 0
    async with (await house.program("auditor")).get(f"{PATH}/export?text=ann") as answer:
        assert answer.content_type == "text/csv"
        assert "ann@example.org,,complaint,," in await answer.text()
    [fact] = await house.events(Kind.EXPORTED)
    assert (fact.actor, fact.data["what"]) == ("user:auditor", "suppression list")


async def test_a_long_list_is_exported_in_pieces(house: House) -> None:
    entries = [an_entry(house, f"u{n}@example.com", reason="x" * 200) for n in range(1200)]
    await house.archive.add_suppressions(entries)
    async with (await house.program()).get(f"{PATH}/export") as answer:
        assert (await answer.text()).count("\r\n") == 1201


@pytest.mark.parametrize(
    ("method", "path", "may"),
    [
        ("GET", PATH, {"administrator", "operator", "auditor"}),
        ("POST", PATH, {"administrator"}),
        ("POST", f"{PATH}/import", {"administrator"}),
        ("GET", f"{PATH}/export", {"administrator", "auditor"}),
        ("DELETE", f"{PATH}/01ARZ3NDEKTSV4RRFFQ69G5FAV", {"administrator"}),
        ("GET", f"{PATH}/01ARZ3NDEKTSV4RRFFQ69G5FAV", {"administrator", "operator", "auditor"}),
    ],
)
async def test_administrators_change_the_list_and_others_see_it(
    house: House, method: str, path: str, may: set[str]
) -> None:
    for role in ("administrator", "operator", "auditor"):
        async with (await house.program(role)).request(method, path) as answer:
            assert (answer.status != 403) == (role in may), role


# -- where a message tells of it -----------------------------------------------------------------------------------
async def test_a_message_says_which_recipients_are_on_the_list(house: House) -> None:
    message_id = await house.add(recipients=("ann@example.org", "bob@example.org"))
    entry = an_entry(house, "ANN@example.org", reason="550 <b>gone</b>")
    await house.archive.add_suppressions([entry, an_entry(house, "bob@example.org", application="blog")])
    client = await house.client("operator")
    async with client.get(f"/messages/{message_id}") as answer:
        page = await answer.text()
    assert f'<b>ann@example.org</b> is on the <a href="/suppressions/{entry.id}">suppression list</a>' in page
    assert "550 &lt;b&gt;gone&lt;/b&gt;" in page
    assert "<b>bob@example.org</b> is on the" not in page
    assert "an administrator can take them off the list" in page


async def test_sending_again_warns_of_the_list_and_does_not_tick_who_is_on_it(house: House) -> None:
    recipients = tuple(f"r{n}@example.org" for n in range(7))
    message_id = await house.add(recipients=recipients, state=State.FAILED)
    await house.archive.add_suppressions([an_entry(house, address) for address in recipients[:6]])
    client = await house.client("administrator")
    async with client.get(f"/messages/{message_id}/resend") as answer:
        page = await answer.text()
    assert "1 more recipient is on it" in page
    assert 'value="r0@example.org">' in page
    assert 'value="r6@example.org" checked>' in page
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    form = [("csrf", csrf), ("recipient", "r0@example.org"), ("recipient", "r6@example.org"), ("how", "exact")]
    async with client.post(f"/messages/{message_id}/resend", data=form) as answer:
        page = await answer.text()
    assert "Queued again for 2 recipients. 1 of them is on the suppression list: recorded, not sent." in page
