"""Reports to the whole server: the port opens for them, a crash after the 200 loses none, SIGHUP changes tables."""

from __future__ import annotations

import asyncio
import http.client
import signal
from pathlib import Path

from tests.support.fresh import open_archive
from tests.support.hooks import PASSWORD, Post, post
from tests.support.keeping import opened
from tests.support.reported import Sent, sent_message
from tests.support.samples import brevo
from tests.support.server import RunningServer
from tests.support.waiting import wait_until

HOOKS = f'\n[tracking]\nport = 0\n\n[webhooks.brevo]\nusername = "provider"\npassword = "{PASSWORD}"\n'


def sent_in(folder: Path) -> Sent:
    """A message in the archive that a server in `folder` will open, sent, and named so by the provider."""

    async def make() -> Sent:
        archive = await open_archive(f"sqlite:///{folder}/data/archive.db")
        sent = await sent_message(archive, provider_id=brevo.ID)
        await archive.close()
        return sent

    return asyncio.run(make())


def report(server: RunningServer, sent: Post) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.tracking_port, timeout=20)
    try:
        connection.request("POST", "/hooks/brevo", sent.body, dict(sent.headers))
        return connection.getresponse().status
    finally:
        connection.close()


def ask(server: RunningServer, question: str) -> list[tuple[object, ...]]:
    with opened(server.archive_path / "archive.db") as database:
        return database.execute(question).fetchall()


def test_a_report_reaches_the_delivery_though_nothing_is_tracked(tmp_path: Path):
    sent_in(tmp_path)
    with RunningServer(tmp_path, HOOKS) as server:
        assert report(server, post("brevo", brevo.event("delivered"), is_forged=True)) == 401
        assert report(server, post("brevo", brevo.event("delivered"))) == 200
        wait_until(lambda: ask(server, "SELECT state FROM delivery") == [("delivered",)])
        line = server.wait_for_log("report")
        assert (line["kind"], line["state"], line["source"]) == ("delivered", "delivered", "webhook:brevo")
        assert server.wait_for_log("payload refused")["reason"] == "unauthenticated"
    assert PASSWORD not in server.log_text


def test_what_was_answered_200_is_read_though_the_process_is_killed_at_once(tmp_path: Path):
    sent_in(tmp_path)
    server = RunningServer(tmp_path, HOOKS)
    taken = 0
    for _ in range(3):
        for _ in range(5):
            taken += 1
            event = brevo.event("opened", ts_epoch=brevo.event("opened")["ts_epoch"] + taken)
            assert report(server, post("brevo", event)) == 200
        server.kill()
        server.start()
    try:
        wait_until(lambda: ask(server, "SELECT count(*) FROM payload WHERE is_mapped = 0") == [(0,)])
        assert ask(server, "SELECT count(*) FROM payload WHERE is_mapped") == [(taken,)]
        assert ask(server, "SELECT count(*) FROM report WHERE delivery_id IS NOT NULL") == [(taken,)]
        assert ask(server, "SELECT count(*) FROM event WHERE kind = 'opened'") == [(taken,)]
    finally:
        server.stop()


def test_another_password_holds_after_sighup(tmp_path: Path):
    sent_in(tmp_path)
    with RunningServer(tmp_path, HOOKS.replace(PASSWORD, "another")) as server:
        given = post("brevo", brevo.event("delivered"))
        assert report(server, given) == 401
        server.config_file.write_text(server.config_file.read_text().replace("another", PASSWORD))
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_log("configuration reloaded")
        assert report(server, given) == 200
