"""The signing key in a file: PKCS#8 in PEM, for its owner alone (mode 0600). The file is whole or it is not there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from relay.notary.problem import KeyProblem


def read_key(path: Path) -> Ed25519PrivateKey | None:
    """The key; None: there is no such file. Raises KeyProblem: it cannot be used, or others may read it."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeyProblem(f"{path} may be read by others (mode {mode:04o}), expected mode 0600")
        key = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyProblem(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise KeyProblem(f"{path} is no private key in PEM without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyProblem(f"{path} is not an Ed25519 key")
    return key


def make_key(path: Path) -> Ed25519PrivateKey:
    """A new key, in the file when this returns; one that was there is replaced. Raises KeyProblem."""
    key = Ed25519PrivateKey.generate()
    write_file(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def write_file(path: Path, octets: bytes) -> None:
    """The file has these octets and mode 0600, on disk, when this returns; before that it is as it was.

    Raises KeyProblem.
    """
    draft = path.with_name(f"{path.name}.draft")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(octets)
            file.flush()
            os.fsync(descriptor)
        move(draft, path)
    except OSError as error:
        raise KeyProblem(f"{path} cannot be written: {error.strerror}") from error


def move(source: Path, target: Path) -> None:
    """`source` is called `target`, on disk, when this returns. Raises OSError."""
    os.replace(source, target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
