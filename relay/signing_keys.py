"""The keys of `[[dkim.key]]`, read from their files: for the checks of the configuration, and for the courier.

A key file is read by its owner alone; one that others may read is refused, as ssh refuses it.
"""

from __future__ import annotations

import stat

from relay.config import Config, Dkim, DkimKey
from relay.rendition.canonical import Canonical
from relay.rendition.keyring import Keyring, KeyUnusable, SigningKey, read_key
from relay.rendition.signing import Manner, Signer


class KeyFileError(Exception):
    """A key file cannot be used; the text says why, without the file's name."""


def load_key(table: DkimKey) -> SigningKey:
    """The private key that a table names. Raises KeyFileError."""
    try:
        mode = stat.S_IMODE(table.file.stat().st_mode)
        text = table.file.read_bytes()
    except OSError as error:
        raise KeyFileError(f"cannot be read: {error.strerror}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(f"may be read by others (mode {mode:04o}), expected mode 0600")
    try:
        return read_key(text, table.domain, table.selector)
    except KeyUnusable as error:
        raise KeyFileError(f"cannot be used: {error}") from error


def load_signer(config: Config) -> Signer:
    """What the courier signs with: the active keys, in their order. Raises KeyFileError."""
    keys = [load_key(table) for table in config.dkim.key if table.active]
    return Signer(Keyring(keys), manner(config.dkim))


def manner(table: Dkim) -> Manner:
    return Manner(Canonical(table.header), Canonical(table.body), frozenset(name.lower() for name in table.left_out))
