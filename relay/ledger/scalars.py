"""Numbers and octets as the ledger's texts write them, read back only in the one form that is written.

Everything here has exactly one spelling: a number has no leading zeros, base64 (RFC 4648 section 4) has its padding and
no stray bits in the last character. So a text that was changed anywhere reads as something else or is refused.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode

LARGEST = 2**63 - 1
"""The largest number in these texts: sizes, indexes and times are 63 bits wide wherever they are read."""

_SHOWN = 40
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


class LedgerError(ValueError):
    """What was given is not what it says it is. The message says in plain words what is wrong."""


def shown(text: str) -> str:
    """The beginning of a text, quoted, for messages."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def read_decimal(text: str, what: str, error: type[LedgerError] = LedgerError) -> int:
    """The number 0 … `LARGEST` that the ASCII digits write; `error` if they write none, or with leading zeros."""
    number = int(text) if _DECIMAL.fullmatch(text) else LARGEST + 1
    if number > LARGEST:
        raise error(f"{what} is not a plain decimal number below 2^63: {shown(text)}")
    return number


def encode64(octets: bytes) -> str:
    return b64encode(octets).decode("ascii")


def read64(text: str, what: str, error: type[LedgerError] = LedgerError) -> bytes:
    """The octets that the base64 writes; `error` if it is not the one way to write them."""
    try:
        octets = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    if encode64(octets) != text:
        raise error(f"{what} is not base64: {shown(text)}")
    return octets


def read_text(octets: bytes | str, what: str, error: type[LedgerError] = LedgerError) -> str:
    """The text that the octets write in UTF-8; `error` if they are none, or a text cannot be written so."""
    try:
        return octets.decode("utf-8") if isinstance(octets, bytes) else octets.encode("utf-8").decode("utf-8")
    except UnicodeError:
        raise error(f"{what} is not UTF-8") from None
