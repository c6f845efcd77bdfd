"""`mailwitness verify --archive`: a whole archive judged, in words and by the exit status."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.prompt import Prompt


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit status, what was printed, and what was said on standard error."""
    return Prompt(folder / "config.toml").ended(*arguments)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive that has a few facts, made by commands alone."""
    place = tmp_path_factory.mktemp("made")
    (place / "config.toml").write_text(f'[archive]\npath = "{place / "data"}"\n')
    for name in ("shop", "crm"):
        assert run(place, "application", "add", name)[0] == 0
    return place


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it to play with."""
    shutil.copytree(made / "data", tmp_path / "data")
    (tmp_path / "config.toml").write_text(f'[archive]\npath = "{tmp_path / "data"}"\n')
    return tmp_path


def change(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "data" / "archive.db")) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        assert database.execute(statement).rowcount
        database.commit()


def test_a_sound_archive_is_told_in_words_and_ends_with_0(folder: Path) -> None:
    status, note, _ = run(folder, "ledger", "checkpoint")
    assert status == 0
    (folder / "checkpoint").write_text(note)
    status, key, _ = run(folder, "ledger", "key")
    options = ["--checkpoint", str(folder / "checkpoint"), "--key", key.strip(), "--processes", "1"]
    status, text, errors = run(folder, "verify", "--archive", *options)
    assert (status, errors) == (0, "")
    assert "Nothing in this archive is wrong" in text
    status, text, _ = run(folder, "verify", "--archive")
    assert "keys that the archive itself names" in text
    assert "older copy" in text


def test_a_changed_fact_is_named_and_ends_with_65(folder: Path) -> None:
    change(folder, "UPDATE event SET actor = 'user:eve' WHERE seq = 1")
    status, text, _ = run(folder, "verify", "--archive")
    assert status == 65
    assert "WRONG  event " in text
    assert "wrong." in text


def test_a_credential_changed_by_no_command_is_told(folder: Path) -> None:
    change(folder, "UPDATE application SET secret_hash = zeroblob(32) WHERE name = 'shop'")
    status, text, _ = run(folder, "verify", "--archive")
    assert status == 65
    assert "WRONG  table application: is not as the last change left it" in text


def test_what_is_made_from_contents_is_made_again_where_it_is_asked_for(folder: Path) -> None:
    letter = folder / "letter.eml"
    letter.write_bytes(b"From: shop@example.com\r\nTo: jane@example.com\r\nSubject: hello\r\n\r\nbody\r\n")
    assert run(folder, "import", str(letter))[0] == 0
    status, text, errors = run(folder, "verify", "--archive", "--derived")
    assert (status, errors) == (0, "")
    assert "show is what is made of the contents today" in text
    change(folder, "UPDATE event SET actor = actor")
    status, text, _ = run(folder, "verify", "--archive", "--derived")
    assert status == 65
    assert "reindex" in text


def test_an_older_copy_is_found_with_a_later_checkpoint_in_hand(folder: Path) -> None:
    data = folder / "data"
    old = {path.name: path.read_bytes() for path in data.iterdir() if path.name.startswith("archive.db")}
    run(folder, "application", "add", "later")
    _, note, _ = run(folder, "ledger", "checkpoint")
    (folder / "checkpoint").write_text(note)
    for path in data.iterdir():
        if path.is_file() and not path.name.startswith("ledger.key"):
            path.unlink()
    for name, octets in old.items():
        (data / name).write_bytes(octets)
    assert run(folder, "verify", "--archive")[0] == 0
    status, text, _ = run(folder, "verify", "--archive", "--checkpoint", str(folder / "checkpoint"))
    assert status == 65
    assert "put back to an older copy" in text


@pytest.mark.parametrize(
    "arguments", [[], ["--archive", "bundle.zip"], ["--archive", "--checkpoint", "none"], ["bundle.zip", "--derived"]]
)
def test_what_is_not_asked_rightly_ends_with_64(folder: Path, arguments: list[str]) -> None:
    assert run(folder, "verify", *arguments)[0] == 64


def test_no_archive_and_a_key_that_is_none_end_with_64(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'[archive]\npath = "{tmp_path / "data"}"\n')
    assert run(tmp_path, "verify", "--archive")[0] == 64
    assert run(tmp_path, "verify", "--archive", "--key", "nonsense")[0] == 64


def test_a_state_file_that_cannot_be_written_ends_with_74(folder: Path) -> None:
    status, text, errors = run(folder, "verify", "--archive", "--state", str(folder / "nowhere" / "state"))
    assert status == 74
    assert "nowhere" in errors
    assert "Nothing in this archive is wrong" not in text
