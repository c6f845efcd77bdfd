"""Whoever signs is killed at any moment: the next one goes on without a person, and no size is ever signed twice."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from relay.archive.api import Archive
from relay.config import Ledger
from relay.ledger.checkpoint import Checkpoint
from relay.ledger.note import open_note, split_note
from relay.model.event import Event, Kind
from relay.notary.keys import load_keys
from relay.notary.notary import Notary
from relay.notary.sealing import REMEMBERED
from tests.support.archive_values import NOON, new_id
from tests.support.doomed import process_of, read_for_processes
from tests.support.fresh import open_archive

read_for_processes(__name__)
KILLS = 12
SEED = 20_260_101


def notary_of(folder: Path, archive: Archive) -> Notary:
    return Notary(
        Ledger(), folder=folder, hostname="mail.example.com", archive=archive, clock=lambda: NOON, new_id=new_id
    )


def _live(folder: Path, telling: Connection) -> None:
    asyncio.run(_sign(folder, telling))


async def _sign(folder: Path, telling: Connection) -> None:
    """Again and again, until it is killed."""
    archive = await open_archive(f"sqlite:///{folder}/archive.db")
    notary = notary_of(folder, archive)
    for number in itertools.count(1):
        await archive.add_events([Event(new_id(), NOON, Kind.PAUSED, "user:ann") for _ in range(3)])
        note = await notary.checkpoint()
        telling.send((note.size, note.note))
        if number % 4 == 0:
            await notary.rotate("command:ann")


@pytest.mark.crash
async def test_a_notary_killed_at_any_moment_leaves_one_history(tmp_path: Path) -> None:
    folder, chance = tmp_path / "data", random.Random(SEED)
    shown: dict[int, str] = {}
    for _ in range(KILLS):
        process, told = process_of(_live, folder)
        process.start()
        for _ in range(chance.randrange(1, 12)):
            _see(told, shown)
        # Somewhere in the next round: after an event, a signature, the file, the commit, or half of a change of keys.
        for _ in range(chance.randrange(20_000)):
            pass
        process.kill()
        process.join()
        with contextlib.suppress(EOFError, OSError):
            while True:
                _see(told, shown)
        await _goes_on(folder, shown)


def _see(told: Connection, shown: dict[int, str]) -> None:
    """Raises EOFError, and OSError within an answer, when nobody is left who tells."""
    assert told.poll(60)
    size, note = told.recv()
    text = split_note(note)[0]
    assert shown.setdefault(size, text) == text


async def _goes_on(folder: Path, shown: dict[int, str]) -> None:
    """Everything that was shown is still the beginning of the log, and the next checkpoint is signed."""
    archive = await open_archive(f"sqlite:///{folder}/archive.db")
    notary = notary_of(folder, archive)
    latest = await notary.checkpoint()
    keys = await load_keys(Ledger(), folder, archive)
    kept = {one.size: one.note for one in await archive.checkpoints()}
    assert shown.keys() <= kept.keys()
    for size, note in kept.items():
        signed = Checkpoint.parse(open_note(note, keys.verifiers()).text)
        assert signed.root == await archive.ledger_root(size)
        assert shown.setdefault(size, signed.encode()) == signed.encode()
    assert split_note((folder / REMEMBERED).read_text())[0] == split_note(latest.note)[0]
    assert not (folder / "ledger.key.next").exists() or (folder / "ledger.key").exists()
    await archive.close()
