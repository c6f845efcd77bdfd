"""The short form of the crash loop (see `loop.py`), and whether its own eyes can see faults."""

from __future__ import annotations

import sqlite3

import pytest

from tests.crash.autopsy import examine
from tests.crash.loop import Loop
from tests.support.ledger import Ledger


@pytest.mark.crash
async def test_what_was_answered_250_survives_kill_9_once_and_is_delivered(tmp_path):
    loop = Loop(tmp_path, clients=3, seed=1)
    outcome = await loop.run(5)
    assert outcome.wrong == []
    assert outcome.rounds == 5
    assert outcome.promised >= 5, "the clients sent too little for this to mean anything"


def test_a_ledger_tells_lost_doubled_changed_and_refused_messages():
    ledger = Ledger(promised={"a": "1", "b": "2"}, doubtful={"c": "3", "d": "4"}, refused={"e": "5"})
    assert ledger.differences([("a", "1"), ("b", "2"), ("c", "3")]) == []
    assert ledger.differences([("a", "1")]) == ["b was answered 250 and is lost"]
    assert ledger.differences([("a", "1"), ("b", "2"), ("a", "1")]) == ["a is kept 2 times"]
    assert ledger.differences([("a", "1"), ("b", "2"), ("d", "9")]) == ["d is kept as 9, sent as 4"]
    assert ledger.differences([("a", "1"), ("b", "2"), ("e", "5")]) == ["e was refused and is kept"]


def test_a_ledger_tells_what_never_reached_the_provider_or_reached_it_changed():
    ledger = Ledger(promised={"a": "1", "b": "2"})
    kept = [("a", "1"), ("b", "2")]
    assert ledger.undelivered(kept, {"a": ["1", "1"], "b": ["2"]}) == []
    assert ledger.undelivered(kept, {"a": ["1"]}) == ["b never reached the provider"]
    assert ledger.undelivered(kept, {"a": ["1"], "b": ["9"]}) == ["b reached the provider as 9, sent as 2"]


def test_an_archive_that_was_never_made_holds_nothing(tmp_path):
    assert examine(tmp_path / "archive.db").kept == []
    sqlite3.connect(tmp_path / "empty.db").close()
    assert examine(tmp_path / "empty.db").kept == []
