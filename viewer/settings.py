"""Settings as people see and change them here: every key with its value and who gave it, and what is stored beside
the file.

What wins is decided in `relay.config.stored`. Every change is an event with before and after, and holds at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ValidationError

from relay.config import Alert, Config, Reference
from relay.config.expectation import Location, expected, slot_at, written
from relay.config.pattern import matches_nothing, pattern_fault
from relay.config.stored import SETTING
from relay.model.alert import RATES, Rule
from relay.model.event import Kind
from viewer.errors import FieldError
from viewer.journal import deed
from viewer.keys import CONFIG, ORIGINS, SETTINGS_CHANGED
from viewer.security import archive_of
from viewer.translation import say

TRIES = 5
MOST = 200
"""References, or alerts, that can be stored."""
LISTS: Mapping[str, type[Reference] | type[Alert]] = {"reference": Reference, "alert": Alert}
HERE = "settings"
"""The origin of what was changed here."""
DEFAULT = ""
"""The origin of what nobody gave."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One key as it holds. `origin`: a file, a variable, `settings` for what was changed here, '' for a default."""

    location: Location
    value: str
    origin: str
    expected: str

    @property
    def name(self) -> str:
        return written(self.location)

    @property
    def table(self) -> str:
        """`[[upstream]]` 1 is the second of its kind."""
        return str(self.location[0])


async def stored(request: web.Request) -> dict[str, Any]:
    """What was changed here."""
    return await archive_of(request).setting(SETTING) or {}


async def entries(request: web.Request) -> list[Entry]:
    """Every key of the configuration as it holds now, in the order of the models; secrets only as set or not set."""
    config, origins, kept = request.app[CONFIG], request.app[ORIGINS](), await stored(request)
    found: list[Entry] = []
    for name in Config.model_fields:
        for location, value in _keys((name,), getattr(config, name)):
            slot = slot_at(Config, location)
            words = expected(slot) if slot else ""
            text = _secret(value) if slot is not None and slot.is_secret else _shown(value, words)
            found.append(Entry(location, text, _origin(location, origins, config, kept), words))
    return found


def _keys(here: Location, value: Any) -> Iterator[tuple[Location, Any]]:
    if isinstance(value, BaseModel):
        for name, inner in value:
            yield from _keys((*here, name), inner)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _keys((*here, name), inner)
    elif isinstance(value, tuple) and value and all(isinstance(item, BaseModel) for item in value):
        for number, inner in enumerate(value):
            yield from _keys((*here, number), inner)
    else:
        yield here, value


def _secret(value: Any) -> str:
    held = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    return say("set, not shown") if held else say("not set")


def _shown(value: Any, words: str) -> str:
    if value is None or value == "" or value == ():
        return "—"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | frozenset):
        return ", ".join(_shown(item, words) for item in value)
    if isinstance(value, int) and "a duration" in words:
        return span(value)
    return str(getattr(value, "value", value))[:500]


def span(seconds: int) -> str:
    """43200 -> `12h`, as the file writes it."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _origin(location: Location, origins: Mapping[Location, str], config: Config, kept: Mapping[str, Any]) -> str:
    for length in range(len(location), 1, -1):
        if location[:length] in origins:
            return origins[location[:length]]
    kind, number = str(location[0]), location[1] if len(location) > 2 else None
    if not isinstance(number, int) or kind not in (*LISTS, "application"):
        return DEFAULT
    name = getattr(config, kind)[number].name
    if kind == "application":
        return HERE if location[2] in kept.get(kind, {}).get(name, {}) else DEFAULT
    is_kept = any(one.get("name") == name for one in kept.get(kind, ()))
    return HERE if is_kept and not _is_in_file(kind, number, origins) else DEFAULT


def _is_in_file(kind: str, number: int, origins: Mapping[Location, str]) -> bool:
    return any(location[:2] == (kind, number) for location in origins)


def names_in_file(request: web.Request, kind: str) -> frozenset[str]:
    """The names of a kind's tables that the file has: locked here."""
    config, origins = request.app[CONFIG], request.app[ORIGINS]()
    tables = getattr(config, kind)
    return frozenset(table.name for number, table in enumerate(tables) if _is_in_file(kind, number, origins))


# -- changing ------------------------------------------------------------------------------------------------------
async def change(request: web.Request, key: str, turned: Callable[[dict[str, Any]], dict[str, Any]]) -> bool:
    """Stores what `turned` makes of what is stored, with an event that says so; True if anything is different.

    `key` names what is changed, as in `reference.invoice`. Returns when it holds everywhere.
    """
    archive = archive_of(request)
    for _ in range(TRIES):
        before = await archive.setting(SETTING)
        after = turned(dict(before or {}))
        if after == (before or {}):
            return False
        event = deed(request, Kind.SETTING_CHANGED, key=key, before=_part(before, key), after=_part(after, key))
        if await archive.change_setting(SETTING, before, after, [event]):
            await request.app[SETTINGS_CHANGED]()
            return True
    raise web.HTTPConflict(text=say("Somebody else changed settings at the same moment. Try again."))


def _part(stored_: Mapping[str, Any] | None, key: str) -> Any:
    """What stands under `reference.invoice`; None for nothing."""
    kind, _, name = key.partition(".")
    values = (stored_ or {}).get(kind)
    if isinstance(values, list):
        return next((value for value in values if value.get("name") == name), None)
    return (values or {}).get(name)


async def put_named(request: web.Request, kind: str, values: Mapping[str, Any]) -> None:
    """Adds or replaces a reference or an alert. Raises FieldError, also for a name that the file uses."""
    entry = checked(kind, values)
    name = entry["name"]
    if name in names_in_file(request, kind):
        raise FieldError("name", say("%(name)s stands in the file, which wins: change it there", name=name))

    def turned(before: dict[str, Any]) -> dict[str, Any]:
        others = [one for one in before.get(kind, []) if one.get("name") != name]
        if len(others) >= MOST:
            raise FieldError("name", say("at most %(most)s can be kept here", most=MOST))
        return {**before, kind: [*others, entry]}

    await change(request, f"{kind}.{name}", turned)


async def remove_named(request: web.Request, kind: str, name: str) -> bool:
    def turned(before: dict[str, Any]) -> dict[str, Any]:
        return {**before, kind: [one for one in before.get(kind, []) if one.get("name") != name]}

    return await change(request, f"{kind}.{name}", turned)


async def put_application(request: web.Request, name: str, values: Mapping[str, Any]) -> bool:
    """Replaces what is stored for an application; {} takes all of it away."""

    def turned(before: dict[str, Any]) -> dict[str, Any]:
        others = {key: value for key, value in before.get("application", {}).items() if key != name}
        return {**before, "application": {**others, name: dict(values)} if values else others}

    return await change(request, f"application.{name}", turned)


def checked(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The entry as it is stored. Raises FieldError that names what is wrong."""
    try:
        made = LISTS[kind].model_validate({key: value for key, value in values.items() if value not in ("", None)})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = str(first["loc"][0]) if first["loc"] else "name"
        slot = slot_at(LISTS[kind], (field,))
        raise FieldError(
            field, say("must be %(expected)s", expected=expected(slot)) if slot else say("is not known here")
        ) from None
    if isinstance(made, Reference):
        _check_reference(made)
    elif made.application and made.rule not in (*RATES, Rule.SILENCE):
        raise FieldError("application", say("%(key)s is of the whole house", key=made.rule.value))
    return made.model_dump(mode="json", exclude_unset=True)


def _check_reference(made: Reference) -> None:
    """Only patterns that run in linear time: they are run over anybody's text."""
    if made.syntax != "re2":
        raise FieldError("syntax", say("must be re2: what is added here runs in linear time"))
    if fault := pattern_fault(made.pattern, is_linear=True):
        raise FieldError("pattern", say("is no regular expression of RE2: %(fault)s", fault=fault))
    if matches_nothing(made.pattern, is_linear=True):
        raise FieldError("pattern", say("matches nothing at all"))
    if len(made.pattern) > 500:
        raise FieldError("pattern", say("at most 500 characters"))
    if made.link and "{code}" not in made.link:
        raise FieldError("link", say("must have {code} in it, which stands for the code"))
