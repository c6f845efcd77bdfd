"""Litestream copies the archive of a running server all the time; what it restores is sound, and the log goes on.

The configuration is the one of `docs/operations.md`, with a folder instead of an object store.
"""

from __future__ import annotations

import shutil
import smtplib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from relay.ledger.checkpoint import Checkpoint
from relay.ledger.note import Verifier, open_note
from tests.support.keeping import opened
from tests.support.prompt import Prompt
from tests.support.server import BASE, RunningServer

BESIDE_PYTHON = Path(sys.executable).with_name("litestream")
LITESTREAM = str(BESIDE_PYTHON) if BESIDE_PYTHON.exists() else shutil.which("litestream")

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(LITESTREAM is None, reason="litestream is not installed"),
]

CONFIG = (
    BASE.replace("[archive]\n", "[archive]\ncontinuous_copy = true\n")
    + '[ledger]\npublic = true\ncheckpoint_every = "1h"\n[tracking]\nport = 0\n'
)
DEADLINE = 60.0
BODY = b"0123456789abcdef" * 4 + b"\r\n"


class House:
    """A server and the program that copies its archive."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = RunningServer(folder, CONFIG.format(archive=folder / "data"), own_tables=True)
        self.prompt = Prompt(self.server.config_file)
        self.copying = folder / "litestream.yml"
        self.copying.write_text(
            f"dbs:\n  - path: {folder}/data/archive.db\n    replica:\n      type: file\n      path: {folder}/replica\n"
        )
        self.process: subprocess.Popen[bytes] | None = None

    def follow(self) -> None:
        with (self.folder / "litestream.log").open("ab") as log:
            command = [str(LITESTREAM), "replicate", "-config", str(self.copying), "-log-level", "debug"]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def said(self) -> str:
        return (self.folder / "litestream.log").read_text()

    def lose(self) -> None:
        """The machine stops, with all that ran on it."""
        self.server.kill()
        self.unfollow()

    def unfollow(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(DEADLINE)

    def restored(self, to: Path) -> Path:
        to.unlink(missing_ok=True)
        command = [str(LITESTREAM), "restore", "-config", str(self.copying), "-o", str(to)]
        subprocess.run([*command, str(self.folder / "data/archive.db")], check=True, timeout=DEADLINE)
        return to

    def send(self, first: int, count: int) -> None:
        with smtplib.SMTP("127.0.0.1", self.server.smtp_port, timeout=DEADLINE) as client:
            for number in range(first, first + count):
                content = b"Subject: n%d\r\n\r\n" % number + BODY * (number % 50)
                client.sendmail("ann@example.com", [f"bob{number}@example.com"], content)

    def wait_until_copied(self, size: int) -> None:
        """Until what Litestream would restore has the log's first `size` facts."""
        deadline = time.monotonic() + DEADLINE
        while self.facts_copied() < size:
            assert time.monotonic() < deadline, self.said
            time.sleep(0.5)

    def facts_copied(self) -> int:
        try:
            with opened(self.restored(self.folder / "looked.db")) as connection:
                return int(connection.execute("SELECT count(*) FROM event").fetchone()[0])
        except subprocess.CalledProcessError:
            return 0


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with running(tmp_path) as running_house:
        yield running_house


@contextmanager
def running(folder: Path) -> Iterator[House]:
    house = House(folder)
    try:
        yield house
    finally:
        house.lose()


def size_of(note: str, key: str) -> int:
    return Checkpoint.parse(open_note(note, [Verifier.parse(key)]).text).size


def test_a_machine_is_lost_and_what_litestream_restores_goes_on_without_a_fork(house: House) -> None:
    folder, prompt = house.folder, house.prompt
    key = prompt("ledger", "key").strip()
    house.send(0, 20)
    house.follow()
    sending = [threading.Thread(target=house.send, args=(first, 100)) for first in (100, 200, 300)]
    for thread in sending:
        thread.start()
    for thread in sending:
        thread.join()
    old = prompt("ledger", "checkpoint")
    (folder / "old").write_text(old)
    house.wait_until_copied(size_of(old, key))
    sending = [threading.Thread(target=_until_lost, args=(house, first)) for first in (1000, 2000)]
    for thread in sending:
        thread.start()
    house.wait_until_copied(size_of(old, key) + 50)
    house.lose()
    for thread in sending:
        thread.join()
    assert house.said.count("mode=PASSIVE") > 0, "it checkpoints"
    assert "another process" not in house.said, "nobody else does"

    (house.server.archive_path / "ledger.key").rename(folder / "kept.key")
    shutil.rmtree(house.server.archive_path)
    house.server.archive_path.mkdir(mode=0o700)
    (folder / "kept.key").rename(house.server.archive_path / "ledger.key")
    restored = house.restored(folder / "restored.db")
    said = prompt("restore", str(restored), "--checkpoint", str(folder / "old"))
    assert "every check held" in said
    said = prompt("verify", "--archive", "--key", key, "--checkpoint", str(folder / "old"))
    assert "Nothing in this archive is wrong" in said

    house.server.start()
    house.follow()
    house.send(5000, 30)
    new = prompt("ledger", "checkpoint")
    (folder / "new").write_text(new)
    assert size_of(new, key) > size_of(old, key) + 80
    # The copy goes on too, in the same place.
    house.wait_until_copied(size_of(new, key))
    checkpoints = ("--checkpoint", str(folder / "old"), "--checkpoint", str(folder / "new"))
    assert "Nothing in this archive is wrong" in prompt("verify", "--archive", "--key", key, *checkpoints)
    house.lose()
    shutil.rmtree(house.server.archive_path)
    assert "every check held" in prompt("restore", str(house.restored(folder / "again.db")), *checkpoints)
    with opened(house.server.archive_path / "archive.db") as connection:
        rows = connection.execute("SELECT kind FROM event WHERE kind = 'restored'").fetchall()
        (messages,) = connection.execute("SELECT count(*) FROM message").fetchone()
    assert len(rows) == 2, "the log says that the archive was put back, each time"
    assert messages >= 20 + 300 + 30


def test_a_copy_that_lacks_what_was_signed_is_refused(house: House) -> None:
    folder, prompt = house.folder, house.prompt
    house.send(0, 5)
    house.follow()
    house.wait_until_copied(1)
    house.unfollow()
    house.send(5, 20)
    (folder / "seen").write_text(prompt("ledger", "checkpoint"))
    house.lose()
    shutil.rmtree(house.server.archive_path)
    said = prompt("restore", str(house.restored(folder / "old.db")), "--checkpoint", str(folder / "seen"), code=65)
    assert "was not put back" in said
    assert not (house.server.archive_path / "archive.db").exists()


def test_a_backup_beside_litestream_is_whole_and_a_stopped_server_loses_nothing(house: House) -> None:
    folder, prompt = house.folder, house.prompt
    house.follow()
    sending = threading.Thread(target=house.send, args=(0, 300))
    sending.start()
    assert "copy " in prompt("backup", str(folder / "copies"))
    sending.join()
    assert "copy " in prompt("backup", str(folder / "copies"))
    house.server.stop()
    with opened(house.server.archive_path / "archive.db") as connection:
        (facts,) = connection.execute("SELECT count(*) FROM event").fetchone()
    house.wait_until_copied(facts)
    house.lose()
    shutil.rmtree(house.server.archive_path)
    assert "every check held" in prompt("restore", str(folder / "copies"))


def _until_lost(house: House, first: int) -> None:
    """Sends until nobody answers any more."""
    try:
        house.send(first, 1_000_000)
    except (OSError, smtplib.SMTPException):
        return
