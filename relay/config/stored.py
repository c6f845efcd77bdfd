"""Settings made in the browser, laid over the file: the one place that decides which wins.

    the file (or the environment) says it   -> the file's value holds, and is shown as locked
    the file says nothing                   -> the stored value
    neither                                 -> the default

What is stored: references and alerts, by name, and for each application what it may be given here. A stored value that
no longer passes the rules of the configuration is left out, never a reason not to start. Values only: who keeps them is
the archive, under `SETTING`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from relay.config.house import Alert, Config, Reference
from relay.config.intake import Application

SETTING = "settings"
"""The archive's setting that holds all of it: `{"reference": [{…}], "alert": [{…}], "application": {"shop": {…}}}`."""
APPLICATION_KEYS = ("opens", "clicks", "unsubscribe", "priority", "tags", "senders", "max_messages_per_hour")
"""What an application may be given in the browser."""

Named = TypeVar("Named", Reference, Alert)


def merged(config: Config, stored: Mapping[str, Any] | None) -> Config:
    """The configuration as it holds: the file's, with what is stored where the file says nothing."""
    if not stored:
        return config
    return config.model_copy(
        update={
            "reference": (*config.reference, *_added(Reference, config.reference, stored.get("reference", ()))),
            "alert": (*config.alert, *_added(Alert, config.alert, stored.get("alert", ()))),
            "application": _applications(config.application, stored.get("application", {})),
        }
    )


def _added(kind: type[Named], from_file: Sequence[Named], entries: Sequence[Mapping[str, Any]]) -> Iterator[Named]:
    """Those of the stored entries whose name the file does not use."""
    known = {one.name for one in from_file}
    for entry in entries:
        if entry.get("name") in known:
            continue
        if (made := _valid(kind, entry)) is not None:
            known.add(made.name)
            yield made


def _applications(from_file: Sequence[Application], stored: Mapping[str, Mapping[str, Any]]) -> tuple[Application, ...]:
    """The file's applications with what it does not say of them; and a table for those added here, which have none."""
    tables = [_overlaid(table, stored.get(table.name, {})) for table in from_file]
    known = {table.name for table in from_file}
    for name, values in stored.items():
        chosen = {key: value for key, value in values.items() if key in APPLICATION_KEYS}
        if name not in known and chosen and (made := _valid(Application, {"name": name, **chosen})) is not None:
            tables.append(made)
    return tuple(tables)


def _overlaid(table: Application, values: Mapping[str, Any]) -> Application:
    free = {key: value for key, value in values.items() if key in APPLICATION_KEYS and key not in locked(table)}
    if not free:
        return table
    made = _valid(Application, {"name": table.name, **free})
    if made is None:
        return table
    return table.model_copy(update={key: getattr(made, key) for key in free})


def locked(table: BaseModel) -> frozenset[str]:
    """The keys that the file itself sets in this table."""
    return frozenset(table.model_fields_set)


Model = TypeVar("Model", bound=BaseModel)


def _valid(kind: type[Model], values: Mapping[str, Any]) -> Model | None:
    try:
        return kind.model_validate(values)
    except ValidationError:
        return None
