"""`mailwitness erase`, `retention` and `compact`, beside a running server and without one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from relay.commands import erase
from tests.support.leavings import PERSON, send, traces
from tests.support.prompt import Prompt
from tests.support.server import RunningServer
from tests.support.waiting import wait_until

CONFIG = '[[retention]]\nname = "old"\nbody = "30d"\n'


@pytest.mark.usefixtures("_impatient")
def test_a_person_is_taken_out_beside_a_running_server_and_old_evidence_still_holds(tmp_path: Path) -> None:
    bundle = str(tmp_path / "old.zip")
    with RunningServer(tmp_path, CONFIG) as server:
        prompt = Prompt(server.config_file)
        send(server, "shop@example.com", "Hello Clara.", PERSON, "bob@example.org")
        send(server, "shop@example.com", "Hello Bob.", "bob@example.org")
        send(server, "shop@example.com", f"Clara's address is {PERSON}.", "bob@example.org")
        wait_until(lambda: len(prompt("search", "invoice").splitlines()) == 3)
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
    (tmp_path / "config.toml").write_text(
        f'[archive]\npath = "{tmp_path / "data"}"\n[viewer]\ntwo_person_delete = true\n'
    )
    (tmp_path / "letter.eml").write_text(f"From: shop@example.com\nTo: {PERSON}\n\nHello Clara.\n")
    prompt = Prompt(tmp_path / "config.toml")
    prompt("import", str(tmp_path / "letter.eml"))
    assert traces(tmp_path / "data") != []
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
    assert traces(tmp_path / "data") == []
