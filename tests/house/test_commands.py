"""The commands beside a running server, without one, and used wrongly."""

from __future__ import annotations

import csv
import hashlib
import io
import smtplib
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.prompt import Prompt
from tests.support.server import RunningServer
from tests.support.waiting import wait_until

PASSWORD = "long enough a password\n"
CONTENT = b"From: Ann <ann@example.com>\r\nTo: Bob <bob@example.com>\r\nSubject: =cmd\r\n\r\nHello \xff.\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """With somebody who may manage people, so that others can be removed again."""
    with RunningServer(tmp_path_factory.mktemp("server")) as running:
        Prompt(running.config_file)("user", "add", "boss", "--password-stdin", typed=PASSWORD)
        yield running


@pytest.fixture
def beside(server: RunningServer) -> Prompt:
    return Prompt(server.config_file)


@pytest.fixture
def alone(tmp_path: Path) -> Prompt:
    (tmp_path / "config.toml").write_text(f'[archive]\npath = "{tmp_path}/data"\n')
    return Prompt(tmp_path / "config.toml")


def test_users_are_managed_without_a_server(alone: Prompt) -> None:
    assert alone("user", "list") == ""
    assert (
        alone("user", "add", "ann", "--role", "auditor", "--password-stdin", typed=PASSWORD) == "Added ann (auditor).\n"
    )
    assert alone("user", "list") == "ann\tauditor\t\t\tenabled\n"
    assert "already" in alone("user", "add", "ann", "--password-stdin", typed=PASSWORD, code=65)
    alone("user", "passwd", "ann", "--password-stdin", typed="another good password\n")
    assert "by password alone" in alone("user", "reset-factors", "ann")
    alone("user", "remove", "ann")
    assert alone("user", "list") == ""


def test_users_are_managed_beside_a_running_server(beside: Prompt) -> None:
    beside("user", "add", "bea", "--password-stdin", typed=PASSWORD)
    assert "bea\tadministrator\t" in beside("user", "list")
    beside("user", "passwd", "bea", "--password-stdin", typed="another good password\n")
    assert "by password alone" in beside("user", "reset-factors", "bea")
    beside("user", "remove", "bea")
    assert "bea" not in beside("user", "list")


def test_wrong_words_about_users_are_refused(alone: Prompt) -> None:
    assert "at least 10 characters" in alone("user", "add", "ann", "--password-stdin", typed="short\n", code=65)
    assert "no user" in alone("user", "passwd", "nobody", "--password-stdin", typed=PASSWORD, code=65)
    assert "no user" in alone("user", "reset-factors", "nobody", code=65)
    assert "no user" in alone("user", "remove", "nobody", code=65)
    assert "1 to 64 letters" in alone("user", "add", "a b", "--password-stdin", typed=PASSWORD, code=64)
    alone("user", "add", "ann", "--role", "king", "--password-stdin", typed=PASSWORD, code=64)
    alone("user", "nonsense", code=64)


def _sign_in(port: int, username: str, password: str) -> int:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        try:
            return client.login(username, password)[0]
        except smtplib.SMTPAuthenticationError as error:
            return error.smtp_code


def test_a_new_application_can_sign_in_at_once_and_a_removed_one_no_more(server: RunningServer, beside: Prompt) -> None:
    text = beside("application", "add", "shop", "--mode", "hold", "--sender", "@example.com", "--tag", "shop")
    password = text.partition("password")[2].split()[0]
    assert _sign_in(server.smtp_port, "shop", password) == 235
    assert beside("application", "list") == "shop\tshop\thold\tarchive\n"
    assert password.encode() not in (server.archive_path / "archive.db").read_bytes()
    beside("application", "add", "other")
    beside("application", "remove", "shop")
    assert _sign_in(server.smtp_port, "shop", password) == 535
    beside("application", "remove", "other")


def test_an_application_for_the_file_is_printed_and_not_stored(alone: Prompt, tmp_path: Path) -> None:
    text = alone("application", "add", "shop", "--for-file")
    (table,) = tomllib.loads(text)["application"]
    password = text.partition("# password")[2].split()[0]
    assert table["secret_hash"] == "sha256:" + hashlib.sha256(password.encode()).hexdigest()
    assert not (tmp_path / "data").exists()
    with (tmp_path / "config.toml").open("a") as file:
        file.write(text)
    assert alone("application", "list") == "shop\tshop\t\tfile\n"
    assert "configuration file" in alone("application", "add", "shop", code=65)
    assert "configuration file" in alone("application", "remove", "shop", code=65)


def test_wrong_words_about_applications_are_refused(alone: Prompt) -> None:
    assert "letters" in alone("application", "add", "../shop", code=64)
    assert "expected an address" in alone("application", "add", "shop", "--sender", "example.com", code=64)
    assert "no application" in alone("application", "remove", "shop", code=65)


def _status(url: str, token: str) -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_token_opens_the_api_until_it_is_revoked(server: RunningServer, beside: Prompt) -> None:
    beside("user", "add", "tom", "--password-stdin", typed=PASSWORD)
    words = beside("token", "add", "nightly job", "--user", "tom", "--days", "2").split()
    token_id, token = words[1], words[3]
    assert _status(f"{server.viewer_url}/api/messages", token) == 200
    assert f"{token_id}\tnightly job\ttom\t20" in beside("token", "list")
    beside("token", "revoke", token_id)
    assert _status(f"{server.viewer_url}/api/messages", token) == 401
    assert "no token" in beside("token", "revoke", token_id, code=65)
    assert "no user" in beside("token", "add", "x", "--user", "nobody", code=65)
    beside("user", "remove", "tom")


def test_messages_are_found_and_exported(server: RunningServer, beside: Prompt, tmp_path: Path) -> None:
    with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=20) as client:
        client.sendmail("ann@example.com", ["bob@example.com", "cy@example.com"], CONTENT)
    wait_until(lambda: beside("search", "subject:cmd"))
    (row,) = beside("search", "subject:cmd").splitlines()
    assert row.endswith("captured\t=cmd")
    assert "Bob" in row
    for form in ("eml", "mbox", "zip", "csv"):
        beside("export", "subject:cmd", "--format", form, "-o", str(tmp_path / f"x.{form}"))
    assert (tmp_path / "x.eml").read_bytes() == CONTENT
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert archive.read("000001.eml") == CONTENT
    rows = list(csv.DictReader(io.StringIO((tmp_path / "x.csv").read_text("utf-8-sig"))))
    assert rows[0]["subject"] == "'=cmd"
    assert rows[0]["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert (tmp_path / "x.mbox").read_bytes().startswith(b"From ann@example.com ")
    assert (tmp_path / "x.eml").stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.csv", "x.eml", "x.mbox", "x.zip"]


def test_an_export_that_cannot_be_made_leaves_nothing(beside: Prompt, tmp_path: Path) -> None:
    assert "eml holds one" in beside("export", "id:none", "--format", "eml", "-o", str(tmp_path / "x"), code=65)
    assert "No such file" in beside("export", "", "-o", str(tmp_path / "none" / "x.zip"), code=64)
    assert list(tmp_path.iterdir()) == []


def test_a_query_that_is_none_shows_where_it_is_wrong(beside: Prompt) -> None:
    lines = beside("search", 'subject:"open', code=65).splitlines()
    assert "^" in lines[1]


def test_a_command_that_writes_tells_whom_it_was(server: RunningServer, beside: Prompt) -> None:
    beside("user", "add", "eve", "--password-stdin", typed=PASSWORD)
    words = beside("token", "add", "x", "--user", "eve").split()
    request = urllib.request.Request(f"{server.viewer_url}/api/events", headers={"Authorization": f"Bearer {words[3]}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        text = answer.read().decode()
    assert "account-changed" in text
    assert "command:" in text
    assert words[3] not in text
    beside("user", "remove", "eve")


def test_reading_an_archive_that_is_not_there_is_one_line(alone: Prompt) -> None:
    assert len(alone("search", "", code=1).splitlines()) == 1


def test_check_says_what_the_configuration_amounts_to(alone: Prompt) -> None:
    text = alone("check")
    assert "127.0.0.1:1025" in text
    assert "capture" in text
    assert text.endswith("No errors.\n")


def test_a_process_ends_with_the_code_that_it_should(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'[archive]\npath = "{tmp_path}/data"\n')
    for arguments, code in ((["user", "nonsense"], 64), (["user", "passwd", "nobody"], 65), (["user", "list"], 0)):
        command = [sys.executable, "-m", "relay", *arguments]
        done = subprocess.run([*command, "-c", str(tmp_path / "config.toml")], capture_output=True, text=True)
        assert done.returncode == code
        assert "Traceback" not in done.stderr


def test_the_version_is_told() -> None:
    done = subprocess.run([sys.executable, "-m", "relay", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("mailwitness ")
