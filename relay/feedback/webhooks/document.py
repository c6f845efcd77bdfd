"""JSON that somebody sent: read with a bound on its depth, and taken apart without surprises. Pure.

Every accessor answers for any JSON: a value that is not there or not of that type is '' or nothing. Text is cleaned of
what cannot be stored (lone surrogates). RFC 8259.
"""

from __future__ import annotations

import json
from typing import Any

DEPTH = 32
"""Levels of lists and objects; providers use seven."""


class Malformed(Exception):
    """Not JSON as it should be. The text is told to the sender."""


def parsed(body: bytes) -> Any:
    """The value. Raises Malformed: not UTF-8, not JSON, a number that is none, too deeply nested."""
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_refuse)
    except UnicodeDecodeError:
        raise Malformed("the body is not UTF-8") from None
    except RecursionError:
        raise Malformed("the body is nested too deeply") from None
    except ValueError:
        raise Malformed("the body is not JSON") from None
    if _is_deep(value):
        raise Malformed("the body is nested too deeply")
    return value


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: Any) -> list[Any]:
    found = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [inner for inner in found if isinstance(inner, (dict, list))]


def at(value: Any, *path: str | int) -> Any:
    """What stands there: `at(value, "bounce", "recipients", 0)`; None if nothing does."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def text(value: Any, *path: str | int) -> str:
    """The string or number there as text, '' if there is none."""
    found = at(value, *path)
    if isinstance(found, bool) or not isinstance(found, (str, int, float)):
        return ""
    return clean(str(found))


def flag(value: Any, *path: str | int) -> bool | None:
    """The truth value there; some senders write 1, "1" or "true". None: none of these."""
    return _FLAGS.get(str(at(value, *path)).lower())


_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def rows(value: Any, *path: str | int) -> list[dict[str, Any]]:
    """The objects of the list there, or the one object."""
    found = at(value, *path)
    candidates = found if isinstance(found, list) else [found]
    return [one for one in candidates if isinstance(one, dict)]


def texts(value: Any, *path: str | int) -> list[str]:
    """The strings of the list there, or the one string."""
    found = at(value, *path)
    candidates = found if isinstance(found, list) else [found]
    return [clean(one) for one in candidates if isinstance(one, str)]


def inner(value: Any, *path: str | int) -> Any:
    """The JSON that is written in the string there; the value itself if it is no string, None if it is no JSON."""
    found = at(value, *path)
    if not isinstance(found, str):
        return found
    try:
        return parsed(found.encode("utf-8", "replace"))
    except Malformed:
        return None


def clean(value: str) -> str:
    """The text with what is no Unicode character replaced, NUL left out."""
    return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
