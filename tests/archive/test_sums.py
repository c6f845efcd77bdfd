"""Sums over the rows of tables of which no signed evidence tells: what keeps them, and what makes them anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from relay.archive.audit.structure import check_structure
from relay.archive.audit.sums import check_sums
from relay.archive.database import open_writer
from relay.archive.migrations.run import upgrade
from relay.archive.sums import MASK, arrange, counted, prepare, row_hash, summed
from tests.support.archive_values import NOON


@pytest.fixture
def database(audited_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_writer(audited_path)) as opened:
        yield opened


def is_right(database: sqlite3.Connection) -> bool:
    return [*check_sums(database), *(fault for part in range(1, 6) for fault in check_sums(database, part))] == []


def test_the_hash_of_a_row_is_the_same_for_ever() -> None:
    """Or every archive would have to be added up again."""
    assert row_hash("01J…", None, b"\x00'", -(1 << 63), 1.5, 'it\'s "é" \U0001f600\x00') == 788725864709416768
    assert row_hash() <= MASK


@pytest.mark.parametrize(
    ("one", "other"),
    [((1,), ("1",)), (("a",), (b"a",)), ((None,), ("None",)), (("a, b",), ("a", "b")), (("a'", ""), ("a", "'"))],
)
def test_values_that_look_alike_are_told_apart(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    assert row_hash(*one) != row_hash(*other)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO preference (user, key, value) VALUES ('ann', 'zone', '\"UTC+1\"')",
        "UPDATE OR REPLACE preference SET key = 'zone' WHERE key = 'columns'",
        "INSERT INTO preference (user, key, value) VALUES ('ann', 'zone', 'x') ON CONFLICT DO UPDATE SET value = 'x'",
        "INSERT OR IGNORE INTO preference (user, key, value) VALUES ('ann', 'zone', 'x')",
        "UPDATE delivery SET due_at = due_at + 1, lane = 'x', why = 'ü' || why",
        "UPDATE delivery SET state = 'held'",
        "DELETE FROM web_session",
        "DELETE FROM index_queue",
        "INSERT INTO index_queue SELECT seq FROM message WHERE seq NOT IN (SELECT seq FROM index_queue)",
    ],
)
def test_whatever_is_written_the_sums_are_right(database: sqlite3.Connection, statement: str) -> None:
    assert is_right(database)
    database.execute(statement)
    assert is_right(database)
    database.execute("BEGIN")
    database.execute("DELETE FROM preference")
    database.execute("ROLLBACK")
    assert is_right(database)


def test_another_program_changes_nothing(audited_path: Path) -> None:
    with closing(sqlite3.connect(audited_path)) as shell, pytest.raises(sqlite3.OperationalError, match="row_hash"):
        shell.execute("DELETE FROM preference")


def test_an_older_archive_is_added_up_once(tmp_path: Path) -> None:
    with closing(open_writer(_empty(tmp_path))) as database:
        upgrade(database, "0022")
        database.execute("INSERT INTO figure_day (day, mark, since) VALUES (1, 1, ?)", (NOON,))
        database.execute("INSERT INTO setting (key, value) VALUES ('a', '1')")
        upgrade(database)
        assert is_right(database)
        assert list(check_structure(database)) == []
        kept = dict(database.execute("SELECT table_name, rows FROM row_sum"))
        assert (kept["figure_day"], kept["setting"], kept["token"]) == (1, 1, 0)


def _empty(folder: Path) -> Path:
    path = folder / "archive.db"
    path.touch()
    return path


def test_after_a_migration_triggers_that_are_missing_or_others_are_made_anew(database: sqlite3.Connection) -> None:
    """A table that was made anew has none."""
    database.execute("DROP TRIGGER row_sum_preference_added")
    database.execute("INSERT INTO preference (user, key, value) VALUES ('bob', 'zone', 'x')")
    database.execute("CREATE TRIGGER row_sum_listing_added AFTER INSERT ON listing BEGIN SELECT 1; END")
    database.execute("INSERT INTO row_sum VALUES ('listing', 1, 1)")
    assert {fault.where for fault in check_structure(database)} >= {
        "trigger row_sum_preference_added",
        "trigger row_sum_listing_added",
    }
    assert not is_right(database)
    arrange(database)
    assert is_right(database)
    assert list(check_structure(database)) == []


def test_what_was_right_already_is_not_added_up_again(database: sqlite3.Connection) -> None:
    """Or a migration would hide what was damaged before it."""
    database.execute("UPDATE row_sum SET sum = 1 WHERE table_name = 'preference'")
    arrange(database)
    assert not is_right(database)


def test_a_sum_is_of_all_rows_in_any_order(database: sqlite3.Connection) -> None:
    prepare(database)
    (one,) = (one for one in summed(database) if one.table == "preference")
    rows = database.execute("SELECT user, key, value FROM preference ORDER BY key DESC").fetchall()
    assert counted(database, one) == (len(rows), sum(row_hash(*row) for row in rows) & MASK)
