"""Legal holds by API and page: they keep messages from whoever may delete, and are the administrator's to change."""

from __future__ import annotations

from relay.model.event import Kind
from tests.support.viewer_house import House


async def test_a_hold_by_search_keeps_a_message_from_deletion_until_it_ends(house: House):
    message_id, boss = await house.add(), await house.program()
    async with boss.post("/api/holds", json={"name": "Smith v. us", "reason": "the court"}) as answer:
        assert answer.status == 201, await answer.text()
        hold = await answer.json()
    async with boss.post("/api/holds", json={"name": "Smith v. us"}) as answer:
        assert answer.status == 400
    async with boss.post(f"/api/holds/{hold['id']}/place", json={"q": f"id:{message_id}"}) as answer:
        assert answer.status == 200, await answer.text()
        assert (await answer.json())["changed"] == 1
    async with boss.delete(f"/api/messages/{message_id}", params={"reason": "asked"}) as answer:
        assert answer.status == 409
        assert "legal hold" in await answer.text()
    async with (await house.client()).get("/holds") as answer:
        page = await answer.text()
    assert answer.status == 200
    assert "Smith v. us" in page
    assert "1 message" in page
    async with boss.post(f"/api/holds/{hold['id']}/end", params={"reason": "settled"}) as answer:
        assert answer.status == 200
    async with boss.post(f"/api/holds/{hold['id']}/end") as answer:
        assert answer.status == 409
    async with boss.delete(f"/api/messages/{message_id}", params={"reason": "asked"}) as answer:
        assert answer.status == 200
    (placed,) = await house.events(Kind.HOLD_PLACED)
    assert (placed.message_id, placed.data["hold"]) == (message_id, hold["id"])
    (ended,) = await house.events(Kind.HOLD_ENDED)
    assert ended.data["reason"] == "settled"
