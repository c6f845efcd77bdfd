"""Values of a JSON body, each checked to be of the kind it must be; every refusal names the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.config.values import SENDER_RULE
from relay.model.access import EVERYTHING, PARTS, Scope, Share
from viewer.errors import FieldError
from viewer.identity.rights import LONGEST, MOST_SHARES, MOST_VALUES


def text(asked: Mapping[str, Any], name: str, default: str = "") -> str:
    value = asked.get(name, default)
    if not isinstance(value, str) or len(value) > LONGEST or not _is_kept(value):
        raise FieldError(name, f"must be a text of at most {LONGEST} characters")
    return value


def texts(asked: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of texts, each once, in the order given; empty if it is not there."""
    value = asked.get(name, [])
    if not isinstance(value, list) or len(value) > MOST_VALUES:
        raise FieldError(name, f"must be a list of at most {MOST_VALUES} texts")
    for one in value:
        if not isinstance(one, str) or not 0 < len(one) <= LONGEST or not _is_kept(one):
            raise FieldError(name, "must be a list of texts that are not empty")
    return tuple(dict.fromkeys(value))


def flag(asked: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    value = asked.get(name, default)
    if not isinstance(value, bool):
        raise FieldError(name, "must be true or false")
    return value


def scope(asked: Mapping[str, Any], name: str) -> Scope:
    """A scope as `Scope.as_json` gives it: `[{"senders": ["@example.com"]}]`; null: none is given."""
    value = asked.get(name)
    if value is None:
        return EVERYTHING
    if not isinstance(value, list) or len(value) > MOST_SHARES:
        raise FieldError(name, f"must be null, or a list of at most {MOST_SHARES} shares")
    return Scope(tuple(_share(one, name) for one in value))


def _share(value: Any, name: str) -> Share:
    if not isinstance(value, dict) or not set(value) <= set(PARTS):
        raise FieldError(name, f"must have shares of {', '.join(PARTS)}, and nothing else")
    try:
        applications, senders, tags = (texts(value, part) for part in PARTS)
    except FieldError as error:
        raise FieldError(name, f"{error.field}: {error.message}") from None
    for sender in senders:
        if sender == "<>" or SENDER_RULE.fullmatch(sender.lower()) is None:
            raise FieldError(name, f"{sender[:100]} is no address, and no domain such as @example.com")
    share = Share(applications, tuple(dict.fromkeys(sender.lower() for sender in senders)), tags)
    if not share.is_asking:
        raise FieldError(name, "must have no share that asks for nothing")
    return share


def _is_kept(value: str) -> bool:
    """False for what JSON can say and no database keeps: half a surrogate pair, NUL."""
    return "\0" not in value and not any(0xD800 <= ord(char) < 0xE000 for char in value)
