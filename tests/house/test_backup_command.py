"""`mailwitness backup` while mail comes in, `restore`, and the log goes on from there without a fork."""

from __future__ import annotations

import shutil
import smtplib
import threading
import urllib.request
from pathlib import Path

import pytest

from relay.ledger.checkpoint import Checkpoint
from relay.ledger.note import Verifier, open_note
from relay.ledger.tiles import TILE_WIDTH
from relay.ledger.tree import Frontier, append, root
from tests.support.prompt import Prompt
from tests.support.server import RunningServer

CONFIG = '[ledger]\npublic = true\ncheckpoint_every = "1h"\n[tracking]\nport = 0\n'


def send(server: RunningServer, count: int) -> None:
    with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=20) as client:
        for number in range(count):
            client.sendmail("ann@example.com", ["bob@example.com"], b"Subject: %d\r\n\r\nx\r\n" % number)


def leaves(server: RunningServer, size: int) -> list[bytes]:
    found = b""
    for number in range((size + TILE_WIDTH - 1) // TILE_WIDTH):
        width = min(TILE_WIDTH, size - number * TILE_WIDTH)
        part = "" if width == TILE_WIDTH else f".p/{width}"
        address = f"http://127.0.0.1:{server.tracking_port}/tile/0/{number:03}{part}"
        found += urllib.request.urlopen(address, timeout=20).read()
    return [found[at : at + 32] for at in range(0, len(found), 32)]


@pytest.mark.crash
def test_a_copy_made_while_mail_comes_in_is_put_back_and_the_log_goes_on(tmp_path: Path) -> None:
    copies = str(tmp_path / "copies")
    with RunningServer(tmp_path, CONFIG) as server:
        prompt = Prompt(server.config_file)
        key = prompt("ledger", "key").strip()
        send(server, 20)
        old = prompt("ledger", "checkpoint")
        sending = threading.Thread(target=send, args=(server, 150))
        sending.start()
        first = prompt("backup", copies)
        sending.join()
        second = prompt("backup", copies, "--keep", "2")
        third = prompt("backup", copies, "--keep", "2")
        assert written(third) < size(third) / 2
        assert size(first) > 0
        assert len(prompt("restore", copies, "--list").splitlines()) == 2
        assert second != third
        assert "empty place" in prompt("restore", copies, code=65)
        server.kill()
        shutil.rmtree(server.archive_path)
        (tmp_path / "old").write_text(old)
        assert "every check held" in prompt("restore", copies, "--checkpoint", str(tmp_path / "old"))
        assert "Nothing in this archive is wrong" in prompt("verify", "--archive", "--key", key)
        server.start()
        send(server, 20)
        new = prompt("ledger", "checkpoint")
        before, after = (Checkpoint.parse(open_note(note, [Verifier.parse(key)]).text) for note in (old, new))
        hashes = leaves(server, after.size)
        for checkpoint in (before, after):
            assert root(append(Frontier(), hashes[: checkpoint.size])[0]) == checkpoint.root
        assert after.size > before.size + 150
        said = prompt("verify", "--archive", "--key", key, "--checkpoint", str(tmp_path / "old"))
        assert "Nothing in this archive is wrong" in said


@pytest.mark.crash
def test_without_its_key_it_says_what_to_do_and_a_new_key_is_a_rotation(tmp_path: Path) -> None:
    copies = str(tmp_path / "copies")
    with RunningServer(tmp_path, CONFIG) as server:
        prompt = Prompt(server.config_file)
        send(server, 2)
        old = prompt("ledger", "key").strip()
        prompt("ledger", "checkpoint")
        server.kill()
        (server.archive_path / "ledger.key").rename(tmp_path / "key")
        prompt("backup", copies)
        shutil.rmtree(server.archive_path)
        assert "rotate --without-old-key" in prompt("restore", copies)
        new = prompt("ledger", "rotate", "--without-old-key").strip()
        assert prompt("ledger", "key", "--all").split() == [new, old]
        server.start()
        assert open_note(prompt("ledger", "checkpoint"), [Verifier.parse(new)])
        assert "Nothing in this archive is wrong" in prompt("verify", "--archive")


def size(said: str) -> int:
    return int(said.rpartition(": ")[2].split()[0])


def written(said: str) -> int:
    return int(said.rpartition(" octets, ")[2].split()[0])
