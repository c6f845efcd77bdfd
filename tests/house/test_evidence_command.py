"""`mailwitness evidence`: beside a running server and without one, checked by the program that lies in the bundle."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.evidence import members_of
from tests.support.offers import LETTER, offers, send_offers
from tests.support.prompt import Prompt
from tests.support.server import RunningServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("server")) as running:
        send_offers(running, *(LETTER % number for number in range(3)))
        yield running


@pytest.fixture
def prompt(server: RunningServer) -> Prompt:
    return Prompt(server.config_file)


def checked_inside(bundle: Path, folder: Path) -> str:
    """What the `verify.py` of the bundle says of it, in a process that has nothing else of ours."""
    members = members_of(bundle.read_bytes())
    (folder / "verify.py").write_bytes(members["verify.py"])
    key = members["log.vkey"].decode().split()[0]
    command = [sys.executable, "-I", str(folder / "verify.py"), str(bundle), "--key", key]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_evidence_of_a_message_holds_and_has_the_deed_in_it(prompt: Prompt, tmp_path: Path) -> None:
    message_id = offers(prompt)[0]
    bundle = tmp_path / "evidence.zip"
    prompt("evidence", message_id, "-o", str(bundle))
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    text = checked_inside(bundle, tmp_path)
    assert f"messages/{message_id}/original.eml: It is the message of the envelope" in text
    assert ": exported." in text
    page = members_of(bundle.read_bytes())["summary.html"].decode()
    assert "offer" in page


def test_all_that_a_search_finds_is_in_one_bundle(prompt: Prompt, tmp_path: Path) -> None:
    bundle = tmp_path / "evidence.zip"
    prompt("evidence", "--query", "subject:offer", "-o", str(bundle))
    checked_inside(bundle, tmp_path)
    manifest = json.loads(members_of(bundle.read_bytes())["manifest.json"])
    assert len(manifest["messages"]) == 3
    assert manifest["query"] == "subject:offer"


def test_the_server_gives_evidence_too(server: RunningServer, prompt: Prompt, tmp_path: Path) -> None:
    prompt("user", "add", "bea", "--password-stdin", typed="long enough a password\n")
    token = prompt("token", "add", "test", "--user", "bea").split()[3]
    address = f"{server.viewer_url}/api/messages/{offers(prompt)[0]}/evidence"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        (tmp_path / "evidence.zip").write_bytes(answer.read())
    checked_inside(tmp_path / "evidence.zip", tmp_path)


def test_without_a_server_the_command_seals_the_log_itself(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as running:
        prompt = send_offers(running, LETTER % 7)
    (message_id,) = offers(prompt)
    prompt("evidence", message_id, "-o", str(tmp_path / "evidence.zip"))
    assert ": exported." in checked_inside(tmp_path / "evidence.zip", tmp_path)


def test_what_cannot_be_meant_makes_no_file(prompt: Prompt, tmp_path: Path) -> None:
    out = str(tmp_path / "evidence.zip")
    assert "no message" in prompt("evidence", "01J00000000000000000000001", "-o", out, code=65)
    assert "no message" in prompt("evidence", "nonsense", "-o", out, code=65)
    assert "no message matches" in prompt("evidence", "--query", "subject:nothing", "-o", out, code=65)
    assert "name the ids" in prompt("evidence", "-o", out, code=64)
    assert "name the ids" in prompt("evidence", "01J00000000000000000000001", "--query", "x", "-o", out, code=64)
    assert not list(tmp_path.iterdir())
