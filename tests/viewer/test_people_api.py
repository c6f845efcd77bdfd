"""People and what is set in the browser, changed by programs: as the pages do it, and no further."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from relay.model.access import Permission, Role
from relay.model.event import Kind
from tests.support.forms import press
from tests.support.openapi_check import problems
from tests.support.viewer_house import House
from viewer.description.openapi import SCHEMAS


async def ask(
    client: aiohttp.ClientSession, method: str, path: str, schema: str, body: Any = None, status: int = 200
) -> Any:
    """The answer, which must have that status and be valid by the description's schema."""
    async with client.request(method, path, json=body) as answer:
        value = await answer.json()
        assert answer.status == status, value
    assert problems(value, SCHEMAS[schema]) == []
    return value


async def test_a_person_is_added_changed_switched_off_and_removed(house: House) -> None:
    program = await house.program()
    scope = [{"applications": ["shop"], "senders": ["@example.com"], "tags": []}]
    given = {"name": "ben", "role": "member", "scope": scope, "password": "a long enough password"}
    made = await ask(program, "POST", "/api/users", "User", given, 201)
    assert (made["role"], made["scope"], made["has_password"]) == ("member", scope, True)
    assert (await ask(program, "GET", "/api/users/ben", "User")) == made
    await house.client("member", "ben")
    off = await ask(program, "PUT", "/api/users/ben", "User", {"disabled": True})
    assert off["disabled_at"] is not None
    again = await ask(program, "PUT", "/api/users/ben", "User", {"disabled": False, "scope": None})
    assert (again["disabled_at"], again["scope"], again["role"]) == (None, None, "member")
    assert [one["name"] for one in (await ask(program, "GET", "/api/users", "Users"))["users"]] == [
        "administrator",
        "ben",
    ]
    await ask(program, "DELETE", "/api/users/ben", "User")
    await ask(program, "GET", "/api/users/ben", "Error", status=404)
    changes = [event.data["change"] for event in await house.events(Kind.ACCOUNT_CHANGED) if "change" in event.data]
    assert changes[-4:] == ["user added", "rights changed", "rights changed", "user removed"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "b b", "role": "member"}, "name"),
        ({"name": "administrator", "role": "member"}, "name"),
        ({"name": "ben", "role": "king"}, "role"),
        ({"name": "ben"}, "role"),
        ({"name": "ben", "role": 1}, "role"),
        ({"name": "ben", "role": "member", "password": "short"}, "password"),
        ({"name": "ben", "role": "member", "groups": ["none"]}, "groups"),
        ({"name": "ben", "role": "member", "groups": "none"}, "groups"),
        ({"name": "ben", "role": "member", "disabled": 1}, "disabled"),
        ({"name": "ben", "role": "member", "scope": {}}, "scope"),
        ({"name": "ben", "role": "member", "scope": [{}]}, "scope"),
        ({"name": "ben", "role": "member", "scope": [{"colour": ["red"]}]}, "scope"),
        ({"name": "ben", "role": "member", "scope": [{"senders": ["x"]}]}, "scope"),
        ({"name": "ben", "role": "member", "scope": [{"tags": [""]}]}, "scope"),
        ({"name": "ben", "role": "member", "scope": [{"tags": ["a\0b"]}]}, "scope"),
        ({"name": "ben", "role": "member", "colour": "red"}, "colour"),
    ],
)
async def test_what_is_wrong_with_a_person_is_named(house: House, body: Any, field: str) -> None:
    refused = await ask(await house.program(), "POST", "/api/users", "Error", body, 400)
    assert refused["error"]["field"] == field


async def test_the_last_who_manages_people_cannot_take_that_from_themselves_by_their_role(house: House) -> None:
    mine = Role("keeper", frozenset({Permission.USERS, Permission.READ}), needs_scope=False)
    await house.archive.put_role(mine, house.event())
    program = await house.program("keeper")
    less = {"permissions": ["read"], "needs_scope": False}
    refused = await ask(program, "PUT", "/api/roles/keeper", "Error", less, 409)
    assert (
        refused["error"]["message"]
        == "Nobody would be left who may manage people. Make somebody else an administrator first."
    )
    assert await house.archive.roles() == [mine]


async def test_nobody_gives_what_they_lack_nor_changes_themselves(house: House) -> None:
    await house.archive.put_role(Role("keeper", frozenset({Permission.USERS}), needs_scope=False), house.event())
    await house.add_user("ann", "administrator")
    program = await house.program("keeper")
    await ask(program, "POST", "/api/users", "Error", {"name": "ben", "role": "operator"}, 403)
    await ask(program, "PUT", "/api/roles/more", "Error", {"permissions": ["delete"]}, 403)
    await ask(program, "PUT", "/api/groups/more", "Error", {"role": "administrator"}, 403)
    await ask(program, "PUT", "/api/users/ann", "Error", {"disabled": True}, 403)
    await ask(program, "DELETE", "/api/users/keeper", "Error", status=409)
    await ask(program, "POST", "/api/users", "User", {"name": "ben", "role": "keeper"}, 201)


async def test_roles_and_groups_come_and_go(house: House) -> None:
    program = await house.program()
    role = await ask(program, "PUT", "/api/roles/support", "Role", {"permissions": ["read", "body"]})
    assert role["needs_scope"] is True
    group = {"role": "support", "scope": [{"applications": ["shop"]}]}
    await ask(program, "PUT", "/api/groups/desk", "Group", group)
    await ask(program, "POST", "/api/users", "User", {"name": "ben", "groups": ["desk"]}, 201)
    assert (await ask(program, "GET", "/api/groups", "Groups"))["groups"][0]["users"] == ["ben"]
    assert "support" in [one["name"] for one in (await ask(program, "GET", "/api/roles", "Roles"))["roles"]]
    await ask(program, "DELETE", "/api/roles/support", "Error", status=409)
    await ask(program, "DELETE", "/api/groups/desk", "Group")
    await ask(program, "DELETE", "/api/groups/desk", "Error", status=404)
    await ask(program, "DELETE", "/api/roles/support", "Role")
    await ask(program, "DELETE", "/api/roles/support", "Error", status=404)
    refused = await ask(program, "PUT", "/api/roles/member", "Error", {"permissions": []}, 400)
    assert refused["error"]["field"] == "name"
    refused = await ask(program, "PUT", "/api/roles/x", "Error", {"permissions": ["fly"]}, 400)
    assert refused["error"]["field"] == "permissions"


async def test_references_and_alert_rules_come_and_go(house: House) -> None:
    program = await house.program()
    given = {"pattern": r"INV-\d+", "link": "https://erp.example.com/{code}", "where": ["subject"]}
    made = await ask(program, "PUT", "/api/references/invoice", "Reference", given)
    assert made == {"name": "invoice", "in_file": False, **given}
    assert (await ask(program, "GET", "/api/references", "References"))["references"] == [made]
    refused = await ask(program, "PUT", "/api/references/x", "Error", {"pattern": "("}, 400)
    assert refused["error"]["field"] == "pattern"
    refused = await ask(program, "PUT", "/api/references/x", "Error", {"pattern": "a", "link": None}, 400)
    assert refused["error"]["field"] == "link"
    assert await ask(program, "DELETE", "/api/references/invoice", "Reference") == made
    await ask(program, "DELETE", "/api/references/invoice", "Error", status=404)
    rule = {"rule": "bounce-rate", "above": 5, "window": "1h", "at_least": 20, "mail_to": ["ops@example.com"]}
    made = await ask(program, "PUT", "/api/alerts/rules/bounces", "AlertRule", rule)
    assert made == {"name": "bounces", "application": "", "in_file": False, **rule}
    assert (await ask(program, "GET", "/api/alerts/rules", "AlertRules"))["rules"] == [made]
    refused = await ask(program, "PUT", "/api/alerts/rules/x", "Error", {"rule": "weather"}, 400)
    assert refused["error"]["field"] == "rule"
    await ask(program, "DELETE", "/api/alerts/rules/bounces", "AlertRule")


async def test_an_applications_switches_are_set_and_taken_back(house: House) -> None:
    program, browser = await house.program(), await house.client()
    await ask(program, "GET", "/api/applications/crm/settings", "Error", status=404)
    await press(browser, "/applications", [("name", "crm"), ("mode", ""), ("senders", ""), ("tags", "")])
    path = "/api/applications/crm/settings"
    before = await ask(program, "GET", path, "ApplicationSettings")
    given = {"opens": True, "priority": "bulk", "max_messages_per_hour": 7, "senders": ["@example.com"], "tags": ["a"]}
    made = await ask(program, "PUT", path, "ApplicationSettings", given)
    assert made == before | given
    assert await ask(program, "PUT", path, "ApplicationSettings", {}) == before
    for wrong in ({"opens": "yes"}, {"priority": "x"}, {"max_messages_per_hour": -1}, {"senders": ["x y"]}):
        refused = await ask(program, "PUT", path, "Error", wrong, 400)
        assert [refused["error"]["field"]] == list(wrong)


async def test_a_message_is_explained(house: House) -> None:
    letter = (
        b"Received: from a.example by b.example with ESMTP; Tue, 24 Nov 2026 12:00:00 +0000\r\n"
        b"From: a@example.com\r\nTo: b@example.org\r\nSubject: Meeting\r\nMessage-ID: <m@example.com>\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n"
        b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Lunch\r\n"
        b"DTSTART:20261124T120000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    message_id = await house.add(letter)
    answer = await house.add(
        letter.replace(b"<m@", b"<n@").replace(b"Subject:", b"In-Reply-To: <m@example.com>\r\nSubject:")
    )
    program, path = await house.program("auditor"), f"/api/messages/{message_id}"
    told = await ask(program, "GET", f"{path}/headers", "HeadersExplained")
    assert told["fields"][1] == {
        "name": "From",
        "value": "a@example.com",
        "meaning": "The author, as mail programs show it. Nothing checks it but DMARC.",
        "items": [],
    }
    assert told["hops"][0]["by"] == "b.example"
    sessions = (await ask(program, "GET", f"{path}/conversation", "Conversations"))["sessions"]
    assert "RCPT TO:<ann@example.org>" in [line["text"] for line in sessions[0]["lines"]]
    (calendar,) = (await ask(program, "GET", f"{path}/calendar", "Calendars"))["calendars"]
    assert calendar["events"][0]["title"] == "Lunch"
    found = (await ask(program, "GET", f"{path}/related", "Related"))["related"]
    assert {one["kind"]: [row["id"] for row in one["messages"]] for one in found}["thread"] == [answer]
