"""`mailwitness import`: without a server and beside one; each message once, and the archive holds."""

from __future__ import annotations

import hashlib
import json
import signal
import smtplib
import sqlite3
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from relay.importing.course import PORTION
from tests.support.evidence import members_of
from tests.support.nursery import Started
from tests.support.prompt import Prompt
from tests.support.server import RunningServer
from tests.support.waiting import wait_until

LETTER = (
    b"Return-Path: <ann@example.com>\nTo: Bob <bob@example.net>\nSubject: old %d\nDate: 21 Nov 1997 09:55 -0600\n\nx\n"
)


def letters(folder: Path, count: int, first: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(first, first + count):
        (folder / f"{number:05}.eml").write_bytes(LETTER % number)
    return folder


@pytest.fixture
def alone(tmp_path: Path) -> Prompt:
    (tmp_path / "config.toml").write_text(f'[archive]\npath = "{tmp_path / "data"}"\n')
    return Prompt(tmp_path / "config.toml")


def rows(folder: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "archive.db")) as database:
        return database.execute(statement).fetchall()


def test_without_a_server_each_message_is_kept_once(alone: Prompt, tmp_path: Path) -> None:
    mail = letters(tmp_path / "mail", 300)
    assert "300 would be imported" in alone("import", str(mail), "--dry-run")
    assert not (tmp_path / "data").exists()
    assert "300 imported" in alone("import", str(mail))
    assert "0 would be imported" in alone("import", str(mail), "--dry-run")
    # Moved, and called otherwise, it is the same mail; of another application it is another message.
    (mail / "00000.eml").rename(mail / "renamed.eml")
    letters(mail, 1, first=300)
    assert "1 imported" in alone("import", str(mail.rename(tmp_path / "moved")))
    assert "1 imported" in alone("import", str(tmp_path / "moved/renamed.eml"), "--application", "shop")
    assert rows(tmp_path / "data", "SELECT application, count(*) FROM message GROUP BY 1 ORDER BY 1") == [
        ("import", 301),
        ("shop", 1),
    ]
    assert rows(tmp_path / "data", "SELECT count(*) FROM delivery") == [(0,)]
    assert "Nothing in this archive is wrong" in alone("verify", "--archive")


def test_what_is_claimed_stands_beside_what_was_witnessed(alone: Prompt, tmp_path: Path) -> None:
    mail = letters(tmp_path / "mail", 1)
    alone("import", str(mail))
    ((kind, actor, grade, data),) = rows(tmp_path / "data", "SELECT kind, actor, grade, data FROM event")
    assert (kind, grade) == ("imported", "D")
    assert str(actor).startswith("command:")
    assert json.loads(str(data)) == {
        "format": "eml",
        "source": str(mail / "00000.eml"),
        "claimed_at": 880127700000000,
        "claimed_at_of": "Date",
        "envelope_of": "return-path, to",
    }
    ((sender, recipients, peer, size),) = rows(tmp_path / "data", "SELECT sender, recipients, peer, size FROM message")
    assert (sender, peer, size) == ("ann@example.com", "import", len(LETTER % 0))
    assert "bob@example.net" in str(recipients)


def test_what_cannot_be_read_is_named_and_the_rest_is_kept(alone: Prompt, tmp_path: Path) -> None:
    mail = letters(tmp_path / "mail", 2)
    (mail / "bad.eml").write_bytes(b"nothing\n")
    (mail / "box").write_bytes(b"From a@b.test Sat Jan  3 01:05:34 1996\nno field\n\n")
    said = alone("import", str(mail), str(tmp_path / "nowhere"), code=65)
    assert "2 imported" in said
    assert f"{mail / 'bad.eml'}: it is neither a message nor a file of messages" in said
    assert f"{mail / 'box'}, octet 39: it is no message" in said
    assert f"{tmp_path / 'nowhere'}: there is no such file" in said
    assert "one of auto" in alone("import", str(mail), "--format", "pst", code=64)
    assert "visible" in alone("import", str(mail), "--application", "a b", code=64)


def test_a_message_larger_than_what_is_read_at_a_time_is_kept_octet_for_octet(alone: Prompt, tmp_path: Path) -> None:
    content = b"Subject: large\n\n" + bytes(range(256)) * 20_000
    (tmp_path / "large.eml").write_bytes(content)
    alone("import", str(tmp_path / "large.eml"))
    ((size, digest),) = rows(tmp_path / "data", "SELECT size, hex(sha256) FROM message")
    assert (size, digest) == (len(content), hashlib.sha256(content).hexdigest().upper())
    assert "Nothing in this archive is wrong" in alone("verify", "--archive")


@pytest.mark.crash
def test_beside_a_server_it_is_handed_over_found_and_proved(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        prompt = Prompt(server.config_file)
        with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=20) as client:
            client.sendmail("ann@example.com", ["bob@example.com"], b"Subject: witnessed\r\n\r\nx\r\n")
        mail = letters(tmp_path / "mail", PORTION + 1)
        (server.archive_path / "import-01ARZ3NDEKTSV4RRFFQ69G5FAV.spool").write_bytes(b"left over")
        assert f"{PORTION + 1} imported" in prompt("import", str(mail))
        assert "0 imported" in prompt("import", str(mail))
        assert list(server.archive_path.glob("import-*")) == []
        assert rows(server.archive_path, "SELECT count(*) FROM message") == [(PORTION + 2,)]
        wait_until(lambda: rows(server.archive_path, "SELECT count(*) FROM index_queue") == [(0,)], 60.0)
        prompt("user", "add", "bea", "--role", "administrator", typed="correct horse battery\n" * 2)
        token = prompt("token", "add", "test", "--user", "bea").split()[3]

        def ask(path: str) -> bytes:
            request = urllib.request.Request(f"{server.viewer_url}{path}", headers={"Authorization": f"Bearer {token}"})
            with urllib.request.urlopen(request, timeout=20) as answer:
                return bytes(answer.read())

        found = json.loads(ask("/api/messages?q=subject:old+subject:7"))["messages"]
        assert [one["imported"] for one in found] == [True]
        ident = found[0]["id"]
        message = json.loads(ask(f"/api/messages/{ident}"))
        assert (message["imported"], message["deliveries"]) == (True, [])
        assert ask(f"/api/messages/{ident}/content") == LETTER % 7
        bundle = tmp_path / "one.zip"
        bundle.write_bytes(ask(f"/api/messages/{ident}/evidence"))
        key = prompt("ledger", "key").strip()
        said = prompt("verify", str(bundle), "--key", key)
        assert "it was imported, not witnessed" in said
        assert "imported" in members_of(bundle.read_bytes())["README.txt"].decode()
        assert "Nothing in this archive is wrong" in prompt("verify", "--archive")


@pytest.mark.crash
@pytest.mark.parametrize("is_beside", [False, True])
def test_killed_at_any_moment_it_goes_on_and_everything_is_there_once(tmp_path: Path, is_beside: bool) -> None:
    mail = letters(tmp_path / "mail", 4 * PORTION)
    with RunningServer(tmp_path) as server:
        if not is_beside:
            # It is the import that is killed: a server killed while it signs has to start once more.
            server.stop()
        command = ["import", str(mail), "-c", str(server.config_file)]
        counts = []
        for goal in (1, PORTION + 1, 2 * PORTION + 1):
            process = Started(command)
            wait_until(lambda goal=goal: count(server.archive_path) >= goal or process.poll() is not None)  # type: ignore[misc]
            process.send_signal(signal.SIGKILL)
            process.wait()
            counts.append(count(server.archive_path))
            if is_beside and goal == PORTION + 1:
                server.kill()
                server.start()
        prompt = Prompt(server.config_file)
        assert "0 not read" in prompt("import", str(mail))
        assert count(server.archive_path) == 4 * PORTION, counts
        assert rows(server.archive_path, "SELECT count(*) FROM event WHERE kind = 'imported'") == [(4 * PORTION,)]
        assert list(server.archive_path.glob("import-*")) == []
        assert "Nothing in this archive is wrong" in prompt("verify", "--archive")


def count(folder: Path) -> int:
    try:
        return int(str(rows(folder, "SELECT count(*) FROM message")[0][0]))
    except sqlite3.Error:
        return 0
