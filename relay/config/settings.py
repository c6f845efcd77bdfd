"""The configuration, read: TOML file + `MAILWITNESS_SMTP__PORT`-style environment -> `config.Config`, or every problem.

Says all that is wrong at once, one line each: `config.toml: upstream[0].port: 70000, expected an integer from 0 to
65535`. Rules about several keys together are in `checks.py`. Relative paths are left relative to the working folder.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from operator import is_
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError

from relay.config import Config, checks
from relay.config.expectation import Location, Slot, expected, slot_at, written
from relay.config.problem import reason
from relay.config.values import NAME_WORDS

PREFIX = "MAILWITNESS_"
DEFAULT_FILE = Path("config.toml")

SHORTHANDS: Mapping[Location, Location] = {
    ("smtp", "host"): ("smtp", "listeners", 0, "host"),
    ("smtp", "port"): ("smtp", "listeners", 0, "port"),
}
"""Short names of keys: the host and port of the first listener."""

_FILE = "_file"
"""Ends the key that names a file with a secret: `password_file` stands for `password`."""
_PLACEHOLDERS = ("x", "http://x", "/x")
"""Stand for a required value that is missing or wrong, so that the rest can still be checked."""


class ConfigurationError(Exception):
    """The configuration cannot be used. `lines`: everything that is wrong, each a whole sentence for a person."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


@dataclass(slots=True)
class _Draft:
    """What file and environment say, before it is checked; `names` are the keys that are called otherwise there."""

    file: str
    values: dict[str, Any] = field(default_factory=dict)
    names: dict[Location, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def say(self, location: Location, problem: str) -> None:
        """Adds the line `file: table.key: problem`, or `VARIABLE: problem` where the environment gave the value."""
        name = self.names.get(location, written(location))
        line = f"{name}: {problem}" if name.startswith(PREFIX) else f"{self.file}: {name}: {problem}"
        if line not in self.problems:
            self.problems.append(line)


def load(file: Path | None, environment: Mapping[str, str]) -> Config:
    """The whole configuration. `file` None: `./config.toml` if there is one, else defaults and the environment.

    Raises ConfigurationError with every problem found.
    """
    draft = _read(file)
    _apply_shorthands(draft)
    _apply_environment(draft, environment)
    config, broken = _validated(draft)
    config = _with_secrets(draft, config)
    for problem in checks.problems(config):
        if not any(_meet(problem.location, location) for location in broken):
            draft.say(problem.location, problem.text)
    if draft.problems:
        raise ConfigurationError(draft.problems)
    return config


def origins(file: Path | None, environment: Mapping[str, str]) -> dict[Location, str]:
    """Who gives each key its value: the file's name, or the environment variable's; what is not there is a default.

    Of what holds now: the file as it is at this moment. Raises ConfigurationError where it cannot be read.
    """
    draft = _read(file)
    _apply_shorthands(draft)
    _apply_environment(draft, environment)
    found: dict[Location, str] = {}
    waiting: list[tuple[Location, Any]] = [((), draft.values)]
    while waiting:
        here, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [((*here, name), inner) for name, inner in value.items()]
        elif isinstance(value, list) and value and all(isinstance(inner, dict) for inner in value):
            waiting += [((*here, n), inner) for n, inner in enumerate(value)]
        else:
            name = draft.names.get(here, "")
            found[here] = name if name.startswith(PREFIX) else draft.file
    return found


def _read(file: Path | None) -> _Draft:
    path = file or DEFAULT_FILE
    draft = _Draft(str(path))
    if file is None and not path.exists():
        return draft
    try:
        draft.values = tomllib.loads(path.read_bytes().decode("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([f"{path}: {_with_place_first(str(error))}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError([f"{path}: octet {error.start} is not UTF-8"]) from error
    except OSError as error:
        raise ConfigurationError([f"{path}: cannot be read: {error.strerror}"]) from error
    return draft


def _with_place_first(message: str) -> str:
    """`Invalid value (at line 3, column 5)` -> `line 3, column 5: invalid value`."""
    match = re.fullmatch(r"(.*) \(at (.*)\)", message, re.DOTALL)
    text, place = (match[1], match[2]) if match else (message, "not TOML")
    return f"{place}: {text[:1].lower()}{text[1:]}"


def _apply_shorthands(draft: _Draft) -> None:
    table = draft.values.get("smtp")
    if not isinstance(table, dict):
        return
    for short, location in SHORTHANDS.items():
        if short[-1] not in table:
            continue
        value = table.pop(short[-1])
        listeners = table.get("listeners")
        if isinstance(listeners, list) and listeners and isinstance(listeners[0], dict) and short[-1] in listeners[0]:
            draft.say(short, f"given twice, also as {written(location)}")
        elif _put(draft.values, location, value):
            draft.names[location] = written(short)


def _apply_environment(draft: _Draft, environment: Mapping[str, str]) -> None:
    """Every MAILWITNESS_ variable with a double underscore is a key; others are not ours to judge."""
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or "__" not in variable:
            continue
        steps = variable.removeprefix(PREFIX).lower().split("__")
        given: Location = tuple(int(step) if step.isascii() and step.isdigit() else step for step in steps)
        location = _as_in_file(draft.values, SHORTHANDS.get(given, given))
        slot = slot_at(Config, location)
        if slot is None or slot.model or slot.entry or (slot.item is not None and slot.item.model is not None):
            draft.problems.append(f"{variable}: unknown setting{_nearest_variable(variable)}")
        elif _put(draft.values, location, _listed(environment[variable]) if slot.item else environment[variable]):
            draft.names[location] = variable
        else:
            draft.problems.append(
                f"{variable}: no {written(location[:-1])} to set it in, expected the one before first"
            )


def _as_in_file(values: Mapping[str, Any], location: Location) -> Location:
    """The location with a table's own name as the file has it: variables have neither small letters nor hyphens."""
    slot = slot_at(Config, location[:1])
    tables = values.get(str(location[0]))
    if slot is None or slot.entry is None or len(location) < 2 or not isinstance(tables, dict):
        return location
    for name in tables:
        if re.sub("[ .-]", "_", name.lower()) == location[1]:
            return (location[0], name, *location[2:])
    return location


def _listed(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _nearest_variable(variable: str) -> str:
    known = [PREFIX + "__".join(str(step) for step in location).upper() for location in _keys(Slot(Config))]
    known += [PREFIX + "__".join(str(step) for step in location).upper() for location in SHORTHANDS]
    match = difflib.get_close_matches(variable, known, 1)
    return f", did you mean {match[0]}?" if match else ""


def _keys(slot: Slot, here: Location = ()) -> list[Location]:
    """Every key under a table, the first item standing for each list of tables."""
    if slot.item is not None and slot.item.model is not None:
        return _keys(slot.item, (*here, 0))
    if slot.entry is not None:
        return _keys(slot.entry, (*here, "name"))
    if slot.model is None:
        return [here]
    found: list[Location] = []
    for name in slot.model.model_fields:
        inner = slot_at(slot.model, (name,))
        found += _keys(inner, (*here, name)) if inner else []
    return found


def _put(values: MutableMapping[str, Any], location: Location, value: Any) -> bool:
    """Makes tables and list items on the way; False where something else stands there or a list has a gap."""
    here: Any = values
    for step, following in zip(location, (*location[1:], None), strict=True):
        made: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(step, int):
            if not isinstance(here, list) or step > len(here):
                return False
            if step == len(here):
                here.append(made)
        elif not isinstance(here, dict):
            return False
        elif following is not None:
            here.setdefault(step, made)
        if following is None:
            here[step] = value
        else:
            here = here[step]
    return True


def _validated(draft: _Draft) -> tuple[Config, list[Location]]:
    """The configuration with every wrong value taken out, and where those were.

    Taking them out lets the rest be checked, so that one run says everything.
    """
    broken: list[Location] = []
    while True:
        try:
            return Config.model_validate(draft.values), broken
        except ValidationError as error:
            found: list[Location] = []
            for one in error.errors(include_url=False):
                location = _known_part(one["loc"])
                if one["loc"][-1:] == ("[key]",):
                    draft.say(location, f"expected {NAME_WORDS} as the table's")
                elif not any(_meet(location, earlier) for earlier in broken):
                    draft.say(location, _explained(one["type"], location, one["input"]))
                if location not in found:
                    found.append(location)
            broken += found
            for location in reversed(found):
                _take_out(draft.values, location, is_needed=_is_needed(location))


def _known_part(location: Location) -> Location:
    """The location without the names of union members and validators that pydantic adds to it."""
    known: list[str | int] = []
    for n, step in enumerate(location):
        slot = slot_at(Config, known)
        if step == "[key]" or slot is None or (slot.model is None and slot.item is None and slot.entry is None):
            break
        if n and isinstance(step, str) and slot.model is None and slot.entry is None:
            break
        known.append(step)
    return tuple(known)


def _explained(kind: str, location: Location, value: Any) -> str:
    if kind == "extra_forbidden":
        return f"unknown key{_nearest_key(location)}"
    slot = slot_at(Config, location)
    words = expected(slot) if slot else "something else"
    if kind == "missing":
        return f"missing, expected {words}"
    if kind == "too_long":
        return f"{len(value)} items, expected at most {_limit(location)}"
    return f"{_shown(location, value)}, expected {words}"


def _limit(location: Location) -> int:
    slot = slot_at(Config, location)
    return next((extra.max_length for extra in slot.metadata if hasattr(extra, "max_length")), 0) if slot else 0


def _shown(location: Location, value: Any) -> str:
    """The value as given, bounded; a secret is not shown, in no message and in no log."""
    slot = slot_at(Config, location)
    if slot is not None and slot.is_secret:
        return "the value given"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "…"


def _nearest_key(location: Location) -> str:
    table = slot_at(Config, location[:-1])
    known = list(table.model.model_fields) if table and table.model else []
    known += [str(short[-1]) for short in SHORTHANDS if short[:-1] == location[:-1]]
    match = difflib.get_close_matches(str(location[-1]), known, 1)
    return f", did you mean {match[0]}?" if match else ""


def _is_needed(location: Location) -> bool:
    table = slot_at(Config, location[:-1])
    field_info = table.model.model_fields.get(str(location[-1])) if table and table.model else None
    return field_info is not None and field_info.is_required()


def _take_out(values: Any, location: Location, *, is_needed: bool) -> None:
    here = values
    for n, step in enumerate(location[:-1]):
        if isinstance(here[step], str):
            # A name that stands for a table.
            _take_out(values, location[: n + 1], is_needed=False)
            return
        here = here[step]
    last = location[-1]
    slot = slot_at(Config, location)
    if isinstance(last, int):
        if slot and slot.model:
            here[last] = {}
        else:
            del here[last]
    elif is_needed and slot is not None:
        here[last] = next((value for value in _PLACEHOLDERS if _fits(slot, value)), None)
    else:
        here.pop(last, None)


def _fits(slot: Slot, value: str) -> bool:
    annotated: Any = slot.type
    for extra in slot.metadata:
        annotated = Annotated[annotated, extra]
    try:
        TypeAdapter(annotated).validate_python(value)
    except ValidationError:
        return False
    return True


def _meet(one: Location, other: Location) -> bool:
    """One is the other, or a table or list that holds it."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _with_secrets(draft: _Draft, config: Config) -> Config:
    """The configuration with secrets read from the files that hold them."""
    found = {name: new for name, table in config if (new := _filled(draft, table, (name,))) is not table}
    return config.model_copy(update=found)


def _filled(draft: _Draft, value: Any, here: Location) -> Any:
    """The value, a table, list or single one, with every secret in it that a `…_file` key names."""
    if isinstance(value, tuple):
        items = tuple(_filled(draft, item, (*here, n)) for n, item in enumerate(value))
        return value if all(map(is_, items, value)) else items
    if isinstance(value, dict):
        return {name: _filled(draft, item, (*here, name)) for name, item in value.items()}
    if not isinstance(value, BaseModel):
        return value
    # Only what is different: a model also knows which of its fields the file has set.
    found = {name: new for name, inner in value if (new := _filled(draft, inner, (*here, name))) is not inner}
    for name, inner in value:
        if isinstance(inner, Path) and isinstance(getattr(value, name.removesuffix(_FILE), None), SecretStr):
            found |= _secret(draft, value, name, inner, (*here, name))
    return value.model_copy(update=found) if found else value


def _secret(draft: _Draft, table: BaseModel, name: str, file: Path, here: Location) -> dict[str, SecretStr]:
    """The secret in a file, under the name of its key; one line end at the end is dropped."""
    key = name.removesuffix(_FILE)
    if getattr(table, key).get_secret_value():
        draft.say(here, f"given together with {key}, expected one of the two")
    try:
        text = file.read_text("utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        draft.say(here, f"{str(file)!r} cannot be read: {reason(error)}")
        return {}
    if not text:
        draft.say(here, f"{str(file)!r} is empty, expected the secret in it")
        return {}
    return {key: SecretStr(text)}
