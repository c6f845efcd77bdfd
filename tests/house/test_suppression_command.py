"""`mailwitness suppression`: with and without a server, with good files and bad ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.prompt import Prompt
from tests.support.server import RunningServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def alone(tmp_path: Path) -> Prompt:
    (tmp_path / "config.toml").write_text(
        f'[archive]\npath = "{tmp_path}/data"\n[[application]]\nname = "shop"\naddresses = ["192.0.2.1"]\n'
    )
    return Prompt(tmp_path / "config.toml", "suppression")


def kinds(folder: Path) -> list[tuple[str, int]]:
    connection = sqlite3.connect(folder / "archive.db")
    rows = connection.execute("SELECT kind, count(*) FROM event GROUP BY kind ORDER BY kind").fetchall()
    connection.close()
    return rows


def test_entries_are_added_listed_and_removed(alone: Prompt, tmp_path: Path) -> None:
    assert alone("list") == ""
    assert alone("add", "Jane@Example.com", "--reason", "asked by phone") == (
        "Nothing is sent to Jane@Example.com any more.\n"
    )
    alone("add", "jane@example.com", "--application", "shop", "--days", "3")
    alone("add", "jane@example.com.au")
    first, second, third = [row.split("\t") for row in alone("list").splitlines()]
    assert first[:3] == ["jane@example.com.au", "(all)", "manual"]
    assert second[:3] == ["jane@example.com", "shop", "manual"]
    assert second[4] > second[3]
    assert (third[0], third[4], third[5]) == ("Jane@Example.com", "", "asked by phone")
    assert len(alone("list", "--search", "PHONE").splitlines()) == 1
    assert len(alone("list", "--application", "shop").splitlines()) == 1
    assert alone("list", "--cause", "bounce") == alone("list", "--expired") == ""
    assert alone("remove", "jane@example.com", "--application", "shop", "--reason", "wrote to us") == (
        "Removed jane@example.com (manual for shop).\n"
    )
    assert alone("remove", "JANE@example.com") == "Removed Jane@Example.com (manual).\n"
    assert len(alone("list").splitlines()) == 1
    assert kinds(tmp_path / "data") == [("suppression-added", 3), ("suppression-removed", 2)]


def test_wrong_words_are_refused(alone: Prompt) -> None:
    assert "'jane' is not an address" in alone("add", "jane", code=65)
    assert "no application 'Shop'" in alone("add", "a@b.example", "--application", "Shop", code=65)
    assert "control characters" in alone("add", "a@b.example", "--reason", "two\nlines", code=65)
    assert "control characters" in alone("remove", "a@b.example", "--reason", "two\nlines", code=65)
    assert "a@b.example is not on the list" in alone("remove", "a@b.example", code=65)
    alone("add", "a@b.example", "--days", "0", code=64)
    alone("list", "--cause", "anger", code=64)
    assert "No such file" in alone("import", "nowhere.csv", code=64)


def test_a_file_with_a_wrong_line_is_not_half_imported(alone: Prompt, tmp_path: Path) -> None:
    given = "address,cause\nann@example.com,complaint\nbob,manual\ncarl@example.com,x\n"
    said = alone("import", "-", typed=given, code=65)
    assert "-: line 3: 'bob' is not an address\n-: line 4: 'x' is no cause" in said
    assert "Nothing was imported: 2 lines are wrong" in said
    assert not (tmp_path / "data").exists()
    assert alone("import", "-", "--skip-bad", typed=given) == "Imported 1 entries, 2 lines are left out.\n"
    assert alone("list").startswith("ann@example.com\t(all)\tcomplaint\t")


def test_many_wrong_lines_are_counted_after_a_thousand(alone: Prompt) -> None:
    said = alone("import", "-", typed="address\n" + "x\n" * 1003, code=65)
    assert said.count("is not an address") == 1000
    assert "-: 3 more lines are wrong" in said


def test_what_is_exported_beside_a_running_server_can_be_imported_again(
    server: RunningServer, alone: Prompt, tmp_path: Path
) -> None:
    beside = Prompt(server.config_file, "suppression")
    rows = "".join(f"u{n}@example.com,bounce,2026-01-02\n" for n in range(450))
    assert beside("import", "-", typed=f"address,cause,created_at\n{rows}") == "Imported 450 entries.\n"
    beside("add", "+tag@example.com", "--reason", "=1+1")
    beside("export", "-o", str(tmp_path / "list.csv"))
    text = (tmp_path / "list.csv").read_bytes()
    assert text.count(b"\r\n") == 452
    assert b"'+tag@example.com,,manual,'=1+1," in text
    assert beside("export", "-o", "-", "--search", "u449@").count("\n") == 2
    assert alone("import", str(tmp_path / "list.csv")) == "Imported 451 entries.\n"
    assert alone("import", str(tmp_path / "list.csv")) == "Imported 451 entries.\n"
    assert kinds(tmp_path / "data") == [("suppression-added", 451)]
    alone("export", "-o", str(tmp_path / "again.csv"))
    assert sorted((tmp_path / "again.csv").read_bytes().splitlines()) == sorted(text.splitlines())
    beside("remove", "+TAG@example.com")
    assert "not on the list" in beside("remove", "+TAG@example.com", code=65)
