"""Erasing persons by pages and API: who may, what is shown before, two persons, what it leaves and tells."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay.archive import check_archive
from relay.model.access import Permission as P
from relay.model.access import Role, Scope, Share
from relay.model.delivery import State
from relay.model.event import Event, Kind
from relay.model.hold import Hold
from relay.notary.beside import clear
from relay.notary.erasing import Advance
from relay.notary.retention import Keeper
from tests.support.viewer_house import LETTER, House, configured, open_house
from viewer.work.jobs import JOBS, Job

ANN = "ann@example.org"
REASON = "asked in writing"
OTHER = LETTER.replace(b"ann@example.org", b"team@example.org").replace(b"Ann", b"Team")


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(configured(tmp_path / "data", two_person_delete=True)) as opened:
        yield opened


async def csrf_of(browser: aiohttp.ClientSession, path: str = "/account") -> str:
    async with browser.get(path) as answer:
        found = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
    assert found is not None
    return found[1]


async def run(house: House) -> None:
    """What the server does every two seconds."""
    folder = house.config.archive.path
    await Keeper((), 0, archive=house.archive, clock=house.clock, new_id=house.new_id, folder=folder).erase_due()


async def hold(house: House, name: str, message_id: str) -> Hold:
    made = Hold(house.new_id(), name, "", house.clock(), "user:boss")
    await house.archive.make_hold(made, Event(house.new_id(), house.clock(), Kind.HOLD_MADE, "user:boss"))
    placed = Event(house.new_id(), house.clock(), Kind.HOLD_PLACED, "user:boss", message_id)
    await house.archive.place_hold(made.id, [message_id], [placed])
    return made


async def looked(program: aiohttp.ClientSession, *addresses: str) -> dict[str, Any]:
    async with program.post("/api/erasures/looks", json={"addresses": addresses}) as answer:
        assert answer.status == 202, await answer.text()
        look = await answer.json()
    async with asyncio.timeout(10):
        while look["state"] in ("waiting", "running"):
            async with program.get(f"/api/erasures/looks/{look['id']}") as answer:
                look = await answer.json()
    assert look["state"] == "finished"
    return dict(look)


async def seen(browser: aiohttp.ClientSession, path: str) -> str:
    """The page of a look when it is over."""
    async with asyncio.timeout(10):
        while True:
            async with browser.get(path) as answer:
                page = await answer.text()
                assert answer.status == 200
            if "data-progress" not in page:
                return page


async def faults(house: House) -> list[str]:
    """What the check of the whole archive finds."""
    url = f"sqlite:///{house.config.archive.path}/archive.db"

    def checked() -> list[str]:
        return [str(fault) for progress in check_archive(url, processes=1) for fault in progress.faults]

    return await asyncio.to_thread(checked)


async def test_a_look_says_where_a_person_is_named_and_what_keeps_it(house: House) -> None:
    whole = await house.add(state=State.SENT)
    part = await house.add(OTHER, ("team@example.org", ANN), state=State.SENT)
    held = await house.add(state=State.SENT)
    waiting = await house.add(state=State.QUEUED)
    await house.add(OTHER, ("team@example.org",))
    case = await hold(house, "Case 7", held)
    boss = await house.program()
    async with boss.post("/api/suppressions", json={"address": ANN}) as answer:
        assert answer.status < 300
    look = await looked(boss, ANN, "nobody@example.org")
    found, nothing = look["found"]
    assert (found["messages"], found["whole"], found["parts"], found["kept"]) == (4, 1, 1, 2)
    assert found["places"] == {"recipient": 4, "sender": 0, "content": 3, "text": 0}
    assert (found["suppressions"], found["set_up"]) == (1, [])
    assert found["holds"] == [{"id": case.id, "name": "Case 7", "messages": 1}]
    assert [one["message_id"] for one in found["going"]] == [part, whole]
    assert [one["content_goes"] for one in found["going"]] == [False, True]
    assert [(one["message_id"], one["holds"]) for one in found["staying"]] == [(waiting, []), (held, [case.id])]
    assert "waits to be sent" in found["staying"][0]["kept_by"]
    assert "legal hold" in found["staying"][1]["kept_by"]
    assert found["first_at"] < found["last_at"]
    assert (nothing["messages"], nothing["first_at"]) == (0, None)


async def test_what_is_set_up_with_the_address_is_told_and_stays(house: House) -> None:
    boss = await house.program()
    await house.add_user(ANN, "member")
    (found,) = (await looked(boss, ANN))["found"]
    assert {"kind": "user", "name": ANN} in found["set_up"]
    browser = await house.client(name="second")
    data = {"csrf": await csrf_of(browser), "addresses": ANN}
    async with browser.post("/erasures/looks", data=data, allow_redirects=False) as answer:
        path = answer.headers["Location"]
    page = await seen(browser, path)
    assert "is yours to change" in page
    assert f'<a href="/users">{ANN}</a>' in page


async def test_a_person_is_erased_by_the_page_after_a_look(house: House) -> None:
    message_id = await house.add(state=State.SENT)
    held = await house.add(state=State.SENT)
    case = await hold(house, "Case 7", held)
    browser = await house.client()
    csrf = await csrf_of(browser, "/erasures")
    async with browser.post("/erasures/looks", data={"csrf": csrf, "addresses": " "}) as answer:
        assert answer.status == 400
        assert "give at least one address" in (await answer.text()).lower()
    async with browser.post("/erasures/looks", data={"csrf": csrf, "addresses": "ann"}) as answer:
        assert answer.status == 400
        assert "not an address: ann" in await answer.text()
    data = {"csrf": csrf, "addresses": f"{ANN}\n{ANN.upper()}"}
    async with browser.post("/erasures/looks", data=data, allow_redirects=False) as answer:
        assert answer.status == 303
        path = answer.headers["Location"]
    page = await seen(browser, path)
    assert f'<a href="/holds#hold-{case.id}">Case 7</a>' in page
    assert f'href="/messages/{held}"' in page
    assert f'href="/messages/{message_id}"' in page
    async with browser.post(path, data={"csrf": csrf, "reason": " "}) as answer:
        assert answer.status == 400
    async with browser.post(path, data={"csrf": csrf, "reason": f"{ANN} asked"}) as answer:
        assert answer.status == 400
        assert "names the person" in await answer.text()
    assert await house.archive.erasures(only_open=False) == []
    async with browser.post(path, data={"csrf": csrf, "reason": REASON, "suppress": "1"}) as answer:
        assert answer.status == 200
        one = str(answer.url.path)
        assert 'data-state="waiting"' in await answer.text()
    async with browser.post(path, data={"csrf": csrf, "reason": REASON}) as answer:
        assert "somebody asked for it already" in (await answer.text()).lower()
    await run(house)
    async with browser.get(one) as answer:
        page = await answer.text()
    assert ANN not in page
    assert "a person whose address is not kept" in page
    assert REASON in page
    assert "The person stays named in what had to stay" in page
    async with browser.get("/erasures") as answer:
        assert "Nothing to decide" in await answer.text()
    async with browser.get("/erasures?all=1") as answer:
        assert "Taken out of 1 message. 1 had to stay as it is." in await answer.text()
    async with browser.get("/audit?kind=deletions") as answer:
        page = await answer.text()
    assert f"asked for a person to be erased: “{REASON}”" in page
    assert "had a person erased from 1 message; 1 had to stay as it is" in page
    assert (await house.archive.message(message_id)).deletion is not None
    assert (await house.archive.message(held)).deletion is None


async def test_two_persons_one_asks_and_another_approves(two: House) -> None:
    await two.add(state=State.SENT)
    asker, boss = await two.client(name="asker"), await two.client(name="boss")
    csrf = await csrf_of(asker)
    async with asker.post("/erasures/looks", data={"csrf": csrf, "addresses": ANN}, allow_redirects=False) as answer:
        path = answer.headers["Location"]
    assert "Another person who may erase has to approve" in await seen(asker, path)
    async with asker.post(path, data={"csrf": csrf, "reason": REASON}) as answer:
        one, page = answer.url.path, await answer.text()
    assert "another person has to decide" in page
    assert 'value="approve"' not in page
    await run(two)
    (wanted,) = await two.archive.erasures(only_open=True)
    assert wanted.address == ANN
    async with asker.post("/erasures", data={"csrf": csrf, "decision": "approve", "request": wanted.id}) as answer:
        assert "1 was left alone" in await answer.text()
    async with boss.get(one) as answer:
        assert 'value="approve"' in await answer.text()
    csrf = await csrf_of(boss)
    for data in ({"decision": "approve"}, {"decision": "shrug", "request": wanted.id}):
        async with boss.post("/erasures", data={"csrf": csrf, **data}) as answer:
            assert answer.status == 400
    async with boss.post("/erasures", data={"csrf": csrf, "decision": "approve", "request": wanted.id}) as answer:
        assert "1 erasure approved" in await answer.text()
    await run(two)
    done = await two.archive.erasure(wanted.id)
    assert (done.asked_by, done.decided_by, done.erased, done.address) == ("user:asker", "user:boss", 1, None)
    decisions = [event.data for event in await two.events(Kind.ERASURE_DECIDED)]
    assert [(one["standing"], one["erasure"]) for one in decisions] == [("approved", wanted.id)]


async def test_a_request_is_refused_or_withdrawn_with_a_reason_that_is_kept(two: House) -> None:
    asker, boss = await two.program(), await two.client(name="boss")
    body = {"addresses": [ANN, "bob@example.org"], "reason": REASON}
    async with asker.post("/api/erasures", json=body) as answer:
        first, second = (await answer.json())["erasures"]
    assert (first["standing"], first["progress"]) == ("asked", None)
    async with asker.post(f"/api/erasures/{first['id']}/approve") as answer:
        assert answer.status == 409
    async with asker.post(f"/api/erasures/{first['id']}/refuse", params={"reason": f"{ANN} changed"}) as answer:
        assert (answer.status, (await answer.json())["error"]["field"]) == (400, "reason")
    async with asker.post(f"/api/erasures/{first['id']}/refuse", params={"reason": "a mistake"}) as answer:
        told = await answer.json()
    assert (told["standing"], told["address"]) == ("refused", None)
    async with asker.post(f"/api/erasures/{first['id']}/refuse") as answer:
        assert answer.status == 409
    csrf = await csrf_of(boss)
    data = {"csrf": csrf, "decision": "refuse", "request": second["id"], "answer": "not our customer"}
    async with boss.post("/erasures", data=data) as answer:
        assert "1 request closed" in await answer.text()
    async with boss.get("/erasures?all=1") as answer:
        page = await answer.text()
    assert "Withdrawn." in page
    assert "Refused." in page
    async with boss.get("/audit?kind=deletions") as answer:
        page = await answer.text()
    assert "withdrew a request to erase a person: “a mistake”" in page
    assert "boss refused the erasure of a person: “not our customer”" in page
    async with asker.get("/api/erasures") as answer:
        assert await answer.json() == {"erasures": []}
    async with asker.get("/api/erasures", params={"requests": "all"}) as answer:
        assert [one["id"] for one in (await answer.json())["erasures"]] == [second["id"], first["id"]]
    assert await faults(two) == []


async def test_a_program_has_it_done_and_sees_the_end(house: House) -> None:
    message_id = await house.add()
    boss = await house.program()
    async with boss.post("/api/erasures", json={"addresses": [ANN], "reason": REASON, "suppress": True}) as answer:
        assert answer.status == 202
        (one,) = (await answer.json())["erasures"]
    assert one["standing"] == "approved"
    await run(house)
    async with boss.get(f"/api/erasures/{one['id']}") as answer:
        told = await answer.json()
    assert (told["standing"], told["address"], told["erased"], told["kept"]) == ("done", None, 1, 0)
    assert (await house.archive.message(message_id)).deletion is not None
    (found,) = (await looked(boss, ANN))["found"]
    assert (found["messages"], found["suppressions"]) == (0, 0)
    async with boss.get("/api/suppressions") as answer:
        (entry,) = (await answer.json())["suppressions"]
    assert await faults(house) == []
    assert (entry["address"], entry["reason"]) == (f"erased-{one['id'].lower()}@erased.invalid", "erased")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reason": REASON}, "addresses"),
        ({"addresses": [], "reason": REASON}, "addresses"),
        ({"addresses": ANN, "reason": REASON}, "addresses"),
        ({"addresses": ["ann"], "reason": REASON}, "addresses"),
        ({"addresses": ["\ud800@example.org"], "reason": REASON}, "addresses"),
        ({"addresses": [f"{n}@example.org" for n in range(21)], "reason": REASON}, "addresses"),
        ({"addresses": ["a" * 2000 + "@example.org"], "reason": REASON}, "addresses"),
        ({"addresses": [ANN]}, "reason"),
        ({"addresses": [ANN], "reason": 7}, "reason"),
        ({"addresses": [ANN], "reason": "x" * 501}, "reason"),
        ({"addresses": [ANN], "reason": f"for {ANN}"}, "reason"),
        ({"addresses": [ANN], "reason": REASON, "suppress": "yes"}, "suppress"),
        ({"addresses": [ANN], "reason": REASON, "why": ""}, "why"),
    ],
)
async def test_what_is_wrong_is_refused_with_the_field(house: House, body: dict[str, Any], field: str) -> None:
    boss = await house.program()
    async with boss.post("/api/erasures", json=body) as answer:
        assert (answer.status, (await answer.json())["error"]["field"]) == (400, field)
    assert await house.archive.erasures(only_open=False) == []


async def test_only_who_sees_everything_and_has_the_permission_may(house: House) -> None:
    await house.add()
    await house.archive.put_role(Role("eraser", frozenset({P.READ, P.BODY, P.ERASE}), needs_scope=False), house.event())
    await house.archive.put_role(Role("blind", frozenset({P.READ, P.ERASE}), needs_scope=False), house.event())
    operator, eraser, blind = [await house.program(role) for role in ("operator", "eraser", "blind")]
    body = {"addresses": [ANN], "reason": REASON}
    for person, expected in ((operator, 403), (eraser, 202), (blind, 403)):
        async with person.post("/api/erasures/looks", json={"addresses": [ANN]}) as answer:
            assert answer.status == expected
    async with eraser.post("/api/erasures", json=body | {"suppress": True}) as answer:
        assert answer.status == 403
    user = await house.add_user("eraser", "eraser")
    narrowed = replace(user, scope=Scope((Share(applications=("shop",)),)))
    await house.archive.put_user(narrowed, house.event())
    for method, path in (
        ("GET", "/api/erasures"),
        ("POST", "/api/erasures"),
        ("POST", "/api/erasures/looks"),
        ("GET", "/erasures"),
    ):
        async with eraser.request(method, path, json=body if method == "POST" else None) as answer:
            assert answer.status == 403
            assert "your scope is narrower" in await answer.text()
    assert await house.archive.erasures(only_open=False) == []


async def test_what_another_person_looked_for_is_not_shown(house: House) -> None:
    boss = await house.program()
    look = await looked(boss, ANN)
    other = await house.client(name="other")
    async with other.get(f"/erasures/looks/{look['id']}") as answer:
        assert answer.status == 404
    async with boss.get(f"/api/tasks/{look['id']}") as answer:
        assert answer.status == 404


async def test_a_look_that_is_stopped_ends_and_changes_nothing(house: House) -> None:
    for _ in range(3):
        await house.add()
    browser = await house.client()
    csrf = await csrf_of(browser)
    many = " ".join(f"person{n}@example.org" for n in range(20))
    async with browser.post("/erasures/looks", data={"csrf": csrf, "addresses": many}, allow_redirects=False) as answer:
        path = answer.headers["Location"]
    task = path.rsplit("/", 1)[1]
    async with browser.post(f"/tasks/{task}/stop", data={"csrf": csrf}, allow_redirects=False) as answer:
        assert answer.headers["Location"] == path
    async with asyncio.timeout(10):
        while True:
            async with browser.get(f"/tasks/{task}", headers={"Accept": "application/json"}) as answer:
                if (await answer.json())["state"] not in ("waiting", "running"):
                    break
    async with browser.post(path, data={"csrf": csrf, "reason": REASON}) as answer:
        assert answer.status in (200, 409)


async def test_how_far_an_erasure_is_can_be_watched(house: House) -> None:
    await house.add()
    boss, browser = await house.program(), await house.client(name="second")
    async with boss.post("/api/erasures", json={"addresses": [ANN], "reason": REASON}) as answer:
        (one,) = (await answer.json())["erasures"]
    path = f"/erasures/{one['id']}"
    async with browser.get("/erasures") as answer:
        assert "About to be done" in await answer.text()
    house.advances[one["id"]] = Advance(looked=300, all=1000)
    async with browser.get(path) as answer:
        page = await answer.text()
    assert "300 of 1000 messages looked through" in page
    assert "Being done" in page
    house.advances[one["id"]] = Advance(looked=1000, all=1000, named=20, done=7)
    async with boss.get(f"/api/erasures/{one['id']}") as answer:
        assert (await answer.json())["progress"] == {"looked": 1000, "all": 1000, "named": 20, "done": 7}
    async with browser.get(f"{path}/progress") as answer, asyncio.timeout(10):
        await answer.content.readuntil(b"\n\n")
        first = await answer.content.readuntil(b"\n\n")
        assert b'"state":"running","done":7,"total":20,"told":"7 of 20 messages gone through."' in first
        await run(house)
        rest = await answer.content.read()
    assert b'"state":"finished"' in rest


async def test_an_export_under_way_is_not_offered_when_a_person_was_erased_meanwhile(house: House) -> None:
    folder = house.config.archive.path

    async def pieces(_job: Job) -> AsyncIterator[bytes]:
        yield b"ann"
        clear(folder)
        yield b"@example.org"

    job = house.app[JOBS].make(house.new_id(), "administrator", "", "zip", 1, "x.zip", pieces)
    async with asyncio.timeout(10):
        while not job.is_over:
            await job.changed.wait()
    assert job.state == "removed"
    assert list((folder / "exports").iterdir()) == []
    browser = await house.client()
    async with browser.get("/exports") as answer:
        assert "taken away" in await answer.text()


async def test_an_export_that_waits_to_be_fetched_is_taken_away_and_its_page_says_so(house: House) -> None:
    await house.add(state=State.SENT)
    browser = await house.client()
    csrf = await csrf_of(browser)
    async with browser.post("/exports", data={"csrf": csrf, "format": "zip"}, allow_redirects=False) as answer:
        path = answer.headers["Location"]
    async with asyncio.timeout(10):
        state = ""
        while state != "finished":
            async with browser.get(path, headers={"Accept": "application/json"}) as answer:
                state = (await answer.json())["state"]
    folder = house.config.archive.path / "exports"
    assert len(list(folder.iterdir())) == 1
    boss = await house.program()
    await boss.post("/api/erasures", json={"addresses": [ANN], "reason": REASON})
    await run(house)
    assert list(folder.iterdir()) == []
    async with browser.get(path) as answer:
        page = await answer.text()
    assert 'data-state="removed"' in page
    assert "Mail was erased meanwhile" in page
    async with browser.get(f"{path}/file") as answer:
        assert answer.status == 409
    async with browser.post(f"{path}/remove", data={"csrf": csrf}) as answer:
        assert answer.status == 200
