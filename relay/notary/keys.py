"""The log's keys: who signs today, who signed before, and what a checkpoint needs to be believed.

Which keys were the log's stands in a setting of the archive; each change is an event, so a leaf of the log itself. A
key is never taken back from the list: what it signed stays good.

    {"origin": "mail.example.com/log", "keys": ["mail.example.com/log+1a2b3c4d+AR…", …]}        today's first
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relay.archive.api import Archive
from relay.config import Ledger
from relay.ledger.layout import evidence_name
from relay.ledger.note import Signer, SigningFunction, Verifier
from relay.ledger.policy import Group, Log, Policy, Witness
from relay.ledger.scalars import LedgerError
from relay.notary.command import Command
from relay.notary.keyfile import read_key
from relay.notary.problem import KeyProblem

SETTING = "ledger"
"""The archive's setting that names the log and its keys."""
KEY_FILE = "ledger.key"
QUORUM = "quorum"
"""Name of the group of all witnesses in the policy."""


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The keys of the log. `keys`: public halves, today's first; `sign`: with today's."""

    origin: str
    keys: tuple[Verifier, ...]
    sign: SigningFunction
    policy: Policy

    def signers(self) -> list[Signer]:
        """Who signs checkpoints. Signing may run a command: not in the event loop."""
        return [Signer(self.keys[0], self.sign)]

    def evidence_signers(self) -> list[Signer]:
        """Who signs manifests of bundles: the same key under the name that is for those."""
        return [Signer(Verifier(evidence_name(self.origin), self.keys[0].key), self.sign)]

    def verifiers(self) -> tuple[Verifier, ...]:
        """All keys that checkpoints of this log were ever signed with, today's first."""
        return self.keys


@dataclass(frozen=True, slots=True)
class Named:
    """What the archive says: the name of the log and its keys, today's first."""

    origin: str
    keys: tuple[Verifier, ...]

    @classmethod
    def of(cls, stored: Any) -> Named | None:
        """Of the setting; None: no key was ever made. Raises KeyProblem: it was spoilt."""
        if stored is None:
            return None
        try:
            named = cls(str(stored["origin"]), tuple(Verifier.parse(key) for key in stored["keys"]))
        except (LookupError, TypeError, LedgerError) as error:
            raise KeyProblem(f"the archive's list of the log's keys cannot be read: {error}") from error
        if not named.keys or any(key.name != named.origin for key in named.keys):
            raise KeyProblem("the archive's list of the log's keys names another log")
        return named

    def as_json(self) -> dict[str, Any]:
        return {"origin": self.origin, "keys": [key.vkey for key in self.keys]}


async def load_keys(table: Ledger, folder: Path, archive: Archive) -> LogKeys:
    """The keys as they are; nothing is made or written. `folder`: the archive's.

    Raises KeyProblem: there is none yet, or the one at hand is not the log's.
    """
    named = Named.of(await archive.setting(SETTING))
    if named is None:
        raise KeyProblem("the log has no key yet: it is made when the server first starts")
    return keys_of(table, folder, named)


def keys_of(table: Ledger, folder: Path, named: Named) -> LogKeys:
    """As `load_keys`, when it is known what the archive says."""
    check_origin(table, named.origin)
    return LogKeys(named.origin, named.keys, _signing(table, folder, named.keys[0]), policy_of(table, named.keys))


def check_origin(table: Ledger, origin: str) -> None:
    """Raises KeyProblem: the configuration calls the log otherwise than its checkpoints do."""
    given = table.origin or (Verifier.parse(table.verifier).name if table.verifier else "")
    if given and given != origin:
        raise KeyProblem(f"the log is called {origin} since its first checkpoint; [ledger] calls it {given}")


def policy_of(table: Ledger, keys: Sequence[Verifier]) -> Policy:
    """Any of the log's keys signed, and as many witnesses as `quorum` says cosigned."""
    witnesses = tuple(Witness(one.name, Verifier.parse(one.key), one.url) for one in table.witness)
    logs = tuple(Log(key) for key in keys)
    if not table.quorum:
        return Policy(logs, witnesses)
    group = Group(QUORUM, table.quorum, tuple(witness.name for witness in witnesses))
    return Policy(logs, witnesses, (group,), QUORUM)


def key_path(table: Ledger, folder: Path) -> Path:
    return table.key or folder / KEY_FILE


def next_path(table: Ledger, folder: Path) -> Path:
    """Where a new key waits until the log has it."""
    path = key_path(table, folder)
    return path.with_name(f"{path.name}.next")


def public(key: Ed25519PrivateKey, origin: str) -> Verifier:
    return Verifier(origin, key.public_key().public_bytes_raw())


def _signing(table: Ledger, folder: Path, wanted: Verifier) -> SigningFunction:
    """What signs with the log's key of today. Raises KeyProblem: nothing at hand does."""
    if table.signer:
        if Verifier.parse(table.verifier) != wanted:
            raise KeyProblem(
                f"[ledger] verifier is not the key of the log, {wanted.vkey}; if it shall be: mailwitness ledger rotate"
            )
        return Command(table.signer)
    path = key_path(table, folder)
    # The second is one whose change was recorded and which was then not moved to its place: the server was killed.
    found = [key for key in (read_key(path), read_key(next_path(table, folder))) if key is not None]
    for key in found:
        if public(key, wanted.name) == wanted:
            return key.sign
    state = "is not the key of the log" if found else "is not there"
    raise KeyProblem(f"{path} {state} ({wanted.vkey}): put it back, or `mailwitness ledger rotate --without-old-key`")
