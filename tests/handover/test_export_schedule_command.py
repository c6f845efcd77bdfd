"""`mailwitness export-schedule`, beside a running server and without one: what is due, one made now, one taken away."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.handover.checking import verify_export
from relay.handover.shape import STATE
from tests.support.offers import LETTER, send_offers
from tests.support.prompt import Prompt
from tests.support.server import RunningServer
from tests.support.waiting import wait_until


def table(name: str, out: Path, **more: str) -> str:
    values = {"name": name, "to": str(out), "every": "week", **more}
    return "\n[[export]]\n" + "".join(f'{key} = "{value}"\n' for key, value in values.items())


def standings(prompt: Prompt, code: int = 0) -> dict[str, list[str]]:
    """Of each by its name: every, finished, messages, up to, state."""
    lines = [line.split("\t") for line in prompt("export-schedule", "status", code=code).splitlines()]
    return {name: cells for name, *cells in lines}


def messages(out: Path) -> list[int]:
    """How many there are in each export that is whole, all of which hold; the first one first."""
    found = []
    for manifest in sorted(out.glob("*/manifest.note"), key=lambda path: path.stat().st_mtime_ns):
        if (manifest.parent / STATE).exists():
            continue
        report = verify_export(manifest.parent)
        assert report.is_sound, report.text()
        found.append(json.loads((manifest.parent / "manifest.json").read_bytes())["count"])
    return found


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def server(tmp_path: Path, out: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path, table("auditors", out / "a")) as running:
        yield running


def test_a_server_makes_what_is_added_and_what_is_asked_for_and_lists_it(server: RunningServer, out: Path) -> None:
    prompt = Prompt(server.config_file)
    # Never made before, it is due at once, though there is nothing.
    wait_until(lambda: messages(out / "a") == [0])
    assert standings(prompt)["auditors"][0] == "week"
    send_offers(server, LETTER % 1)
    with server.config_file.open("a") as file:
        file.write(table("court", out / "b", query="subject:offer", format="eml"))
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: messages(out / "b") == [1])
    assert "the server makes it now" in prompt("export-schedule", "run", "auditors")
    wait_until(lambda: messages(out / "a") == [0, 1])
    wait_until(lambda: standings(prompt)["auditors"][-3:] == ["1", "1", "ok"])
    assert list(standings(prompt)) == ["auditors", "court"]


def test_without_a_server_the_command_makes_it_and_says_what_is_wrong(server: RunningServer, out: Path) -> None:
    prompt = Prompt(server.config_file)
    wait_until(lambda: standings(prompt)["auditors"][1] != "never")
    send_offers(server, LETTER % 1)
    server.stop()
    text = server.config_file.read_text()
    server.config_file.write_text(text + table("court", out / "b"))
    assert standings(prompt)["court"] == ["week", "never", "0", "0", "ok"]
    assert prompt("export-schedule", "run", "court").splitlines()[-1] == "1 messages"
    assert messages(out / "b") == [1]
    assert prompt("export-schedule", "run", "court").splitlines()[-1] == "0 messages"
    assert messages(out / "b") == [1, 0]
    (out / "file").write_text("in the way")
    server.config_file.write_text(text + table("court", out / "file"))
    assert "court: " in prompt("export-schedule", "run", "court", code=1)
    assert "failed 1 times" in standings(prompt, code=65)["court"][-1]
    # Taken away, it is neither listed nor made; what it made stays.
    server.config_file.write_text(text)
    assert list(standings(prompt)) == ["auditors"]
    refused = prompt("export-schedule", "run", "court", code=64)
    assert "no [[export]] is called court; there are: auditors" in refused
    assert messages(out / "b") == [1, 0]
    # Put back, it goes on where it was.
    server.config_file.write_text(text + table("court", out / "b"))
    assert prompt("export-schedule", "run", "court").splitlines()[-1] == "0 messages"
    assert standings(prompt)["court"][-2:] == ["1", "ok"]


def test_without_any_it_lists_none(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'[archive]\npath = "{tmp_path / "data"}"\n')
    prompt = Prompt(tmp_path / "config.toml")
    assert "there are: none" in prompt("export-schedule", "run", "court", code=64)
