"""`mailwitness sendmail` in the place of /usr/sbin/sendmail: arguments, exit codes, and what arrives."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest

from relay.archive.api import StoredMessage
from relay.archive.query import Query
from relay.commands.sendmail import WrongUsage, read_arguments
from relay.commands.submission import NoListener, Place, place
from tests.support.fresh import open_archive
from tests.support.server import RunningServer

MESSAGE = b"To: bob@example.com\nSubject: hello\n\nHello.\n"
SOCKET_TABLES = """
[archive]
path = "{folder}/data"
[viewer]
port = 0
[smtp]
max_message_size = "100K"
[[smtp.listeners]]
name = "local"
socket = "{folder}/s"
[[smtp.listeners]]
name = "net"
port = 0
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("sendmail")
    with RunningServer(folder, SOCKET_TABLES.format(folder=folder), own_tables=True) as running:
        yield running


def _sendmail(server: RunningServer, *arguments: str, piped: bytes = MESSAGE, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "relay", "sendmail", "-C", str(server.config_file), *arguments],
        input=piped,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert len(done.stderr.splitlines()) == (1 if code else 0)
    return (done.stderr if code else done.stdout).decode()


def _latest(server: RunningServer) -> tuple[StoredMessage, bytes]:
    async def look() -> tuple[StoredMessage, bytes]:
        archive = await open_archive(f"sqlite:///{server.archive_path}/archive.db", read_only=True)
        try:
            (row,) = (await archive.search(Query(), limit=1)).rows
            return await archive.message(row.id), await archive.content(row.id)
        finally:
            await archive.close()

    return asyncio.run(look())


def _count(server: RunningServer) -> int:
    async def look() -> int:
        archive = await open_archive(f"sqlite:///{server.archive_path}/archive.db", read_only=True)
        try:
            return await archive.count(Query())
        finally:
            await archive.close()

    return asyncio.run(look())


def test_the_recipients_of_the_header_get_it_and_bcc_is_not_shown(server: RunningServer) -> None:
    piped = b"To: Bob <bob@example.com>\nBcc: eve@example.com\nSubject: x\n\none\n.\ntwo"
    _sendmail(server, "-t", "-i", "-f", "shop@example.com", "-F", "The Shop", piped=piped)
    stored, content = _latest(server)
    envelope = stored.message.envelope
    assert [one.address for one in envelope.recipients] == ["bob@example.com", "eve@example.com"]
    assert envelope.sender == "shop@example.com"
    assert content.startswith(b"To: Bob <bob@example.com>\r\nSubject: x\r\nFrom: The Shop <shop@example.com>\r\nDate: ")
    assert content.endswith(b"\r\n\r\none\r\n.\r\ntwo\r\n")
    assert b"eve" not in content
    assert message_from_bytes(content)["Message-ID"]


def test_recipients_can_stand_in_the_arguments_as_cron_does(server: RunningServer) -> None:
    _sendmail(server, "-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-B8BITMIME", "--", "ann@example.com")
    stored, content = _latest(server)
    assert [one.address for one in stored.message.envelope.recipients] == ["ann@example.com"]
    assert b"\r\nFrom: CronDaemon <" in content


def test_delivery_status_parameters_are_passed_on(server: RunningServer) -> None:
    _sendmail(server, "-N", "success,failure", "-R", "hdrs", "-V", "QQ314159", "-f", "", "ann@example.com")
    envelope = _latest(server)[0].message.envelope
    assert (envelope.sender, envelope.ret, envelope.envid) == ("", "HDRS", "QQ314159")
    assert envelope.recipients[0].notify == "SUCCESS,FAILURE"


def test_eight_bit_content_and_utf8_addresses_are_declared(server: RunningServer) -> None:
    _sendmail(server, "-t", piped="To: zoë@example.com\n\nGrüße\n".encode())
    envelope = _latest(server)[0].message.envelope
    assert (envelope.body, envelope.smtputf8) == ("8BITMIME", True)
    assert envelope.recipients[0].address == "zoë@example.com"


def test_a_link_named_sendmail_works(server: RunningServer, tmp_path: Path) -> None:
    program = tmp_path / "sendmail"
    program.write_text(f"#!{sys.executable}\nfrom relay.__main__ import main\nmain()\n")
    program.chmod(0o755)
    subprocess.run(
        [program, "-C", str(server.config_file), "-t", "-i"],
        input=b"To: link@example.com\n\n",
        check=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert _latest(server)[0].message.envelope.recipients[0].address == "link@example.com"


def test_smtp_can_be_spoken_over_standard_input(server: RunningServer) -> None:
    envelope = b"EHLO cron\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<bs@example.com>\r\n"
    dialogue = envelope + b"DATA\r\nSubject: bs\r\n\r\nx\r\n.\r\nQUIT\r\n"
    text = _sendmail(server, "-bs", piped=dialogue)
    assert [line[:3] for line in text.splitlines()][-3:] == ["354", "250", "221"]
    assert _latest(server)[0].message.envelope.recipients[0].address == "bs@example.com"


def test_nothing_is_sent_when_one_recipient_is_refused(server: RunningServer) -> None:
    before = _count(server)
    line = _sendmail(server, "ann@example.com", "not an address", code=67)
    assert "not an address" in line
    assert _count(server) == before


def test_exit_codes_say_what_went_wrong(server: RunningServer, tmp_path: Path) -> None:
    _sendmail(server, code=64)
    _sendmail(server, "-t", piped=b"Subject: to nobody\n\n", code=64)
    _sendmail(server, "-Y", "ann@example.com", code=64)
    _sendmail(server, "ann@example.com", piped=b"x" * 200_000, code=65)
    (tmp_path / "bad.toml").write_text("[smtp")
    _sendmail(server, "-C", str(tmp_path / "bad.toml"), "ann@example.com", code=78)
    _sendmail(server, "-C", str(tmp_path / "none.toml"), "ann@example.com", code=78)
    (tmp_path / "away.toml").write_text(f'[[smtp.listeners]]\nsocket = "{tmp_path}/nobody"\n')
    _sendmail(server, "-C", str(tmp_path / "away.toml"), "ann@example.com", code=75)


def test_help_names_the_options() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "relay", "sendmail", "--help"], capture_output=True, text=True, check=True
    )
    assert "[-f SENDER]" in done.stdout


def test_queue_runs_and_alias_rebuilds_do_nothing_and_succeed(server: RunningServer) -> None:
    before = _count(server)
    for argument in ("-q", "-q30m", "-bi"):
        _sendmail(server, argument)
    assert "viewer" in _sendmail(server, "-bp")
    assert _count(server) == before


@pytest.mark.parametrize(
    ("arguments", "recipients"),
    [
        (["-t", "-i"], []),
        (["-ti"], []),
        (["-oi", "-oem", "-om", "a@x"], ["a@x"]),
        (["-f", "me@x", "a@x"], ["a@x"]),
        (["-fme@x", "-r", "me@x", "-FMe", "a@x", "--", "-b@x"], ["a@x", "-b@x"]),
        (["-O", "DeliveryMode=b", "-Ac", "-p", "ESMTP:cron", "-h3", "-G", "-U", "-v", "-n", "a@x"], ["a@x"]),
        (["-X", "/tmp/log", "-L", "tag", "-bm", "a@x"], ["a@x"]),
    ],
)
def test_the_arguments_of_other_programs_are_understood(arguments: list[str], recipients: list[str]) -> None:
    assert read_arguments(arguments).recipients == recipients


@pytest.mark.parametrize("arguments", [["-f"], ["-bd"], ["-N", "sometimes"], ["-R", "none"], ["-V", "a b"], ["-%"]])
def test_other_arguments_are_wrong_usage(arguments: list[str]) -> None:
    with pytest.raises(WrongUsage):
        read_arguments(arguments)


def _place(folder: Path, text: str, environment: dict[str, str] | None = None) -> Place:
    (folder / "c.toml").write_text(text)
    return place(folder / "c.toml", environment or {})


def test_the_first_listener_without_tls_and_password_is_used(tmp_path: Path) -> None:
    assert _place(tmp_path, "") == Place("127.0.0.1", 1025)
    assert _place(tmp_path, "[smtp]\nport = 26\n") == Place("127.0.0.1", 26)
    assert _place(tmp_path, "[smtp]\nport = 26\n", {"MAILWITNESS_SMTP__PORT": "27"}) == Place("127.0.0.1", 27)
    assert _place(tmp_path, '[smtp]\nhost = "0.0.0.0"\n') == Place("127.0.0.1", 1025)
    text = (
        '[[smtp.listeners]]\ntls = "implicit"\n[[smtp.listeners]]\nrequire_auth = true\n[[smtp.listeners]]\nport = 9\n'
    )
    assert _place(tmp_path, text) == Place("127.0.0.1", 9)
    with pytest.raises(NoListener):
        _place(tmp_path, '[[smtp.listeners]]\ntls = "required"\n')


def test_a_config_toml_of_another_program_is_not_in_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert place(None, {}) == Place()
    for text in ("not toml at all", "smtp = 3\n", 'baseURL = "https://example.com"\n'):
        (tmp_path / "config.toml").write_text(text)
        assert place(None, {}) == Place()


def test_it_starts_without_the_libraries_of_the_server() -> None:
    script = (
        "import sys; sys.argv = ['sendmail', '-q']\n"
        "from relay.__main__ import main\n"
        "try: main()\n"
        "except SystemExit as end: code = end.code\n"
        "print(code, sorted({'pydantic', 'typer', 'aiohttp', 'sqlalchemy', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "0 []\n"
