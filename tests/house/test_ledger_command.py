"""`mailwitness ledger` beside a running server and without one, over a server that is killed and started again."""

from __future__ import annotations

import http.client
import urllib.request
from pathlib import Path

import pytest

from relay.ledger.checkpoint import Checkpoint
from relay.ledger.note import Verifier, open_note
from relay.ledger.policy import Policy, accept
from relay.ledger.tree import Frontier, append, root
from tests.support.prompt import Prompt
from tests.support.server import RunningServer

CONFIG = """
[ledger]
public = true
checkpoint_every = "1h"

[tracking]
port = 0
"""


def run(server: RunningServer, *arguments: str, code: int = 0) -> str:
    return Prompt(server.config_file, "ledger")(*arguments, code=code)


def opened(note: str, *keys: str) -> Checkpoint:
    return Checkpoint.parse(open_note(note, [Verifier.parse(key) for key in keys]).text)


@pytest.mark.crash
def test_the_log_is_signed_and_shown_and_survives_being_killed(tmp_path: Path) -> None:
    with RunningServer(tmp_path, CONFIG) as server:
        key = run(server, "key").strip()
        first = run(server, "checkpoint")
        assert opened(first, key).origin == "witness.test/log"
        at = f"http://127.0.0.1:{server.tracking_port}"
        shown = urllib.request.urlopen(f"{at}/checkpoint").read().decode()
        assert shown == first
        size = opened(first, key).size
        tile = urllib.request.urlopen(f"{at}/tile/0/000.p/{size}").read()
        leaves = [tile[n : n + 32] for n in range(0, len(tile), 32)]
        assert root(append(Frontier(), leaves)[0]) == opened(first, key).root
        connection = http.client.HTTPConnection("127.0.0.1", server.tracking_port)
        connection.request("GET", f"/tile/0/000.p/{size + 1}")
        assert connection.getresponse().status == 404
        assert accept(first, Policy.parse(run(server, "key", "--policy"))).checkpoint.size == size
        server.kill()
        # Without a server the command signs itself.
        assert run(server, "checkpoint") == first
        new = run(server, "rotate").strip()
        assert run(server, "key", "--all").split() == [new, key]
        server.start()
        newer = run(server, "rotate").strip()
        last = run(server, "checkpoint")
        assert opened(last, new) == opened(last, newer), "the change is signed by both"
        assert f"checkpoint  {opened(last, newer).size} facts" in run(server, "status")
        server.kill()
        server.start()
        assert opened(run(server, "checkpoint"), newer).size >= opened(last, newer).size


@pytest.mark.crash
def test_a_rolled_back_archive_takes_mail_and_says_that_it_is_not_signed(tmp_path: Path) -> None:
    with RunningServer(tmp_path, CONFIG) as server:
        server.stop()
        older = (server.archive_path / "archive.db").read_bytes()
        server.start()
        run(server, "rotate")
        server.stop()
        for leftover in server.archive_path.glob("archive.db-*"):
            leftover.unlink()
        (server.archive_path / "archive.db").write_bytes(older)
        server.start()
        assert "problem" in server.wait_for_log("ledger not signed")
        ready = urllib.request.urlopen(f"{server.viewer_url}/readyz").read().decode()
        assert "the ledger is not signed" in ready
        assert "NOT SIGNED" in run(server, "status", code=65)
        assert (
            "mailwitness_ledger_refused 1.0" in urllib.request.urlopen(f"{server.viewer_url}/metrics").read().decode()
        )
        run(server, "checkpoint", code=1)


def test_a_server_that_stops_leaves_nothing_unsigned(tmp_path: Path) -> None:
    with RunningServer(tmp_path, CONFIG) as server:
        server.stop()
        facts, signed, *_ = run(server, "status").splitlines()
        assert facts.split()[1] == signed.split()[1]
