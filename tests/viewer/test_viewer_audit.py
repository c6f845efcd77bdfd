from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable

import pytest

from relay.model.event import Event, Kind
from tests.support.viewer_house import House
from viewer.deeds import GROUPS, sentence


async def until(holds: Callable[[], Awaitable[bool]], deadline: float = 10.0) -> None:
    async with asyncio.timeout(deadline):
        while not await holds():
            await asyncio.sleep(0.01)


async def test_opening_a_message_is_recorded_once_however_often_it_is_reloaded(house: House):
    message_id = await house.add()
    browser = await house.client("operator")
    await browser.get(f"/messages/{message_id}")

    async def is_noted() -> bool:
        return len(await house.events(Kind.VIEWED)) == 1

    await until(is_noted)
    for _ in range(3):
        await browser.get(f"/messages/{message_id}")
    async with (await house.client("auditor")).get("/audit?kind=views") as answer:
        page = await answer.text()
    assert page.count("operator opened a message") == 1
    assert f'href="/messages/{message_id}"' in page


async def test_each_deed_is_told_in_a_sentence_newest_first(house: House):
    message_id = await house.add()
    operator, boss = await house.program("operator"), await house.program()
    await operator.post(f"/api/messages/{message_id}/tags", json={"add": ["vip"]})
    await boss.get("/api/export", params={"format": "csv", "q": "invoice"})
    await boss.delete(f"/api/messages/{message_id}", params={"reason": "the customer asked"})
    async with (await house.program("auditor")).get("/api/audit") as answer:
        told = [deed["sentence"] for deed in (await answer.json())["deeds"]]
    wanted = [
        "administrator deleted the content of a message: “the customer asked”",
        "administrator exported 1 message found by “invoice” as csv",
        "operator put vip on a message",
    ]
    assert [words for words in told if words in wanted] == wanted


async def test_it_is_filtered_paged_and_wrong_filters_are_named(house: House):
    auditor = await house.program("auditor")
    await house.archive.add_events(
        [Event(house.new_id(), house.clock(), Kind.EXPORTED, "user:anna", data={"count": n}) for n in range(5)]
    )
    async with auditor.get("/api/audit", params={"actor": "anna", "kind": "exports", "limit": "3"}) as answer:
        page = await answer.json()
    assert [deed["data"]["count"] for deed in page["deeds"]] == [4, 3, 2]
    query = {"actor": "user:anna", "cursor": page["next"], "from": "2026-11-24", "to": "2026-11-24"}
    async with auditor.get("/api/audit", params=query) as answer:
        page = await answer.json()
    assert [deed["data"]["count"] for deed in page["deeds"]] == [1, 0]
    assert page["next"] is None
    for field, value in (
        ("kind", "nothing"),
        ("message", "1"),
        ("from", "yesterday"),
        ("cursor", "x"),
        ("cursor", "9-"),
    ):
        async with auditor.get("/api/audit", params={field: value}) as answer:
            assert answer.status == 400
            assert (await answer.json())["error"]["field"] == field
    async with auditor.get("/audit?from=never") as answer:
        assert answer.status == 400
        assert "must be a day" in await answer.text()


async def test_the_csv_has_no_formula_and_is_itself_recorded(house: House):
    await house.archive.add_events(
        [Event(house.new_id(), house.clock(), Kind.TAGGED, "user:anna", data={"added": ["=1+1"], "address": "::1"})]
    )
    auditor = await house.program("auditor")
    async with auditor.get("/audit.csv", params={"actor": "anna"}) as answer:
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO((await answer.read()).decode("utf-8-sig"))))
    assert [row["what"] for row in rows] == ["anna put =1+1 on a message"]
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())
    (event,) = await house.events(Kind.EXPORTED)
    assert (event.actor, event.data["what"]) == ("user:auditor", "audit history")


async def test_only_who_may_see_the_audit_history_does(house: House):
    operator = await house.program("operator")
    for path in ("/audit", "/audit.csv", "/api/audit"):
        async with operator.get(path) as answer:
            assert answer.status == 403


@pytest.mark.parametrize("kind", sorted(Kind))
def test_every_kind_of_event_has_a_sentence(kind: Kind):
    words = str(sentence(Event("1", 0, kind, "user:anna", data={"reason": "r", "added": ["a"], "removed": ["b"]})))
    assert words
    assert "%" not in words


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        (Kind.VIEWED, {"what": "remote pictures"}, "anna loaded the remote pictures of a message in their browser"),
        (Kind.DOWNLOADED, {"what": "original"}, "anna saved a file: original"),
        (Kind.EXPORTED, {"what": "list", "format": "csv"}, "anna exported the list as csv"),
        (Kind.EXPORTED, {"count": 2, "format": "zip"}, "anna exported all messages, 2, as zip"),
        (Kind.RESENT, {"how": "edited", "recipients": ["a@b"]}, "anna sent an edited copy of a message to a@b"),
        (Kind.RESENT, {"how": "exact", "recipients": ["a@b"]}, "anna sent a message again to a@b"),
        (Kind.TAGGED, {"added": ["a"], "removed": ["b"]}, "anna put a on a message and took b off"),
        (Kind.TAGGED, {"removed": ["b"]}, "anna took b off a message"),
        (Kind.DELETION_REFUSED, {"reason": "no"}, "anna refused the deletion of a message: “no”"),
        (
            Kind.RETENTION_RUN,
            {"rules": {"a": {"deleted": 2, "kept": 1}, "b": {"deleted": 3, "kept": 0, "erased": 4, "stayed": 1}}},
            "anna went through the rules of retention: contents deleted 5, kept 1; facts erased 4, kept 1",
        ),
        (Kind.SETTING_CHANGED, {"key": "k", "before": None, "after": [1]}, "anna changed k from nothing to [1]"),
        (
            Kind.SETTING_CHANGED,
            {"key": "k", "before": "x" * 300, "after": "b"},
            f"anna changed k from {'x' * 199}… to b",
        ),
        (Kind.SETTING_CHANGED, {"key": "k", "before": {"a": 1, "b": "x"}}, "anna changed k from a: 1, b: x to nothing"),
        (Kind.ACCOUNT_CHANGED, {"user": "ben", "address": "::1"}, "anna changed who may come in: user: ben"),
        (Kind.ALERT_RAISED, {"words": "too many"}, "Alert: too many"),
        (Kind.SIGNED_IN, {"address": "::1"}, "anna signed in from ::1"),
        (Kind.SIGNED_OUT, {}, "anna: Signed out"),
    ],
)
def test_a_sentence_says_what_the_event_says(kind: Kind, data: dict[str, object], words: str):
    assert str(sentence(Event("1", 0, kind, "user:anna", data=data))) == words


def test_the_groups_name_no_kind_twice():
    kinds = [kind for _, group in GROUPS.values() for kind in group]
    assert len(kinds) == len(set(kinds))
