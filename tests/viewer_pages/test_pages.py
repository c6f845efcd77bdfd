"""The pages as the server makes them: who may see them, what they say, what they record."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from relay.archive.query import parse_query
from relay.model.delivery import State
from relay.model.event import Kind
from tests.support.viewer_house import LETTER, NOON, House, configured, open_house
from viewer.message.preview import POLICY
from viewer.pages import help

UNKNOWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


async def text_of(house: House, path: str, role: str = "administrator", status: int = 200) -> str:
    browser = await house.client(role)
    async with browser.get(path) as answer:
        assert answer.status == status
        return await answer.text()


async def test_an_empty_archive_teaches_where_to_point_an_application(house: House) -> None:
    page = await text_of(house, "/")
    assert "Waiting for the first message" in page
    assert "<dd>1025</dd>" in page
    assert "sent on" in page


async def test_a_search_without_result_says_so(house: House) -> None:
    await house.add()
    assert "No message matches" in await text_of(house, "/?q=nothinglikeit")


async def test_a_fault_in_a_search_is_marked_where_it_is(house: House) -> None:
    page = await text_of(house, "/?q=from:ann+(x", status=400)
    assert "from:ann <mark>(</mark>x" in page


async def test_a_fault_at_the_very_end_is_marked_too(house: House) -> None:
    assert "<mark>" in await text_of(house, "/?q=a+OR", status=400)


@pytest.mark.parametrize(
    "address", ["/?cursor=nonsense", "/?sort=nonsense", "/?limit=99999999999", "/?limit=-1", "/?q=%00"]
)
async def test_a_mistyped_address_shows_the_grid_all_the_same(house: House, address: str) -> None:
    await house.add()
    browser = await house.client()
    async with browser.get(address) as answer:
        assert answer.status in (200, 400)
        assert "search" in await answer.text()


async def test_a_cursor_of_another_search_begins_again(house: House) -> None:
    for _ in range(3):
        await house.add()
    browser = await house.client()
    async with browser.get("/?limit=2") as answer:
        page = await answer.text()
    cursor = page.partition("cursor=")[2].partition('"')[0]
    async with browser.get(f"/?q=invoice&cursor={cursor}") as answer:
        assert answer.status == 200


async def test_the_preview_has_a_policy_of_its_own(house: House) -> None:
    message_id = await house.add(b"Content-Type: text/html\r\n\r\n<p>x</p><script>a()</script>")
    browser = await house.client()
    async with browser.get(f"/messages/{message_id}/preview") as answer:
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert "<script" not in await answer.text()


async def test_a_message_that_is_not_kept_is_not_found(house: House) -> None:
    for path in ("", "/preview", "/resend"):
        await text_of(house, f"/messages/{UNKNOWN}{path}", status=404)


async def test_a_view_is_recorded_with_the_person_once(house: House) -> None:
    message_id = await house.add()
    browser = await house.client()
    for path in ("", "?tab=source", "/preview"):
        async with browser.get(f"/messages/{message_id}{path}") as answer:
            assert answer.status == 200
    views = await house.events(Kind.VIEWED)
    assert [(view.actor, view.message_id) for view in views] == [("user:administrator", message_id)]


async def test_the_next_message_is_the_next_of_the_search(house: House) -> None:
    first = await house.add()
    await house.add(LETTER.replace(b"invoice", b"quote"))
    third = await house.add()
    page = await text_of(house, f"/messages/{third}?q=invoice")
    assert f'rel="next" href="/messages/{first}?' in page


@pytest.mark.parametrize("path", ["/users", "/applications"])
@pytest.mark.parametrize("role", ["operator", "auditor"])
async def test_administration_is_for_administrators(house: House, path: str, role: str) -> None:
    await text_of(house, path, role, status=403)


async def test_an_auditor_cannot_resend_and_is_not_offered_to(house: House) -> None:
    message_id = await house.add()
    auditor = await house.client("auditor")
    async with auditor.get(f"/messages/{message_id}/resend") as answer:
        assert answer.status == 403
    async with auditor.get(f"/messages/{message_id}") as answer:
        assert "Send again" not in (await answer.text()).partition("<dialog")[0]


async def test_an_operator_cannot_export_and_is_not_offered_to(house: House) -> None:
    await house.add()
    assert "/exports" not in await text_of(house, "/", "operator")


async def test_without_an_upstream_the_reason_is_given(tmp_path: Path) -> None:
    async with open_house(configured(tmp_path / "data", upstream=False)) as house:
        message_id = await house.add()
        page = await text_of(house, f"/messages/{message_id}")
        assert "No upstream is configured" in page
        assert f"/messages/{message_id}/resend" not in page


async def test_a_resend_warns_when_the_message_was_sent_or_is_on_its_way(house: House) -> None:
    message_id = await house.add(recipients=("a@example.org", "b@example.org"), state=State.QUEUED)
    assert "still on its way to 2 recipients" in await text_of(house, f"/messages/{message_id}/resend")


async def test_help_explains_every_status(house: House) -> None:
    page = await text_of(house, "/help/statuses")
    for state in State:
        assert state.value.capitalize() in page
    assert "Sent is not delivered" in page


def test_every_search_that_help_shows_can_be_read() -> None:
    examples = [part for line, _ in help.SEARCH for part in line.replace("01J…", "01J").replace("…", "x").split("  ")]
    sheet = (Path(help.__file__).parent.parent / "templates" / "_search.html").read_text()
    examples += [unescape(code) for code in re.findall("<code>(.*?)</code>", sheet) if not code.endswith((":", "…"))]
    for example in examples:
        parse_query(example, now=NOON)


async def test_a_message_to_more_recipients_than_are_shown_has_a_page(house: House) -> None:
    message_id = await house.add(recipients=tuple(f"a{n}@example.org" for n in range(450)))
    assert "250 more recipients" in await text_of(house, f"/messages/{message_id}")


async def test_an_administrator_cannot_remove_the_last_one_by_removing_themselves(house: House) -> None:
    browser = await house.client()
    async with browser.get("/users") as answer:
        csrf = (await answer.text()).partition('name="csrf" value="')[2].partition('"')[0]
    for path in ("/users/remove", "/users/role"):
        async with browser.post(path, data={"csrf": csrf, "name": "administrator", "role": "auditor"}) as answer:
            assert answer.status == 409


async def test_what_is_wrong_with_a_new_user_or_application_is_said(house: House) -> None:
    browser = await house.client()
    async with browser.get("/users") as answer:
        csrf = (await answer.text()).partition('name="csrf" value="')[2].partition('"')[0]
    long = "a long enough password"
    for path, data, said in (
        ("/users", {"name": "a b", "password": long, "role": "auditor"}, "user name"),
        ("/users", {"name": "ab", "password": "short", "role": "auditor"}, "at least"),
        ("/users", {"name": "ab", "password": long, "role": "king"}, "one of the roles"),
        ("/users", {"name": "administrator", "password": long, "role": "auditor"}, "already"),
        ("/applications", {"name": "-x"}, "A name begins"),
        ("/applications", {"name": "x", "mode": "fly"}, "one of the modes"),
        ("/applications", {"name": "x", "senders": "a@b nonsense"}, "no sender rule"),
    ):
        async with browser.post(path, data={"csrf": csrf, **data}) as answer:
            assert answer.status == 400, data
            assert said in await answer.text(), data


@pytest.mark.parametrize("name", sorted(help.PAGES))
async def test_every_page_of_the_guide_is_there(house: House, name: str) -> None:
    page = await text_of(house, f"/help/{name}")
    assert str(help.PAGES[name].title) in unescape(page)
    assert f'href="/help/{name}"' in await text_of(house, "/help")


async def test_there_is_no_other_page_of_the_guide(house: House) -> None:
    client = await house.client()
    async with client.get("/help/nothing") as answer:
        assert answer.status == 404


async def test_every_link_to_the_guide_leads_to_a_page_and_a_place_of_it(house: House) -> None:
    templates = Path(help.__file__).parent.parent / "templates"
    texts = "".join(path.read_text() for path in templates.rglob("*.html"))
    for name, place in set(re.findall(r"""/help/([a-z-]+)#?([a-z-]*)""", texts)):
        page = await text_of(house, f"/help/{name}")
        assert not place or f'id="{place}"' in page
    for name, place in set(re.findall(r"ui\.guide\('([a-z-]+)#?([a-z-]*)'", texts)):
        page = await text_of(house, f"/help/{name}")
        assert not place or f'id="{place}"' in page
