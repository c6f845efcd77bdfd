"""`mailwitness erase`, `retention` and `compact`, beside a running server and without one."""

from __future__ import annotations

import re
import smtplib
from pathlib import Path

import pytest

from relay.commands import erase
from tests.support.prompt import Prompt
from tests.support.server import BASE, RunningServer

PERSON = "clara.bow@example.org"
CONFIG = '[[retention]]\nname = "old"\nbody = "30d"\n'


def send(server: RunningServer, to: str, text: str) -> None:
    with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=20) as client:
        content = f"From: shop@example.com\r\nTo: {to}\r\nSubject: Invoice\r\n\r\n{text}\r\n"
        client.sendmail("shop@example.com", [to, "bob@example.org"], content.encode())


def traces(folder: Path) -> list[str]:
    """Files in which the person is named. The socket is none."""
    return [path.name for path in folder.rglob("*") if path.is_file() and PERSON.encode() in path.read_bytes()]


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erase, "LOOK", 0.05)


@pytest.mark.usefixtures("_impatient")
def test_a_person_is_taken_out_beside_a_running_server_and_old_evidence_still_holds(tmp_path: Path) -> None:
    bundle = str(tmp_path / "old.zip")
    with RunningServer(tmp_path, CONFIG) as server:
        prompt = Prompt(server.config_file)
        send(server, PERSON, "Hello Clara.")
        send(server, "bob@example.org", "Hello Bob.")
        send(server, "bob@example.org", f"Clara's address is {PERSON}.")
        while len(prompt("search", "invoice").splitlines()) < 3:
            """The last one is not indexed yet."""
        prompt("evidence", "--query", "invoice", "-o", bundle)
        before = prompt("ledger", "checkpoint")
        (tmp_path / "before").write_text(before)
        assert "2 messages name the person; 0 have to stay" in prompt("erase", PERSON, "--dry-run")
        prompt("hold", "add", "court", "Hello Clara", "--reason", "case 7")
        assert "1 have to stay" in prompt("erase", PERSON, "--dry-run")
        prompt("hold", "end", "court", "--reason", "settled")
        assert "names the person" in prompt("erase", PERSON, "--reason", f"asked by {PERSON}", code=64)
        assert "taken out of 2 messages; 0 stay" in prompt("erase", PERSON, "--reason", "asked on paper")
        assert "0 messages name the person" in prompt("erase", PERSON, "--dry-run")
        assert PERSON not in prompt("search", "Clara")
        assert "old" in prompt("retention", "--dry-run")
        assert "went through the rules" in prompt("retention")
        server.stop()
        assert traces(server.archive_path) == []
        assert "Nothing in this file is wrong" in prompt("verify", bundle)
        said = prompt("verify", "--archive", "--checkpoint", str(tmp_path / "before"))
        assert "Nothing in this archive is wrong" in said
        prompt("compact")
        assert traces(server.archive_path) == []
        assert "Nothing in this archive is wrong" in prompt("verify", "--archive")


def test_with_two_persons_one_asks_and_another_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = BASE.format(archive=tmp_path / "data") + "two_person_delete = true\n"
    with RunningServer(tmp_path, config, own_tables=True) as server:
        send(server, PERSON, "Hello Clara.")
        server.stop()
        prompt = Prompt(server.config_file)
        monkeypatch.setattr(erase, "operator", lambda: "ann")
        (asked,) = re.findall(r"--approve (\w+)", prompt("erase", PERSON, "--reason", "asked on paper"))
        assert "another person has to decide" in prompt("erase", "--approve", asked, code=65)
        monkeypatch.setattr(erase, "operator", lambda: "bob")
        assert "nothing was changed" in prompt("erase", "--refuse", asked)
        assert "it is not open" in prompt("erase", "--approve", asked, code=65)
        monkeypatch.setattr(erase, "operator", lambda: "ann")
        (asked,) = re.findall(r"--approve (\w+)", prompt("erase", PERSON, "--reason", "asked again"))
        monkeypatch.setattr(erase, "operator", lambda: "bob")
        assert "taken out of 1 messages" in prompt("erase", "--approve", asked)
        assert traces(server.archive_path) == []
