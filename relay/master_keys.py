"""The master keys of `[encryption]`, read from their file or given by the operator's command.

    # 9f2c41d07ab35e18                                  what the key is called, for people
    3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=        32 octets in base64; the first key encrypts what is new

A file that others may read is refused. The keys are never in the archive's file, nor in its backups.
"""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

from relay.archive.api import ArchiveError
from relay.archive.api.encryption import Encryption
from relay.archive.cipher import CipherError, Ring, new_key
from relay.config import Config
from relay.notary.keyfile import write_file
from relay.notary.problem import KeyProblem

TIME_LIMIT = 30.0
"""Seconds that the command has."""
_SHOWN = 200


def encryption_of(config: Config) -> Encryption | None:
    """How the archive is to be opened; None: `[encryption]` names no keys."""
    table = config.encryption
    if table.key is None and not table.command:
        return None if table.index_bodies else Encryption(Ring, is_on=False, index_bodies=False)
    return Encryption(lambda: load_ring(config), is_on=table.enabled, index_bodies=table.index_bodies)


def load_ring(config: Config) -> Ring:
    """The keys as they are now; blocks. Raises ArchiveError, which names file or command and nothing secret."""
    table = config.encryption
    if table.key is None:
        name, text = table.command[0], _answer(table.command)
    else:
        name, text = str(table.key), _read(table.key)
    try:
        return Ring.parse(text)
    except CipherError as error:
        raise ArchiveError(f"the master keys of {name}: {error}") from error


def add_key(path: Path) -> str:
    """A new key is the first in the file, on disk, when this returns; those of before follow. Gives its id.

    Raises ArchiveError: the file cannot be used or written.
    """
    try:
        before = list(Ring.parse(_read(path)).keys.values()) if path.exists() else []
        ring = Ring.of([new_key(), *before])
        write_file(path, ring.text().encode("ascii"))
    except (CipherError, KeyProblem) as error:
        raise ArchiveError(str(error)) from error
    return ring.current


def _read(path: Path) -> str:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ArchiveError(f"{path} may be read by others (mode {mode:04o}), expected mode 0600")
        return path.read_text("ascii")
    except OSError as error:
        raise ArchiveError(f"the master keys in {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ArchiveError(f"{path} is no file of master keys") from error


def _answer(command: tuple[str, ...]) -> str:
    name = command[0]
    try:
        # The operator's own command, from the configuration file alone.
        done = subprocess.run(command, capture_output=True, timeout=TIME_LIMIT, check=False)  # noqa: S603
    except OSError as error:
        raise ArchiveError(f"{name}, which gives the master keys, cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise ArchiveError(f"{name}, which gives the master keys, did not answer in {TIME_LIMIT:g} seconds") from error
    if done.returncode:
        words = " ".join(done.stderr.decode("utf-8", "replace").split())[:_SHOWN]
        raise ArchiveError(f"{name}, which gives the master keys, ended with {done.returncode}: {words}")
    return done.stdout.decode("ascii", "replace")
