"""Roles, groups and scopes in the browser: who may give what, and what it changes."""

from __future__ import annotations

import re

from relay.model.access import NOTHING, Group, Permission, Role, Scope, Share
from relay.model.event import Kind
from tests.support.viewer_house import House


async def press(client, path: str, status: int = 200, **fields) -> str:
    page = "/users"
    async with client.get(page) as answer:
        token = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
    data = [("csrf", token[1] if token else "")]
    for name, value in fields.items():
        data += [
            (name.replace("_", "-") if name[-1].isdigit() else name, one)
            for one in ([value] if isinstance(value, str) else value)
        ]
    async with client.post(path, data=data) as answer:
        text: str = await answer.text()
        assert answer.status == status, text
        return text


async def test_a_role_is_made_changed_and_removed(house: House) -> None:
    client = await house.client()
    assert "readers" in await press(client, "/roles", name="readers", permission=["read", "export"], needs_scope="1")
    assert await house.archive.roles() == [Role("readers", frozenset({Permission.READ, Permission.EXPORT}))]
    await press(client, "/roles", name="readers", permission=["read"])
    assert await house.archive.roles() == [Role("readers", frozenset({Permission.READ}), needs_scope=False)]
    assert "always there" in await press(client, "/roles", 400, name="member")
    await press(client, "/roles", 400, name="odd", permission="fly")
    await press(client, "/roles", 400, name="with space")
    await house.add_user("bob", "readers")
    await press(client, "/roles/readers/remove", 409)
    await house.archive.remove_user("bob", house.event())
    await press(client, "/roles/readers/remove")
    await press(client, "/roles/readers/remove", 404)
    assert await house.archive.roles() == []


async def test_a_user_gets_role_groups_and_scope(house: House) -> None:
    client = await house.client()
    await house.add_user("ann", "operator")
    await press(client, "/groups", name="support", role="auditor", applications_0="shop, crm", tags_1="red")
    assert await house.archive.groups() == [
        Group("support", "auditor", Scope((Share(("shop", "crm")), Share(tags=("red",)))))
    ]
    await press(client, "/users/ann/rights", role="member", group="support", senders_0="Ann@Example.com, @shop.example")
    user = await house.archive.user("ann")
    assert user is not None
    assert (user.role, user.groups) == ("member", ("support",))
    assert user.scope == Scope((Share(senders=("ann@example.com", "@shop.example")),))
    event = (await house.archive.events(after=0))[-1][1]
    assert (event.kind, event.data["before"]["role"], event.data["after"]["role"]) == (
        Kind.ACCOUNT_CHANGED,
        "operator",
        "member",
    )
    assert "no address" in await press(client, "/users/ann/rights", 400, role="member", senders_0="not an address")
    assert "must be one" in await press(client, "/users/ann/rights", 400, role="pope")
    await press(client, "/users/ann/rights", role="", seen="nothing")
    user = await house.archive.user("ann")
    assert user is not None
    assert (user.role, user.scope, user.groups) == ("", NOTHING, ())
    await press(client, "/users/administrator/rights", 409, role="member")
    await press(client, "/users/nobody/rights", 404, role="member")
    await press(client, "/groups/support/remove")
    await press(client, "/groups", 400, name="x y", role="member")
    await press(client, "/groups", 400, name="x", role="pope")


async def test_nobody_gives_what_they_do_not_have(house: House) -> None:
    keepers = Role("keepers", frozenset({Permission.READ, Permission.USERS}), needs_scope=False)
    await house.archive.put_role(keepers, house.event())
    client = await house.client("keepers", "kim")
    await house.add_user("admin", "administrator")
    await house.add_user("low", "keepers")
    for path, fields in (
        ("/users", {"name": "new", "password": "correct horse battery", "role": "administrator"}),
        ("/users/role", {"name": "low", "role": "operator"}),
        ("/users/role", {"name": "admin", "role": "keepers"}),
        ("/users/remove", {"name": "admin"}),
        ("/users/low/rights", {"role": "auditor"}),
        ("/roles", {"name": "keepers", "permission": ["read", "users", "delete"]}),
        ("/groups", {"name": "all", "role": "administrator"}),
    ):
        assert "do not have" in await press(client, path, 403, **fields)
    await press(client, "/users/low/rights", role="keepers")


async def test_an_account_is_switched_off_and_on(house: House) -> None:
    client = await house.client()
    theirs, program = await house.client("auditor", "ann"), await house.program("operator")
    await press(client, "/users/disabled", name="operator", disabled="1")
    assert "Switched off" in await press(client, "/users/disabled", name="ann", disabled="1")
    for browser, path, status in ((theirs, "/api/messages", 401), (program, "/api/messages", 401)):
        async with browser.get(path) as answer:
            assert answer.status == status
    await press(client, "/users/disabled", name="operator", disabled="0")
    async with program.get("/api/messages") as answer:
        assert answer.status == 200
    await press(client, "/users/disabled", 409, name="administrator", disabled="1")
    told = [event.data for event in await house.events(Kind.ACCOUNT_CHANGED) if "change" in event.data]
    assert [(one["change"], one["user"]) for one in told] == [
        ("user disabled", "operator"),
        ("user disabled", "ann"),
        ("user enabled", "operator"),
    ]


async def test_a_token_sees_no_more_applications_than_it_says(house: House) -> None:
    client = await house.client()
    await house.add()
    for applications, count in (("shop, crm", 1), ("crm", 0), ("", 1)):
        page = await press(client, "/account/tokens", name="reader", days="30", applications=applications)
        secret = re.search(r'id="secret">([^<]+)<', page)
        assert secret is not None
        program = house.browser(headers={"Authorization": f"Bearer {secret[1]}"})
        async with program.get("/api/messages") as answer:
            assert len((await answer.json())["messages"]) == count
    assert "shop, crm" in page


async def test_a_token_may_no_more_than_it_says(house: House) -> None:
    client = await house.client()
    page = await press(client, "/account/tokens", name="reader", days="30", permission=["read"])
    secret = re.search(r'id="secret">([^<]+)<', page)
    assert secret is not None
    program = house.browser(headers={"Authorization": f"Bearer {secret[1]}"})
    message_id = await house.add()
    for path, status in (
        (f"/api/messages/{message_id}", 200),
        (f"/api/messages/{message_id}/content", 403),
        ("/api/events", 403),
        ("/api/export?format=csv", 403),
    ):
        async with program.get(path) as answer:
            assert answer.status == status, path
    async with program.get("/api/messages") as answer:
        assert [row["snippet"] for row in (await answer.json())["messages"]] == [""]
    await press(client, "/account/tokens", 400, name="odd", permission="fly")
