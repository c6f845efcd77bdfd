"""A backup or a restore is killed before each thing it does to a file: the copies are whole, and the next run works."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from relay.archive.backup.copying import make_copy
from relay.archive.backup.restoring import build, settle
from relay.archive.backup.store import Store
from relay.archive.content import stored
from tests.support.archive_values import CONTENT, NOON, SECOND, a_message, captured_event, deliveries_of
from tests.support.doomed import is_killed, read_for_processes
from tests.support.fresh import open_archive
from tests.support.thoroughness import IS_THOROUGH

read_for_processes(__name__)
DEEDS = frozenset({"os.rename", "os.remove", "os.mkdir"})
STEP = 1 if IS_THOROUGH else 3
"""Killed before one in so many deeds."""


def die_before(number: int, folder: str) -> None:
    """Kills this process before the deed of that number, from 1, to a file in the folder: opened to write, or DEEDS."""
    done = 0

    def seen(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal done
        is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (is_write or event in DEEDS) and str(arguments[0]).startswith(folder):
            done += 1
            if done == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(seen)


def _back_up(number: int, path: str, copies: str) -> None:
    die_before(number, copies)
    make_copy(Path(path), Store(Path(copies)), NOON + SECOND)


def _restore(number: int, copies: str, name: str, place: str) -> None:
    die_before(number, place)
    store = Store(Path(copies))
    settle(store, build(store, name, Path(place)))


async def fill(path: Path, *numbers: int) -> None:
    archive = await open_archive(f"sqlite:///{path}")
    for number in numbers:
        message = a_message(number)
        await archive.add_message(message, stored(CONTENT), deliveries_of(message), [captured_event(message)])
    await archive.close()


def check_whole(store: Store, least: int) -> None:
    names = store.names()
    assert len(names) >= least
    for name in names:
        copy = store.copy(name)
        assert hashlib.sha256(b"".join(map(store.block, copy.blocks))).hexdigest() == copy.sha256
        for block in copy.files.values():
            store.block(block)


@pytest.mark.crash
def test_killed_at_any_deed_a_backup_leaves_the_copies_whole_and_the_next_one_works(tmp_path: Path) -> None:
    path = tmp_path / "archive" / "archive.db"
    path.parent.mkdir()
    (path.parent / "ledger.key").write_text("secret")
    asyncio.run(fill(path, 1))
    first = tmp_path / "first"
    make_copy(path, Store(first), NOON)
    asyncio.run(fill(path, 2))
    number = 1 - STEP
    while True:
        number += STEP
        copies = tmp_path / f"copies{number}"
        shutil.copytree(first, copies)
        if not is_killed(_back_up, number, str(path), str(copies)):
            break
        store = Store(copies)
        check_whole(store, 1)
        made = make_copy(path, store, NOON + 2 * SECOND)
        assert not made.faults
        check_whole(store, 2)
        with store.held():
            store.keep(1)
        check_whole(store, 1)
        # What was killed left nothing that no copy has, once old ones were taken away.
        copy = store.copy(made.name)
        assert {one.name for one in (copies / "blocks").glob("??/*")} <= {*copy.blocks, *copy.files.values()}
    assert number > 5


@pytest.mark.crash
def test_killed_at_any_deed_a_restore_is_started_again(tmp_path: Path) -> None:
    path = tmp_path / "archive" / "archive.db"
    path.parent.mkdir()
    (path.parent / "ledger.key").write_text("secret")
    asyncio.run(fill(path, 1))
    store = Store(tmp_path / "copies")
    name = make_copy(path, store, NOON).name
    number = 1 - STEP
    while True:
        number += STEP
        place = tmp_path / f"place{number}"
        if not is_killed(_restore, number, str(store.folder), name, str(place)):
            break
        # There is no archive, or it is the whole one: killed after its last step.
        assert not (place / "archive.db").exists()
        built = build(store, name, place)
        assert not built.faults
        settle(store, built)
        left = {one.name for one in place.iterdir()} - {"archive.lock"}
        assert left == {"archive.db", "ledger.key"}
    assert number > 4
