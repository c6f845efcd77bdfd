"""The pages of reports, their CSV and JSON: the figures of random mail, the searches behind them, bad input refused."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from relay.archive.query import parse_query
from relay.model.event import Kind
from relay.model.figure import DAY
from tests.support.figured import FIRST, Mill, Piece, sums_of
from tests.support.openapi_check import problems
from tests.support.viewer_house import House
from viewer.description.openapi import SCHEMAS
from viewer.figures.catalogue import LISTED
from viewer.figures.period import iso
from viewer.figures.senders import MOST

DAYS = "from=2026-05-26&to=2026-06-01"


async def filled(house: House, seed: int = 1, count: int = 40) -> list[Piece]:
    pieces = await Mill(seed).fill(house.archive, count)
    while await house.archive.look_for_changes(1000):
        pass
    for day in await house.archive.days_to_count():
        await house.archive.count_day(day)
    return pieces


async def text_of(house: House, path: str, role: str = "auditor", status: int = 200) -> str:
    async with (await house.client(role)).get(path) as answer:
        text = await answer.text()
        assert answer.status == status, text
        return text


@pytest.mark.parametrize("name", LISTED)
async def test_every_report_is_a_page_with_its_tables(house: House, name: str) -> None:
    await filled(house)
    text = await text_of(house, f"/reports/{name}?{DAYS}&compare=1")
    assert str(LISTED[name].title) in unescape(text)
    assert "<table" in text
    assert "/api/figures/" in text


async def test_every_report_is_json_and_csv(house: House) -> None:
    await filled(house)
    client = await house.client("auditor")
    for path in (
        "volume",
        "senders",
        "senders?by=domain",
        "compare",
        "bounces",
        "domains",
        "application?name=shop",
        "domain?name=example.com",
    ):
        address, _, query = path.partition("?")
        async with client.get(f"/api/figures/{address}?{query}&{DAYS}") as answer:
            assert answer.status == 200
            told = await answer.json()
            assert problems(told, SCHEMAS["Figures"]) == []
        for table in told["tables"]:
            async with client.get(f"/api/figures/{address}/csv?{query}&{DAYS}&table={table['name']}") as answer:
                assert answer.status == 200
                rows = list(csv.reader(io.StringIO((await answer.read()).decode("utf-8-sig"))))
            assert rows[0] == [column["key"] for column in table["columns"]]
            assert len(rows) == 1 + len(table["rows"])


async def test_figures_lead_to_their_messages(house: House) -> None:
    pieces = await filled(house, 2)
    text = await text_of(house, f"/reports/volume?{DAYS}")
    links = re.findall(r'<a href="(/\?q=[^"]+)"[^>]*>([\d,]+)</a>', text)
    assert len(links) > 20
    sums = sums_of(pieces)
    for address, shown in links:
        q = parse_qs(urlsplit(unescape(address)).query)["q"][0]
        found = await house.archive.count(parse_query(q, now=house.clock()))
        # A figure counts recipients, a search their messages.
        assert 0 < found <= max(int(shown.replace(",", "")), sums.messages)
    whole = parse_query("after:2026-05-26 before:2026-06-02", now=0)
    assert await house.archive.count(whole) == sums.messages
    assert f">{sums.messages}</a>" in text


async def test_a_period_is_compared_with_the_one_before(house: House) -> None:
    await filled(house)
    async with (await house.client("auditor")).get(
        "/api/figures/volume?from=2026-05-28&to=2026-05-29&compare=1"
    ) as answer:
        totals = (await answer.json())["tables"][0]
    line = dict(zip([column["key"] for column in totals["columns"]], totals["rows"][0], strict=True))
    assert "after:2026-05-26 before:2026-05-28" in line["before"]["q"]
    assert line["change"]["value"] == pytest.approx(line["count"]["value"] / line["before"]["value"] - 1, abs=1e-5)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("period=never", "period"),
        ("from=x", "from"),
        ("from=2026-02-02&to=2026-01-01", "to"),
        ("from=1990-01-01&to=2026-01-01", "from"),
        ("compare=maybe", "compare"),
        (f"author={'x' * 400}", "author"),
        ("by=nobody", "by"),
        ("from=9999-01-01", "from"),
    ],
)
async def test_wrong_values_are_named(house: House, query: str, field: str) -> None:
    async with (await house.client("auditor")).get(f"/api/figures/senders?{query}") as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["field"] == field


async def test_a_comparison_says_whether_it_means_anything(house: House) -> None:
    await filled(house, 3, 60)
    text = await text_of(house, f"/reports/compare?{DAYS}&kind=tag&v=spring&v=summer")
    assert "too few to say whether “spring” and “summer” differ" in text
    assert 'class="chart"' in text
    assert "by machines only" in text
    assert 'checked aria-label="Compare spring"' in text
    subjects = await text_of(house, f"/reports/compare?{DAYS}&v=Welcome")
    assert "Choose one more" in subjects
    assert "Offer # for you" in subjects
    searches = await text_of(house, f"/reports/compare?{DAYS}&kind=search&v=tag:spring&v=-tag:spring")
    assert "-tag:spring" in searches
    for query, field in (
        ("kind=x", "kind"),
        ("kind=search&v=nofield:x", "q"),
        ("v=a&v=b&v=c&v=d&v=e&v=f&v=g", "v"),
        (f"v={'x' * 400}", "v"),
    ):
        async with (await house.client("auditor")).get(f"/api/figures/compare?{query}") as answer:
            assert answer.status == 400
            assert (await answer.json())["error"]["field"] == field


async def test_bounced_recipients_are_suppressed_after_being_named(house: House) -> None:
    pieces = await filled(house, 4, 60)
    client = await house.client("administrator")
    page = await text_of(house, f"/reports/bounces?{DAYS}", "administrator")
    assert "There is no such mailbox at the recipient" in page
    wanted = {
        one.recipient.address.lower()
        for piece in pieces
        for one in piece.deliveries
        if one.state.value == "failed" and one.recipient.address.lower().endswith("@example.net")
    }
    form = {
        "csrf": re.findall(r'name="csrf" value="([^"]+)"', page)[0],
        "domain": "example.net",
        "class": "hard",
        "reason": "There is no such mailbox at the recipient's domain.",
    }
    async with client.get(f"/reports/bounces?{DAYS}") as answer:
        form["csrf"] = re.findall(r'name="csrf" value="([^"]+)"', await answer.text())[0]
    async with client.post(f"/reports/bounces/suppress?{DAYS}", data=form) as answer:
        text = await answer.text()
        assert f"Send nothing more to {len(wanted)} addresses?" in text
    assert await house.events(Kind.SUPPRESSION_ADDED) == []
    async with client.post(f"/reports/bounces/suppress/do?{DAYS}", data=form) as answer:
        assert f"{len(wanted)} addresses are sent to no more" in await answer.text()
    assert {event.data["recipient"].lower() for event in await house.events(Kind.SUPPRESSION_ADDED)} == wanted
    async with client.post(f"/reports/bounces/suppress?{DAYS}", data={**form, "domain": "nowhere.example"}) as answer:
        assert "Nobody is left of that line" in await answer.text()
    async with client.post(f"/reports/bounces/suppress?{DAYS}", data={**form, "class": "x"}) as answer:
        assert answer.status == 400


async def test_an_auditor_cannot_suppress(house: House) -> None:
    await filled(house, 4)
    page = await text_of(house, f"/reports/bounces?{DAYS}")
    assert "Suppress…" not in page
    program = await house.program("auditor")
    line = {"domain": "example.net", "class": "hard", "reason": "x"}
    async with program.post("/api/figures/bounces/suppress", json=line) as answer:
        assert answer.status == 403


async def test_a_program_suppresses_a_line(house: House) -> None:
    await filled(house, 4, 60)
    program = await house.program()
    line = {"domain": "example.net", "class": "hard", "reason": "There is no such mailbox at the recipient's domain."}
    async with program.post(f"/api/figures/bounces/suppress?{DAYS}", json=line) as answer:
        told = await answer.json()
        assert problems(told, SCHEMAS["LineSuppressed"]) == []
        assert told["suppressed"] > 0
    for wrong, field in (({"class": "x"}, "class"), ({"reason": 5}, "reason"), ({"application": "nobody"}, "whose")):
        async with program.post(f"/api/figures/bounces/suppress?{DAYS}", json=line | wrong) as answer:
            assert answer.status == 400
            assert (await answer.json())["error"]["field"] == field
    async with program.post("/api/figures/bounces/suppress", json={"class": "hard"}) as answer:
        assert answer.status == 400


async def test_the_page_of_a_recipient_has_all_that_was_sent(house: House) -> None:
    pieces = await filled(house, 5, 60)
    address = "u1@example.net"
    mine = [
        (piece, one)
        for piece in pieces
        for one in piece.deliveries
        if one.recipient.address.lower() == address and piece.subject
    ]
    text = await text_of(house, f"/recipients/{address}")
    assert text.count('class="sending"') == len(mine) > 2
    for piece, _ in mine:
        assert f"/messages/{piece.message.id}" in text
    client = await house.client("auditor")
    async with client.get(f"/api/recipients/{address}?limit=1") as answer:
        told = await answer.json()
        assert problems(told, SCHEMAS["RecipientFigures"]) == []
        assert sum(told["states"].values()) == len(mine)
    async with client.get(f"/api/recipients/{address}/csv") as answer:
        rows = list(csv.DictReader(io.StringIO((await answer.read()).decode("utf-8-sig"))))
    assert {row["message_id"] for row in rows} == {piece.message.id for piece, _ in mine}
    assert "Nothing was sent to this address" in await text_of(house, "/recipients/nobody@example.com")
    async with client.get("/recipients?address=u1@example.net") as answer:
        assert answer.url.path == f"/recipients/{address}"
    async with client.get("/recipients?address=", allow_redirects=False) as answer:
        assert answer.headers["Location"] == "/reports"
    async with client.get(f"/api/recipients/{address}?cursor=x") as answer:
        assert answer.status == 400
    assert (await text_of(house, f"/recipients/{address}?cursor=99999999999")).count('class="sending"') == len(mine)


async def test_the_page_of_a_recipient_tells_of_suppression(house: House) -> None:
    await filled(house, 5)
    client = await house.client("administrator")
    async with client.get("/suppressions") as answer:
        token = re.findall(r'name="csrf" value="([^"]+)"', await answer.text())[0]
    await client.post(
        "/suppressions",
        data={"csrf": token, "address": "U1@example.net", "application": "", "reason": "asked", "until": ""},
    )
    assert "Nothing is sent to this address" in await text_of(house, "/recipients/u1@example.net")


async def test_the_page_of_an_application(house: House) -> None:
    pieces = await filled(house, 6)
    shop = [piece for piece in pieces if piece.message.application == "shop"]
    text = await text_of(house, f"/applications/shop?{DAYS}&compare=1")
    assert f">{sums_of(shop).messages}</a>" in text
    assert "Where it goes" in text
    assert "What failed of late" in text
    assert "How it is set" not in text
    await text_of(house, "/applications/nobody", status=404)


async def test_an_empty_archive_has_reports_too(house: House) -> None:
    for name in LISTED:
        await text_of(house, f"/reports/{name}")
    assert "Bounce desk" in await text_of(house, "/reports")


async def test_what_is_not_counted_yet_is_told_on_the_page(house: House) -> None:
    await Mill(7).fill(house.archive, 1)
    assert "As of" in await text_of(house, f"/reports/volume?{DAYS}")


async def test_a_page_says_what_it_does_not_show_and_the_csv_has_it(house: House) -> None:
    for n in range(MOST + 2):
        await house.add(f"From: a{n:02}@example.com\r\nSubject: x\r\n\r\nx\r\n".encode())
    while await house.archive.look_for_changes(1000):
        pass
    for day in await house.archive.days_to_count():
        await house.archive.count_day(day)
    days = f"from={iso(house.clock() // DAY)}&to={iso(house.clock() // DAY)}"
    client = await house.client("auditor")
    async with client.get(f"/reports/senders?{days}") as answer:
        page = await answer.text()
    assert "more lines than the 60 shown here" in page
    assert ("a59@example.com" in page, "a60@example.com" in page) == (True, False)
    async with client.get(f"/api/figures/senders/csv?{days}") as answer:
        rows = list(csv.DictReader(io.StringIO((await answer.read()).decode("utf-8-sig"))))
    assert len(rows) == MOST + 2
    assert "more lines" not in await text_of(house, f"/reports/volume?{days}", "operator")


def test_the_days_are_those_of_the_mail() -> None:
    assert FIRST * DAY == 1_779_840_000_000_000
