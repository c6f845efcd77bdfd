"""The log is signed once for each size, with a key of its own, and never into a second history."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import stat
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest

from relay.archive.api import Archive
from relay.archive.api.ledger import StoredCheckpoint
from relay.config import Ledger
from relay.ledger.checkpoint import Checkpoint
from relay.ledger.note import Signer, Verifier, open_note, split_note
from relay.model.event import Event, Kind
from relay.notary.keyfile import read_key
from relay.notary.keys import SETTING, load_keys, public
from relay.notary.notary import Notary
from relay.notary.problem import KeyProblem, LogProblem
from relay.notary.sealing import REMEMBERED
from tests.support.archive_values import NOON, new_id
from tests.support.fresh import open_archive
from tests.support.waiting import until

HOST = "mail.example.com"
ORIGIN = f"{HOST}/log"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def notary_of(archive: Archive, folder: Path, table: Ledger | None = None) -> Notary:
    return Notary(
        table or Ledger(), folder=folder, hostname=HOST, archive=archive, clock=lambda: NOON, new_id=new_id, look=0.01
    )


def size_of(notary: Notary) -> int:
    assert notary.latest is not None
    return notary.latest.size


async def latest_size(archive: Archive) -> int:
    latest = await archive.latest_checkpoint()
    assert latest is not None
    return latest.size


async def grow(archive: Archive, count: int = 1) -> None:
    await archive.add_events([Event(new_id(), NOON, Kind.PAUSED, "user:ann") for _ in range(count)])


async def test_the_first_key_of_a_start_that_was_broken_off_is_the_one_of_the_next(archive, folder):
    """The thread that makes it goes on; what is made after it has the same."""
    await grow(archive)
    first = asyncio.create_task(notary_of(archive, folder).checkpoint())
    await until(lambda: (folder / "ledger.key.draft").exists() or (folder / "ledger.key").exists())
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    notary = notary_of(archive, folder)
    await notary.checkpoint()
    (recorded,) = (await notary.keys()).keys
    kept = read_key(folder / "ledger.key")
    assert kept is not None
    assert public(kept, ORIGIN) == recorded


async def test_a_first_checkpoint_is_signed_by_a_key_that_is_made_for_its_owner_alone(archive, folder):
    notary = notary_of(archive, folder)
    await grow(archive, 3)
    sealed = await notary.checkpoint()
    keys = await notary.keys()
    opened = open_note(sealed.note, keys.verifiers())
    head = await archive.ledger_head()
    assert Checkpoint.parse(opened.text) == Checkpoint(ORIGIN, head.size, head.root)
    assert sealed == await archive.latest_checkpoint() == notary.latest
    assert stat.S_IMODE((folder / "ledger.key").stat().st_mode) == 0o600
    events = [event for _, event in await archive.events() if event.kind is Kind.KEY_CHANGED]
    assert [event.data["after"] for event in events] == [keys.keys[0].vkey]


async def test_nothing_new_is_signed_where_nothing_happened(archive, folder):
    notary = notary_of(archive, folder)
    first = await notary.checkpoint()
    assert await notary.checkpoint() == first
    assert await notary_of(archive, folder).checkpoint() == first
    assert len(await archive.checkpoints()) == 1


async def test_readers_have_the_keys_without_making_any(archive, folder):
    with pytest.raises(KeyProblem, match="no key yet"):
        await load_keys(Ledger(), folder, archive)
    assert not folder.joinpath("ledger.key").exists()
    sealed = await notary_of(archive, folder).checkpoint()
    keys = await load_keys(Ledger(), folder, archive)
    assert open_note(sealed.note, keys.policy.verifiers).signatures[0].verifier == keys.verifiers()[0]
    assert keys.evidence_signers()[0].verifier.name == f"{ORIGIN}/evidence"


async def test_the_log_is_sealed_by_size_and_at_the_end(archive, folder):
    notary = notary_of(archive, folder, Ledger(checkpoint_leaves=5))
    notary.start()
    await until(lambda: notary.latest is not None)
    size = size_of(notary)
    await grow(archive, 5)
    await until(lambda: size_of(notary) == size + 5)
    await grow(archive, 2)
    await notary.stop()
    assert [one.size for one in await archive.checkpoints()] == [size, size + 5, size + 7]


def tampered(folder: Path, table: str, statement: str) -> None:
    """The archive's file after somebody who can write to it did so."""
    with closing(sqlite3.connect(folder / "archive.db")) as database, database:
        triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?"
        for (name,) in database.execute(triggers, (table,)).fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute(statement)


# -- a log that is not the one that was signed -----------------------------------------------------------------------


async def test_an_older_copy_of_the_archive_is_not_signed_and_that_is_said(archive, folder, url, tmp_path):
    notary = notary_of(archive, folder)
    await grow(archive, 3)
    await notary.checkpoint()
    await archive.close()
    shutil.copy(folder / "archive.db", tmp_path / "older.db")
    later = await open_archive(url)
    await grow(later, 3)
    signed = await notary_of(later, folder).checkpoint()
    await later.close()
    shutil.copy(tmp_path / "older.db", folder / "archive.db")
    older = await open_archive(url)
    again = notary_of(older, folder)
    with pytest.raises(LogProblem, match="this archive is an older copy"):
        await again.checkpoint()
    await grow(older, 5)
    with pytest.raises(LogProblem, match="not those that were signed"):
        await again.checkpoint()
    again.start()
    await until(lambda: "not those that were signed" in again.problem)
    await again.stop()
    assert (folder / REMEMBERED).read_text() == signed.note
    assert await latest_size(older) < signed.size
    await older.close()


async def test_a_fact_that_was_changed_under_a_checkpoint_is_found_before_the_next_is_signed(archive, folder, url):
    await grow(archive, 300)
    await notary_of(archive, folder).checkpoint()
    await archive.close()
    tampered(folder, "leaf", "UPDATE leaf SET hash = zeroblob(32) WHERE seq = 290")
    changed = await open_archive(url)
    await grow(changed)
    with pytest.raises(LogProblem, match="not those that were signed"):
        await notary_of(changed, folder).checkpoint()
    await changed.close()


async def test_a_checkpoint_that_was_signed_and_not_kept_is_kept_at_the_next_start(archive, folder):
    notary = notary_of(archive, folder)
    await notary.checkpoint()
    await grow(archive)
    keys, head = await notary.keys(), await archive.ledger_head()
    text = Checkpoint(ORIGIN, head.size, head.root).encode()
    note = f"{text}\n{keys.signers()[0].line(text).encode()}"
    (folder / REMEMBERED).write_text(note)
    assert await notary_of(archive, folder).checkpoint() == StoredCheckpoint(head.size, NOON, note)


async def test_what_is_remembered_of_another_key_is_not_believed(archive, folder):
    await notary_of(archive, folder).checkpoint()
    head = await archive.ledger_head()
    text = Checkpoint(ORIGIN, head.size, head.root).encode()
    stranger = Signer.from_seed(ORIGIN, b"s" * 32)
    (folder / REMEMBERED).write_text(f"{text}\n{stranger.line(text).encode()}")
    with pytest.raises(LogProblem, match="cannot be believed"):
        await notary_of(archive, folder).checkpoint()


# -- keys ------------------------------------------------------------------------------------------------------------


async def test_a_key_that_is_lost_is_not_replaced_in_silence(archive, folder):
    await notary_of(archive, folder).checkpoint()
    (folder / "ledger.key").unlink()
    with pytest.raises(KeyProblem, match="is not there"):
        await notary_of(archive, folder).checkpoint()
    with pytest.raises(KeyProblem, match="--without-old-key"):
        await notary_of(archive, folder).rotate("command:ann")
    keys = await notary_of(archive, folder).rotate("command:ann", without_old=True)
    latest = await archive.latest_checkpoint()
    assert [one.verifier for one in open_note(latest.note, keys.verifiers()).signatures] == [keys.keys[0]]


async def test_a_key_that_others_may_read_is_not_used(archive, folder):
    await notary_of(archive, folder).checkpoint()
    (folder / "ledger.key").chmod(0o640)
    with pytest.raises(KeyProblem, match="mode 0640"):
        await notary_of(archive, folder).checkpoint()


async def test_the_name_of_the_log_cannot_change(archive, folder):
    await notary_of(archive, folder).checkpoint()
    with pytest.raises(KeyProblem, match=f"is called {ORIGIN}"):
        await notary_of(archive, folder, Ledger(origin="other.example/log")).checkpoint()


async def test_both_keys_sign_the_change_and_the_old_one_goes(archive, folder):
    notary = notary_of(archive, folder)
    await notary.checkpoint()
    (old,) = (await notary.keys()).keys
    before = (folder / "ledger.key").read_bytes()
    keys = await notary.rotate("command:ann")
    assert keys.keys[1] == old
    latest = await archive.latest_checkpoint()
    assert {one.verifier for one in open_note(latest.note, keys.verifiers()).signatures} == set(keys.keys)
    (event,) = [one for _, one in await archive.events() if one.actor == "command:ann"]
    assert event.data.items() >= {"before": old.vkey, "after": keys.keys[0].vkey, "signed_by_both": True}.items()
    assert latest.size == (await archive.ledger_head()).size
    assert (folder / "ledger.key").read_bytes() != before
    assert not (folder / "ledger.key.next").exists()
    await grow(archive)
    alone = await notary_of(archive, folder).checkpoint()
    assert [line.key_id for line in split_note(alone.note)[1]] == [keys.keys[0].key_id]


async def test_a_change_that_was_recorded_and_then_killed_is_finished(archive, folder):
    notary = notary_of(archive, folder)
    await notary.checkpoint()
    old_file = (folder / "ledger.key").read_bytes()
    earlier = await archive.checkpoints()
    await notary.rotate("command:ann")
    # As if killed after the change was recorded: neither signed nor moved.
    (folder / "ledger.key").rename(folder / "ledger.key.next")
    (folder / "ledger.key").write_bytes(old_file)
    (folder / "ledger.key").chmod(0o600)
    (folder / REMEMBERED).write_text(earlier[-1].note)
    tampered(folder, "checkpoint", f"DELETE FROM checkpoint WHERE size > {earlier[-1].size}")
    again = notary_of(archive, folder)
    keys = await again.keys()
    latest = await archive.latest_checkpoint()
    assert {one.verifier for one in open_note(latest.note, keys.verifiers()).signatures} == set(keys.keys)
    assert not (folder / "ledger.key.next").exists()
    assert await again.checkpoint() == latest


async def test_a_new_key_that_was_made_and_never_recorded_changes_nothing(archive, folder):
    notary = notary_of(archive, folder)
    first = await notary.checkpoint()
    shutil.copy(folder / "ledger.key", folder / "ledger.key.next")
    other = tmp_key(folder / "ledger.key.next")
    assert await notary_of(archive, folder).checkpoint() == first
    keys = await notary_of(archive, folder).rotate("command:ann")
    assert other not in keys.keys


def tmp_key(path: Path) -> Verifier:
    from relay.notary.keyfile import make_key
    from relay.notary.keys import public

    return public(make_key(path), ORIGIN)


SIGN = """
import base64, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(sys.argv[1]))
print(base64.b64encode(key.sign(sys.stdin.buffer.read())).decode())
"""
SEED = bytes(range(32))


def by_command(seed: bytes = SEED, script: str = SIGN) -> Ledger:
    verifier = Signer.from_seed("hardware.example/log", SEED).verifier
    return Ledger(signer=(sys.executable, "-c", script, seed.hex()), verifier=verifier.vkey)


async def test_a_command_signs(archive, folder):
    notary = notary_of(archive, folder, by_command())
    sealed = await notary.checkpoint()
    assert open_note(sealed.note, [Signer.from_seed("hardware.example/log", SEED).verifier])
    assert not (folder / "ledger.key").exists()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (by_command(bytes(32)), "another key"),
        (by_command(script="print('no')"), "64 octets"),
        (by_command(script="import sys; sys.exit('locked')"), "ended with 1: locked"),
        (by_command().model_copy(update={"signer": ("/nonexistent/sign",)}), "cannot be run"),
    ],
)
async def test_a_command_that_does_not_sign_is_named(archive, folder, table, words):
    with pytest.raises((KeyProblem, LogProblem), match=words):
        await notary_of(archive, folder, table).checkpoint()
    assert await archive.latest_checkpoint() is None


async def test_a_log_goes_over_to_a_command_and_both_sign_that(archive, folder):
    await notary_of(archive, folder, Ledger(origin="hardware.example/log")).checkpoint()
    changed = notary_of(archive, folder, by_command())
    with pytest.raises(KeyProblem, match="ledger rotate"):
        await changed.checkpoint()
    keys = await changed.rotate("command:ann")
    latest = await archive.latest_checkpoint()
    assert {one.verifier for one in open_note(latest.note, keys.verifiers()).signatures} == set(keys.keys)
    with pytest.raises(KeyProblem, match="already"):
        await changed.rotate("command:ann")


async def test_a_list_of_keys_that_was_spoilt_is_said(archive, folder):
    await notary_of(archive, folder).checkpoint()
    await archive.put_setting(
        SETTING, {"origin": "other.example/log", "keys": (await archive.setting(SETTING))["keys"]}
    )
    with pytest.raises(KeyProblem, match="names another log"):
        await notary_of(archive, folder).checkpoint()
