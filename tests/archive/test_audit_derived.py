"""What is made from contents, for grid, search and reports, is made again and compared, where that is asked for."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from relay.archive import check_archive
from relay.archive.audit.indexes import WORDS, check_words
from relay.archive.audit.kinds import DERIVED
from tests.support.audited import READING, Bench, changes, faults_of, tamper, unused
from tests.support.thoroughness import IS_THOROUGH, one_in

OF_SEARCH = sorted(DERIVED)
UNSHOWN = {
    "fragment.id": "a number that search keeps in its index: found where that is looked at",
    "mailing.id": "the same for mailings, where messages have none",
    "mailing.last_seq": "the latest message, or one that was of it until it was read again",
    "mailing.name": "how the first message of it spells it",
    "mailing.key": "has the name in it",
    "mailed.mailing": "of which it is: compared by its key",
}
"""Columns of tables that are made from others whose value is not compared."""


@pytest.mark.parametrize("table", OF_SEARCH)
def test_every_change_of_what_is_made_from_contents_is_found_where_it_is_made_again(bench: Bench, table: str) -> None:
    key = bench.key(table)
    missed = set()
    for row in bench.rows(table) if IS_THOROUGH else bench.rows(table)[:1]:
        where = " AND ".join(f'"{name}" = ?' for name in key)
        named = [row[name] for name in key]
        for column, value in row.items():
            if f"{table}.{column}" in UNSHOWN or f"{table}.{column}" in missed:
                continue
            for changed in one_in(3, changes(value)):
                statement = f'UPDATE "{table}" SET "{column}" = ? WHERE {where}'
                if not bench.finds(statement, changed, *named, is_derived=True):
                    missed.add(f"{table}.{column}")
        if not bench.finds(f'DELETE FROM "{table}" WHERE {where}', *named, is_derived=True):
            missed.add(f"{table}: a row")
    assert missed == set()


@pytest.mark.parametrize("table", sorted(set(DERIVED) - {"fragment"}))
def test_a_row_too_many_of_what_is_made_from_contents_is_found(bench: Bench, table: str) -> None:
    copy = bench.rows(table)[0]
    key = bench.key(table)
    copy[key[0]] = unused(copy[key[0]])
    if table == "mailing":
        copy["key"] = f"{copy['key']}x"
    places = ", ".join("?" * len(copy))
    assert bench.finds(f'INSERT INTO "{table}" VALUES ({places})', *copy.values(), is_derived=True)


@pytest.mark.parametrize("index", WORDS)
def test_a_change_in_a_full_text_index_is_found(audited_path: Path, index: str) -> None:
    """One octet, or a row, of each table that the index consists of."""
    assert list(check_words(audited_path, index)) == []
    missed = set()
    with closing(sqlite3.connect(audited_path, isolation_level=None)) as database:
        for part in ("data", "idx", "docsize", "config"):
            table = f"{index}_{part}"
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            key = [row[1] for row in database.execute(f"PRAGMA table_info({table})") if row[5]]
            where = " AND ".join(f"{name} = ?" for name in key)
            rows = database.execute(f"SELECT * FROM {table}").fetchall()
            for row in one_in(max(1, len(rows) // 3), rows):
                values = dict(zip(columns, row, strict=True))
                named = [values[name] for name in key]
                for column in columns:
                    if (part, column) == ("idx", "term") or (part, values.get("id")) == ("data", 10):
                        continue  # by which a page is looked for, not what is in it; and how often it was configured
                    for changed in changes(values[column])[:1]:
                        with suppress(sqlite3.IntegrityError):  # a key that another has: it is not written
                            database.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (changed, *named))
                            if not list(check_words(audited_path, index)):
                                missed.add((table, column, *named))
                        database.execute(f"DELETE FROM {table}")
                        database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", rows)
    assert missed == set()


def test_a_word_that_is_not_looked_up_any_more_is_found(audited_path: Path) -> None:
    with closing(sqlite3.connect(audited_path, isolation_level=None)) as database:
        database.execute("DROP TRIGGER document_changed")
        database.execute("UPDATE document SET body = body || ' more' WHERE seq = 1")
    (fault,) = check_words(audited_path, "full_text")
    assert "words of the table document" in fault.words


def test_what_is_shown_is_made_again_where_it_is_asked_for(audited_path: Path) -> None:
    tamper(audited_path, "UPDATE listing SET subject = 'another' WHERE seq = 2")
    assert faults_of(audited_path) == []
    steps = check_archive(f"sqlite:///{audited_path}", reading=READING, processes=1)
    told = [fault.words for progress in steps for fault in progress.faults]
    assert any(words.endswith("table listing is not made of its content: subject") for words in told), told
