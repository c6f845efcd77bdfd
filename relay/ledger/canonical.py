"""JSON with one spelling only: what is hashed and signed is written in it. RFC 8785.

Of JSON's values it takes text, whole numbers within ±(2^53 - 1), true, false, null, lists and objects. Fractions are
refused: their spelling depends on who prints them. What is read must be spelt as it would be written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from relay.ledger.scalars import LedgerError

GREATEST = 2**53 - 1
"""The largest whole number that every reader of JSON keeps exactly (RFC 7493 section 2.2)."""

DEEPEST = 64
"""Lists and objects within each other; more is refused, so that no reader runs out of stack."""


class CanonicalError(LedgerError):
    """A value that has no canonical spelling, or octets that are not one."""


def canonical(value: object) -> bytes:
    """The one spelling of `value`, UTF-8, without a line end. Mappings become objects, lists and tuples become lists.

    Raises CanonicalError for anything else, for names that are not text, and for text that is not Unicode.

    >>> canonical({"b": [1, None], "a": "é"})
    b'{"a":"\\xc3\\xa9","b":[1,null]}'
    """
    try:
        return json.dumps(_ordered(value, 0), ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise CanonicalError("text that is not Unicode: a lone surrogate") from None


def parse_canonical(data: bytes) -> Any:
    """The value whose spelling `data` is. Raises CanonicalError for every other octets.

    So a name twice in one object, a space, another order, an escape that was not needed, a byte order mark or `1.0`
    are refused: two different texts never say the same.
    """
    try:
        value = json.loads(
            data.decode(), object_pairs_hook=_object, parse_float=_refuse_number, parse_constant=_refuse_number
        )
    except RecursionError:
        raise CanonicalError("not JSON that can be read: too deep") from None
    except ValueError as error:
        raise error if isinstance(error, CanonicalError) else CanonicalError(f"not JSON: {error}") from None
    if canonical(value) != data:
        raise CanonicalError("JSON, but not in its canonical spelling")
    return value


def _ordered(value: object, depth: int) -> object:
    if value is None or value is True or value is False or isinstance(value, str):
        return value
    if isinstance(value, int):
        if not -GREATEST <= value <= GREATEST:
            raise CanonicalError(f"a number beyond ±(2^53 - 1): {value:#x}")
        return int(value)
    if depth == DEEPEST:
        raise CanonicalError(f"more than {DEEPEST} lists and objects within each other")
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                raise CanonicalError(f"a name that is not text: {name!r}")
        # By UTF-16 code units, as RFC 8785 section 3.2.3 has it; that is not the order of Python's text.
        names = sorted(value, key=_code_units)
        return {name: _ordered(value[name], depth + 1) for name in names}
    if isinstance(value, (list, tuple)):
        return [_ordered(item, depth + 1) for item in value]
    raise CanonicalError(f"no canonical spelling for a {type(value).__name__}")


def _code_units(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise CanonicalError("a name stands twice in one object")
    return found


def _refuse_number(text: str) -> None:
    raise CanonicalError(f"not a whole number: {text[:40]}")
