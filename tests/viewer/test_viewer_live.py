"""The live view over a real event stream."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from relay.model.event import Event, Kind
from relay.rendition.extract import extract
from tests.support.viewer_house import LETTER, House, configured, open_house
from viewer.grid.live import CATCH_UP, HEARTBEAT, MOST_STREAMS, STREAMS

DEADLINE = 10.0


class Stream:
    """An open event stream, read event by event."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def next(self) -> tuple[str, Any, str | None]:
        """(event, data, id) of the next event; comments are passed over. ('end', …) when the stream ends."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(DEADLINE):
            async for line in self.answer.content:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                elif "event" in fields:
                    return fields["event"], json.loads(fields["data"]), fields.get("id")
                else:
                    fields = {}
        return "end", None, None


@asynccontextmanager
async def stream(client: aiohttp.ClientSession, path: str, last: str | None = None) -> AsyncIterator[Stream]:
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
    async with client.get(path, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "text/event-stream"
        await answer.content.readuntil(b"\n\n")
        yield Stream(answer)


async def test_a_new_message_appears_and_again_when_it_has_been_read(house: House) -> None:
    async with stream(await house.client("auditor"), "/live?after=0") as live:
        message_id = await house.add(indexed=False)
        event, data, event_id = await live.next()
        assert (event, data["id"], event_id) == ("row", message_id, str(data["seq"]))
        await house.archive.add_summaries([(message_id, extract(LETTER))])
        event, data, _ = await live.next()
        assert event == "row"
        assert data["listing"]["subject"] == "Your invoice INV-12345"
        assert "Your invoice INV-12345" in data["html"]


async def test_only_what_the_search_finds_appears(house: House) -> None:
    async with stream(await house.client("auditor"), "/live?after=0&q=subject:wanted") as live:
        await house.add()
        wanted = await house.add(LETTER.replace(b"Your invoice", b"wanted"))
        _, data, _ = await live.next()
        assert data["id"] == wanted


async def test_one_that_a_search_could_not_find_yet_when_it_was_drawn_appears(house: House) -> None:
    await house.add()
    late = await house.add(LETTER.replace(b"Your invoice", b"wanted"), indexed=False)
    client = await house.client("auditor")
    async with client.get("/?q=subject:wanted") as answer:
        page = await answer.text()
    assert "<tr data-id=" not in page
    (after,), (indexed,) = re.findall(r' data-seq="(\d+)"', page), re.findall(r' data-indexed="(\d+)"', page)
    path = f"/live?q=subject:wanted&after={after}&indexed={indexed}"
    async with stream(client, path) as live:
        await house.archive.add_summaries([(late, extract(LETTER.replace(b"Your invoice", b"wanted")))])
        event, data, _ = await live.next()
        assert (event, data["id"]) == ("row", late)
    # Between the drawing and the stream, too.
    async with stream(client, path) as live:
        event, data, _ = await live.next()
        assert (event, data["id"]) == ("row", late)


async def test_many_that_were_drawn_before_they_were_read_are_not_told_as_new(house: House) -> None:
    for _ in range(CATCH_UP + 1):
        message_id = await house.add(indexed=False)
    seq = (await house.archive.message(message_id)).seq
    async with stream(await house.client("auditor"), f"/live?after={seq}&indexed=0") as live:
        await house.archive.add_summaries([(message_id, extract(LETTER))])
        event, data, _ = await live.next()
        assert (event, data["id"]) == ("row", message_id)


async def test_a_change_of_an_older_message_is_a_status(house: House) -> None:
    message_id = await house.add()
    seq = (await house.archive.message(message_id)).seq
    async with stream(await house.client("auditor"), f"/live?after={seq}") as live:
        async with (await house.program("operator")).post(f"/api/messages/{message_id}/resend", json={}) as answer:
            assert answer.status == 202
        event, data, event_id = await live.next()
        assert (event, data["id"], event_id) == ("status", message_id, None)
        assert data["listing"]["states"] == {"captured": 1, "queued": 1}


async def test_a_browser_that_comes_back_misses_nothing(house: House) -> None:
    first = await house.add()
    seq = (await house.archive.message(first)).seq
    second = await house.add()
    async with stream(await house.client("auditor"), "/live?after=0", last=str(seq)) as live:
        _, data, _ = await live.next()
        assert data["id"] == second


async def test_more_than_a_screen_is_an_offer_to_reload(house: House) -> None:
    for _ in range(CATCH_UP + 1):
        await house.add(indexed=False)
    async with stream(await house.client("auditor"), "/live?after=0") as live:
        event, _, _ = await live.next()
        assert event == "behind"


async def test_the_stream_ends_with_the_session(tmp_path: Path) -> None:
    async with open_house(configured(tmp_path / "data"), heartbeat=0.05) as house:
        client = await house.client("auditor")
        async with stream(client, "/live?after=0") as live:
            await house.archive.remove_user("auditor", house.event())
            assert (await live.next())[0] == "signed-out"
            assert (await live.next())[0] == "end"
        assert house.app[HEARTBEAT] == 0.05


async def test_one_person_s_streams_are_bounded_and_freed(tmp_path: Path) -> None:
    async with open_house(configured(tmp_path / "data"), heartbeat=0.05) as house:
        client = await house.client("auditor")
        opened = [await client.get("/live?after=0") for _ in range(MOST_STREAMS)]
        async with client.get("/live") as answer:
            assert answer.status == 429
        for answer in opened:
            answer.close()
        async with asyncio.timeout(DEADLINE):
            while house.app[STREAMS]["auditor"]:
                await asyncio.sleep(0.02)


async def test_the_server_stops_while_streams_are_open(tmp_path: Path) -> None:
    async with open_house(configured(tmp_path / "data")) as house:
        client = await house.client("auditor")
        context = stream(client, "/live?after=0")
        live = await context.__aenter__()
        house.sessions.remove(client)
        async with asyncio.timeout(DEADLINE):
            await house.stop()
        assert (await live.next())[0] == "end"
        await client.close()


async def test_a_wrong_search_is_refused_before_the_stream_begins(house: House) -> None:
    async with (await house.client("auditor")).get("/live?q=%28") as answer:
        assert answer.status == 400


async def test_an_event_is_one_line_of_json_whatever_is_in_it(house: House) -> None:
    await house.add(LETTER.replace(b"Your", b"=?utf-8?q?a=0Ab=E2=80=A8c?="))
    async with stream(await house.client("auditor"), "/live?after=0") as live:
        event, data, _ = await live.next()
        assert event == "row"
        assert "\n" not in data["listing"]["subject"]


async def test_events_of_people_do_not_disturb_the_grid(house: House) -> None:
    async with stream(await house.client("auditor"), "/live?after=0") as live:
        await house.archive.add_events([Event(house.new_id(), house.clock(), Kind.VIEWED, "user:a")])
        message_id = await house.add()
        assert (await live.next())[1]["id"] == message_id
