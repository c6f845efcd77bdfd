"""`mailwitness encryption` beside a running server and without one: keys, rotation, refusals that name the key."""

from __future__ import annotations

import smtplib
from pathlib import Path

import pytest

from relay.archive.api import ArchiveError
from relay.config.settings import load
from relay.folder import open_in_folder
from relay.master_keys import add_key, load_ring
from relay.model.event import Kind
from tests.support.evidence import members_of
from tests.support.nursery import ran
from tests.support.prompt import Prompt
from tests.support.server import RunningServer
from tests.support.waiting import wait_until

LETTER = b"From: a@example.com\r\nTo: b@example.net\r\nSubject: x\r\n\r\nxylophonist\r\n"


def run(config: Path, *arguments: str, code: int = 0) -> str:
    return Prompt(config)(*arguments, code=code)


def refused(config: Path) -> str:
    """What a server says that does not start."""
    done = ran("serve", "-c", str(config))
    assert done.returncode == 1
    return done.stderr


def sent(server: RunningServer) -> None:
    with smtplib.SMTP("127.0.0.1", server.smtp_port) as client:
        client.sendmail("a@example.com", ["b@example.net"], LETTER)


@pytest.mark.crash
def test_keys_are_made_and_rotated_beside_a_server_and_what_was_plain_is_encrypted(tmp_path: Path) -> None:
    keys = tmp_path / "master.keys"
    with RunningServer(tmp_path) as server:
        sent(server)
        config = server.config_file
        assert "new contents  plain\nplain         1 messages" in run(config, "encryption", "status")
        server.kill()
        config.write_text(f'{config.read_text()}\n[encryption]\nenabled = true\nkey = "{keys}"\n')
        assert str(keys) in run(config, "encryption", "status", code=1)
        first = run(config, "encryption", "new-key").split()[-1]
        assert keys.stat().st_mode & 0o777 == 0o600
        server.start()
        sent(server)
        assert run(config, "encryption", "apply") == "done: 0 messages are plain\n"
        second = run(config, "encryption", "new-key").split()[-1]
        assert f"only the key {second} is needed now" in run(config, "encryption", "rotate")
        assert f"{first}  wraps 0 data keys, not needed any more" in run(config, "encryption", "status")
        sent(server)
        wait_until(lambda: len(run(config, "search", "xylophonist").splitlines()) == 3)
        assert "Nothing in this archive is wrong" in run(config, "verify", "--archive", "--processes", "1")
        server.kill()
        found = run(config, "search", "xylophonist").splitlines()
        assert len(found) == 3
        bundle = tmp_path / "evidence.zip"
        run(config, "evidence", found[0].split("\t")[0], "-o", str(bundle))
        originals = [
            octets for name, octets in members_of(bundle.read_bytes()).items() if name.endswith("original.eml")
        ]
        assert originals == [LETTER]
        assert run(config, "reindex", "--anew").endswith("3 messages were read again.\n")
        assert run(config, "search", "xylophonist").splitlines() == found
        text = keys.read_text()
        keys.write_text("".join(text.splitlines(keepends=True)[2:]))
        assert second in run(config, "encryption", "status", code=1)
        assert second in refused(config)
        keys.write_text(text)
        keys.chmod(0o644)
        assert "may be read by others" in refused(config)


def configuration(folder: Path, text: str) -> Path:
    (folder / "config.toml").write_text(f"[encryption]\nenabled = true\n{text}\n")
    return folder / "config.toml"


def test_a_command_gives_the_keys(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    made = add_key(keys)
    config = load(configuration(tmp_path, f'command = ["cat", "{keys}"]'), {})
    assert load_ring(config).current == made
    assert "names no file" in run(tmp_path / "config.toml", "encryption", "new-key", code=64)


async def test_what_the_configuration_turns_on_or_off_is_recorded_before_anything_is_kept(tmp_path: Path) -> None:
    made = add_key(tmp_path / "keys")
    text = f'key = "{tmp_path / "keys"}"\n[archive]\npath = "{tmp_path / "data"}"'
    for enabled in ("false", "true", "true", "false"):
        file = configuration(tmp_path, text)
        file.write_text(file.read_text().replace("enabled = true", f"enabled = {enabled}"))
        archive = await open_in_folder(load(file, {}))
        events = [event for _, event in await archive.events()]
        await archive.close()
    assert [(event.kind, event.data) for event in events] == [
        (Kind.ENCRYPTION_CHANGED, {"what": "enabled", "key": made}),
        (Kind.ENCRYPTION_CHANGED, {"what": "disabled"}),
    ]
    read = await open_in_folder(load(file, {}), read_only=True)
    assert len(await read.events()) == 2
    await read.close()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ('["/nowhere/keys"]', "cannot be run: No such file or directory"),
        ('["false"]', "false, which gives the master keys, ended with 1"),
        ('["true"]', "the master keys of true: there is no key in it"),
        ('["echo", "x"]', "the master keys of echo: line 1 is not the base64 of a key"),
    ],
)
def test_a_command_that_gives_none_is_named(tmp_path: Path, command: str, words: str) -> None:
    with pytest.raises(ArchiveError, match=words):
        load_ring(load(configuration(tmp_path, f"command = {command}"), {}))


def test_a_file_that_is_no_file_of_keys_is_not_written_over(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_bytes(b"\xff\xfe")
    keys.chmod(0o600)
    with pytest.raises(ArchiveError, match="is no file of master keys"):
        add_key(keys)
    keys.write_text("something else\n")
    with pytest.raises(ArchiveError, match="line 1 is not"):
        add_key(keys)
    assert keys.read_text() == "something else\n"
    with pytest.raises(ArchiveError, match="cannot be written"):
        add_key(tmp_path / "no folder" / "keys")
