"""The tracking port of the whole server: open when there is a public address, nothing lost when it stops."""

from __future__ import annotations

import asyncio
import http.client
import re
import smtplib
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from relay.archive.api import Archive
from relay.archive.query import Query
from relay.feedback.classify import VERSION
from relay.model.event import Kind
from relay.model.fetch import Fetch, Verdict
from tests.support.archive_values import NOON, make_id
from tests.support.fresh import open_archive
from tests.support.nursery import ran
from tests.support.server import DidNotStart, RunningServer
from tests.support.tracked_copy import SHOP, TrackedCopy, tracked_copy
from tests.support.upstream import ScriptedUpstream
from tests.support.waiting import wait_until

PUBLIC = '\n[tracking]\nport = 0\nurl = "https://click.test/"\n'
OLD = Fetch(make_id(1, 9000), "", NOON * 2, "GET", "192.0.2.0", "curl/8.5.0", Verdict.HUMAN, "old", VERSION - 1)


def copy_in(folder: Path, *, fetches: int = 0) -> TrackedCopy:
    """A tracked copy in the archive that a server in `folder` will open, its link fetched by judges of old."""

    async def make() -> TrackedCopy:
        archive = await open_archive(f"sqlite:///{folder}/data/archive.db")
        copy = await tracked_copy(archive)
        old = [replace(OLD, id=make_id(n, 9000), token_id=copy.links[0], at=NOON * 2 + n) for n in range(fetches)]
        await archive.add_fetches(old)
        await archive.close()
        return copy

    return asyncio.run(make())


def fetches_of(folder: Path, copy: TrackedCopy) -> list[Fetch]:
    async def read() -> list[Fetch]:
        archive: Archive = await open_archive(f"sqlite:///{folder}/data/archive.db", read_only=True)
        try:
            return await archive.fetches(copy.message_id)
        finally:
            await archive.close()

    return asyncio.run(read())


def get(connection: http.client.HTTPConnection, path: str) -> http.client.HTTPResponse:
    connection.request("GET", path, headers={"User-Agent": "Mozilla/5.0 Firefox/131.0"})
    answer = connection.getresponse()
    answer.read()
    return answer


def test_without_a_public_address_the_port_stays_closed(tmp_path: Path) -> None:
    with RunningServer(tmp_path, "\n[tracking]\nport = 0\n") as server:
        assert server.tracking_port == 0
        assert "Pixels" not in server.output


def test_pixels_and_links_are_answered_on_a_port_of_their_own(tmp_path: Path) -> None:
    copy = copy_in(tmp_path)
    with RunningServer(tmp_path, PUBLIC) as server:
        assert f"127.0.0.1:{server.tracking_port}  (for everyone, as https://click.test/)" in server.output
        public = http.client.HTTPConnection("127.0.0.1", server.tracking_port, timeout=10)
        assert get(public, f"/o/{copy.pixel}.gif").status == 200
        assert get(public, f"/c/{copy.links[0]}").headers["Location"] == SHOP
        assert get(public, "/sign-in").status == 404
        public.close()
        viewer = http.client.HTTPConnection("127.0.0.1", server.viewer_port, timeout=10)
        assert get(viewer, f"/c/{copy.links[0]}").headers.get("Location") != SHOP
        viewer.close()
        wait_until(lambda: len(fetches_of(tmp_path, copy)) == 2)
        assert copy.pixel not in server.log_text
        assert copy.links[0] not in server.log_text


def test_no_fetch_that_was_answered_is_lost_by_sigterm(tmp_path: Path) -> None:
    copy = copy_in(tmp_path)
    answered: list[str] = []

    def hammer(path: str, port: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            while get(connection, path).status in (200, 302):
                answered.append(path)
        except (OSError, http.client.HTTPException):
            connection.close()

    with RunningServer(tmp_path, PUBLIC) as server:
        paths = [f"/o/{copy.pixel}.gif", f"/c/{copy.links[0]}", f"/c/{copy.links[1]}"]
        threads = [threading.Thread(target=hammer, args=(path, server.tracking_port)) for path in paths]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answered) > 300)
        assert server.stop() == 0
        for thread in threads:
            thread.join(20)
    kept = sum(fetch.count for fetch in fetches_of(tmp_path, copy))
    # A request may have been taken whose answer the client did not see any more: at most one for each.
    assert len(answered) <= kept <= len(answered) + len(threads)


async def test_what_each_recipient_fetches_from_their_copy_comes_back_as_events(tmp_path: Path) -> None:
    letter = (
        b"From: shop@example.com\r\nSubject: x\r\nContent-Type: text/html\r\n\r\n"
        b'<p><a href="https://shop.example/?a=1&amp;b=2">Your order</a></p>\r\n'
    )

    def submit(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            client.sendmail("shop@example.com", ["ann@example.net", "bob@example.net"], letter)

    def fetch(port: int, content: bytes) -> str:
        """Follows the pixel and the link of a copy; where the link leads."""
        public = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        paths = re.findall(rb'"https://click\.test(/[co]/[^"]+)"', content)
        answers = {path.decode()[:3]: get(public, path.decode()) for path in paths}
        public.close()
        assert answers["/o/"].status == 200
        return answers["/c/"].headers["Location"]

    async with ScriptedUpstream() as upstream:
        provider = f'\n[[upstream]]\nhost = "127.0.0.1"\nport = {upstream.port}\ntls = "none"\n'
        config = PUBLIC + "opens = true\nclicks = true\n" + provider
        server = await asyncio.to_thread(RunningServer, tmp_path, config)
        try:
            await asyncio.to_thread(submit, server.smtp_port)
            copies = {message.recipients[0]: message.content for message in await upstream.received(2)}
            leads = await asyncio.to_thread(fetch, server.tracking_port, copies["<bob@example.net>"])
        finally:
            assert await asyncio.to_thread(server.stop) == 0
    assert leads == "https://shop.example/?a=1&b=2"
    assert copies["<ann@example.net>"] != copies["<bob@example.net>"]
    archive = await open_archive(f"sqlite:///{tmp_path}/data/archive.db", read_only=True)
    [row] = (await archive.search(Query())).rows
    duties = {duty.id: duty.recipient.address for duty in (await archive.message(row.id)).deliveries}
    told = [(event.kind, event.delivery_id) for _, event in await archive.events(message_id=row.id)]
    assert {(kind, duties[id_]) for kind, id_ in told if id_ and kind in (Kind.OPENED, Kind.CLICKED)} == {
        (Kind.OPENED, "bob@example.net"),
        (Kind.CLICKED, "bob@example.net"),
    }
    assert await archive.content(row.id) == letter
    await archive.close()


def test_a_taken_port_is_one_line_and_no_start(tmp_path: Path) -> None:
    with RunningServer(tmp_path, PUBLIC) as server:
        (tmp_path / "other").mkdir()
        taken = PUBLIC.replace("port = 0", f"port = {server.tracking_port}")
        with pytest.raises(DidNotStart, match="cannot listen for tracking"):
            RunningServer(tmp_path / "other", taken)


def reclassify(config: Path) -> str:
    done = ran("reclassify", "-c", str(config))
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("is_running", [True, False])
def test_old_fetches_are_judged_by_the_rules_of_today(tmp_path: Path, is_running: bool) -> None:
    copy = copy_in(tmp_path, fetches=7)
    with RunningServer(tmp_path, PUBLIC) as server:
        config = server.config_file
        said = reclassify(config) if is_running else ""
    said = said or reclassify(config)
    assert said.startswith(f"7 fetches judged by version {VERSION} of the rules, 7 changed.\n")
    assert "7\tlikely-human -> scanner-suspected" in said
    assert {(fetch.verdict, fetch.rules_version) for fetch in fetches_of(tmp_path, copy)} == {
        (Verdict.SCANNER, VERSION)
    }
    assert reclassify(config).startswith("0 fetches judged")


def test_without_an_archive_there_is_nothing_to_judge(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'[archive]\npath = "{tmp_path}/data"\n')
    assert reclassify(tmp_path / "config.toml").startswith("0 fetches judged")
