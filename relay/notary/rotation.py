"""Making the log's first key, and giving it another.

    new key in ledger.key.next -> archive: the event, and the list with the new key first -> a checkpoint that both keys
    sign -> the new file in the old one's place

Killed before the second step, nothing has changed. After it, the next start does the rest: whoever trusts the old key
finds its signature below a checkpoint that has the change in it. The old private key is then gone.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relay.archive.api import Archive
from relay.config import Ledger
from relay.ledger.note import Signer, Verifier
from relay.model.event import Event, Kind
from relay.notary.keyfile import make_key, move, read_key
from relay.notary.keys import SETTING, LogKeys, Named, check_origin, key_path, keys_of, next_path, public
from relay.notary.problem import KeyProblem
from relay.notary.sealing import seal

ACTOR = "relay"
DEFAULT_ORIGIN = "mailwitness/log"
_MAKING = threading.Lock()
"""Held while a first key is made."""


@dataclass(frozen=True, slots=True)
class House:
    """What changing keys needs to know. `folder`: the archive's; `hostname`: what we are called without a name."""

    table: Ledger
    folder: Path
    hostname: str
    archive: Archive
    clock: Callable[[], int]
    new_id: Callable[[], str]


async def current_keys(house: House) -> LogKeys:
    """The log's keys; the first one is made, and a change that was begun is finished. Raises NotaryProblem."""
    named = Named.of(await house.archive.setting(SETTING)) or await _first(house)
    keys = keys_of(house.table, house.folder, named)
    await _finish(house, keys)
    return keys


async def rotate(house: House, actor: str, *, without_old: bool = False) -> LogKeys:
    """The log has another key when this returns, and a checkpoint says so.

    With `[ledger] signer`, the key that `verifier` says; else a new one. `without_old`: the old key cannot sign the
    change; so whoever trusted it has to be told of the new one in another way. Raises NotaryProblem.
    """
    named = Named.of(await house.archive.setting(SETTING)) or await _first(house)
    check_origin(house.table, named.origin)
    await _finish(house, None)
    old = await asyncio.to_thread(_old_signer, house, named.keys[0])
    if old is None and not without_old:
        raise KeyProblem(f"the key {named.keys[0].vkey} is not at hand; without it: --without-old-key")
    made = await asyncio.to_thread(_next, house, named.origin)
    if made in named.keys:
        raise KeyProblem(f"the log has or had the key {made.vkey} already")
    changed = Named(named.origin, (made, *named.keys))
    data = {"before": named.keys[0].vkey, "after": made.vkey, "signed_by_both": old is not None}
    event = Event(house.new_id(), house.clock(), Kind.KEY_CHANGED, actor, data=data)
    if not await house.archive.change_setting(SETTING, named.as_json(), changed.as_json(), [event]):
        raise KeyProblem("the log's key was changed by somebody else at the same time")
    keys = keys_of(house.table, house.folder, changed)
    await seal(house.archive, keys, house.folder, house.clock(), [] if old is None else [old])
    await _finish(house, keys)
    return keys


async def _first(house: House) -> Named:
    table = house.table
    if table.verifier:
        verifier = Verifier.parse(table.verifier)
    else:
        origin = table.origin or (f"{house.hostname}/log" if house.hostname else DEFAULT_ORIGIN)
        path = key_path(table, house.folder)
        verifier = public(await asyncio.to_thread(_first_key, path), origin)
    named = Named(verifier.name, (verifier,))
    event = Event(house.new_id(), house.clock(), Kind.KEY_CHANGED, ACTOR, data={"before": None, "after": verifier.vkey})
    if not await house.archive.change_setting(SETTING, None, named.as_json(), [event]):
        # Recorded in the meantime, as by a start that was broken off and goes on in the writer: that is the first one.
        recorded = Named.of(await house.archive.setting(SETTING))
        if recorded is None:
            raise KeyProblem("the log's first key could not be recorded")
        return recorded
    return named


def _first_key(path: Path) -> Ed25519PrivateKey:
    """One key, also where a start that was broken off is still at it in its thread."""
    with _MAKING:
        return read_key(path) or make_key(path)


def _next(house: House, origin: str) -> Verifier:
    if house.table.signer:
        return Verifier.parse(house.table.verifier)
    return public(make_key(next_path(house.table, house.folder)), origin)


def _old_signer(house: House, wanted: Verifier) -> Signer | None:
    """What signs with the key of until now, if it is at hand."""
    table = house.table
    if table.signer and Verifier.parse(table.verifier) == wanted:
        raise KeyProblem("[ledger] names the signer that the log has already: name the new one and its verifier first")
    try:
        key = read_key(key_path(table, house.folder))
    except KeyProblem:
        return None
    return Signer(wanted, key.sign) if key is not None and public(key, wanted.name) == wanted else None


async def _finish(house: House, keys: LogKeys | None) -> None:
    """Does the rest of a change that was recorded: a checkpoint by both keys, and the new file in its place.

    `keys` None: a file that waits is only looked at, and moved if the log has it.
    """
    if house.table.signer:
        return
    path, waiting = key_path(house.table, house.folder), next_path(house.table, house.folder)
    new = await asyncio.to_thread(read_key, waiting)
    named = Named.of(await house.archive.setting(SETTING))
    if new is None or named is None or public(new, named.origin) != named.keys[0]:
        return
    old = await asyncio.to_thread(_old_signer, house, named.keys[1]) if len(named.keys) > 1 else None
    keys = keys or keys_of(house.table, house.folder, named)
    await seal(house.archive, keys, house.folder, house.clock(), [] if old is None else [old])
    await asyncio.to_thread(move, waiting, path)
