"""Messages that belong to one: conversation, reference, copies sent again, mailing; and the tabs of what is kept."""

from __future__ import annotations

from dataclasses import replace

from relay.archive.query import Or, Query, Term, format_query
from relay.model.access import Permission
from relay.model.summary import Reference
from relay.rendition.extract import extract
from tests.support.viewer_house import House
from viewer.message.related import MAX_IDS, SHOWN, queries, related
from viewer.pages.tabs import NEEDS


def letter(subject: str, message_id: str, **fields: str) -> bytes:
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"From: a@example.com\r\nSubject: {subject}\r\nMessage-ID: <{message_id}>\r\n{more}\r\nhi\r\n".encode()


async def found(house: House, message_id: str) -> dict[str, list[str]]:
    stored = await house.archive.message(message_id)
    return {one.kind: [row.id for row in one.rows] for one in await related(house.archive, stored)}


async def test_a_conversation_is_found_from_each_of_its_messages(house: House) -> None:
    first = await house.add(letter("Offer", "1@x.example"))
    second = await house.add(
        letter("Re: Offer", "2@x.example", In_Reply_To="<1@x.example>", References="<1@x.example>")
    )
    third = await house.add(
        letter("Re: Re: Offer", "3@x.example", In_Reply_To="<2@x.example>", References="<1@x.example> <2@x.example>")
    )
    other = await house.add(letter("Lunch", "4@x.example"))
    assert set((await found(house, first))["thread"]) == {second, third}
    assert set((await found(house, second))["thread"]) == {first, third}
    assert set((await found(house, third))["thread"]) == {first, second}
    assert "thread" not in await found(house, other)


async def test_messages_of_one_reference_belong_together(house: House) -> None:
    ids = [await house.add(letter(f"INV {n}", f"r{n}@x.example"), indexed=False) for n in range(3)]
    for n, message_id in enumerate(ids):
        summary = extract(letter(f"INV {n}", f"r{n}@x.example"))
        await house.archive.add_summaries([(message_id, replace(summary, references=(Reference("invoice", "INV-7"),)))])
    assert set((await found(house, ids[0]))["reference"]) == set(ids[1:])


async def test_a_mailing_is_shown_in_part_with_the_search_for_all_of_it(house: House) -> None:
    ids = [
        await house.add(letter("Autumn", f"m{n}@x.example", X_Mailwitness_Mailing="autumn")) for n in range(SHOWN + 3)
    ]
    (group,) = await related(house.archive, await house.archive.message(ids[0]))
    assert (group.kind, len(group.rows), group.has_more) == ("mailing", SHOWN, True)
    browser = await house.client()
    async with browser.get(f"/messages/{ids[0]}?tab=related") as got:
        page = await got.text()
    assert "Same mailing" in page
    assert "All of them in the list" in page
    async with browser.get("/api/messages", params={"q": group.q}) as got:
        assert len((await got.json())["messages"]) == SHOWN + 3


async def test_an_edited_copy_and_its_original_name_each_other(house: House) -> None:
    original = await house.add()
    program = await house.program()
    children = []
    for subject in ("one", "two"):
        body = {"recipients": ["b@example.org"], "edit": {"subject": subject}}
        async with program.post(f"/api/messages/{original}/resend", json=body) as got:
            children.append((await got.json())["message_id"])
    assert set((await found(house, original))["resent"]) == set(children)
    assert set((await found(house, children[0]))["resent"]) == {original, children[1]}
    browser = await house.client()
    async with browser.get(f"/messages/{children[0]}?tab=related") as got:
        assert "this one was edited from it" in await got.text()


async def test_a_message_that_is_not_indexed_yet_has_no_searches(house: House) -> None:
    message_id = await house.add(indexed=False)
    assert list(queries(await house.archive.message(message_id), None)) == []
    assert await found(house, message_id) == {}


async def test_a_message_that_names_no_other_says_so(house: House) -> None:
    message_id = await house.add(b"Subject: alone\r\n\r\nhi\r\n")
    browser = await house.client()
    async with browser.get(f"/messages/{message_id}?tab=related") as got:
        assert "No other message belongs to this one" in await got.text()


async def test_ids_are_bounded_and_nonsense_is_left_out(house: House) -> None:
    many = " ".join(f"<{n}@many.example>" for n in range(100))
    message_id = await house.add(letter("x", "***", References=many, In_Reply_To="<" + "y" * 999 + ">"))
    (kind, query), *_ = queries(await house.archive.message(message_id), None)
    assert kind == "thread"
    assert isinstance(query.root, Or)
    assert len(query.root.nodes) == MAX_IDS + 2


async def test_one_reference_needs_no_brackets(house: House) -> None:
    message_id = await house.add()
    stored = await house.archive.message(message_id)
    assert stored.summary is not None
    one = replace(stored, summary=replace(stored.summary, references=(Reference("i", "A-1"),)))
    assert ("reference", Query(Term("ref", "A-1", True))) in list(queries(one, None))
    two = replace(one, summary=replace(stored.summary, references=(Reference("i", "A-1"), Reference("i", "A-2"))))
    assert 'ref:"A-1" OR ref:"A-2"' in [format_query(query) for _, query in queries(two, None)]


async def test_the_smtp_tab_tells_how_it_came(house: House) -> None:
    message_id = await house.add()
    browser = await house.client()
    async with browser.get(f"/messages/{message_id}?tab=smtp") as got:
        page = await got.text()
    assert "MAIL FROM:&lt;shop@example.com&gt;" in page
    assert f"250 2.0.0 queued as {message_id}" in page


async def test_header_fields_are_filtered_by_the_address_alone(house: House) -> None:
    message_id = await house.add()
    browser = await house.client()
    async with browser.get(f"/messages/{message_id}?tab=headers&find=INVOICE") as got:
        page = await got.text()
    assert "1 of 4 fields" in page
    assert "The line shown in lists." in page
    async with browser.get(f"/messages/{message_id}?tab=headers&find=nowhere") as got:
        assert "No field has that." in await got.text()


async def test_a_calendar_in_a_message_makes_a_tab_of_its_own(house: House) -> None:
    event = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Party <b>\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    message_id = await house.add(b"Subject: x\r\nContent-Type: text/calendar\r\n\r\n" + event)
    browser = await house.client()
    async with browser.get(f"/messages/{message_id}?tab=event") as got:
        page = await got.text()
    assert "Party &lt;b&gt;" in page
    plain = await house.add()
    async with browser.get(f"/messages/{plain}") as got:
        assert "tab=event" not in await got.text()


def test_each_tab_that_shows_the_body_needs_the_permission_for_it() -> None:
    assert {name for name, needed in NEEDS.items() if needed is Permission.BODY} == {
        "preview",
        "text",
        "event",
        "source",
    }
