"""What each key of the configuration may be, in words, and where in the models a key is.

Reads the models of this folder; checks nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel, SecretStr

from relay.config.values import Expected, Hidden

Location = tuple[str | int, ...]
"""A key's place: ("upstream", 0, "port") is `upstream[0].port`."""

_WORDS: dict[Any, str] = {str: "text", bool: "true or false", float: "a number", Path: "a path", SecretStr: "text"}


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in the models: its type, and what Field and Annotated add to it."""

    type: Any
    metadata: tuple[Any, ...] = ()

    @property
    def model(self) -> type[BaseModel] | None:
        """The table that stands here, if one does."""
        return self.type if isinstance(self.type, type) and issubclass(self.type, BaseModel) else None

    @property
    def item(self) -> Slot | None:
        """The place of one item, where a list stands."""
        return _slot(get_args(self.type)[0]) if get_origin(self.type) is tuple else None

    @property
    def entry(self) -> Slot | None:
        """The place of one table, where tables stand whose names the file chooses: `[webhooks.NAME]`."""
        return _slot(get_args(self.type)[1]) if get_origin(self.type) is dict else None

    @property
    def is_secret(self) -> bool:
        """Whether what stands here is shown in no message and in no log."""
        return self.type is SecretStr or any(isinstance(extra, Hidden) for extra in self.metadata)


def slot_at(root: type[BaseModel], location: Sequence[str | int]) -> Slot | None:
    """The place that a key names, or None if no model has it."""
    here: Slot | None = Slot(root)
    for step in location:
        if here is None:
            return None
        if isinstance(step, int):
            here = here.item
        elif here.entry is not None:
            here = here.entry
        else:
            field = here.model.model_fields.get(step) if here.model else None
            here = _slot(field.annotation, tuple(field.metadata)) if field else None
    return here


def written(location: Location) -> str:
    """The key as it is written in messages: `upstream[0].port`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).lstrip(".")


def expected(slot: Slot) -> str:
    """What may stand at a place: `an integer from 0 to 65535`, `one of none, optional`, `a list of paths`."""
    for extra in slot.metadata:
        if isinstance(extra, Expected):
            return extra.words
    if slot.item is not None:
        return "a list of tables" if slot.item.model else f"a list, each {expected(slot.item)}"
    if slot.model is not None or slot.entry is not None:
        return "a table"
    if get_origin(slot.type) is Literal:
        return "one of " + ", ".join(get_args(slot.type))
    if isinstance(slot.type, type) and issubclass(slot.type, Enum):
        return "one of " + ", ".join(str(member.value) for member in slot.type)
    return _ranged(_WORDS.get(slot.type, "an integer"), slot.metadata)


def _ranged(words: str, metadata: Sequence[Any]) -> str:
    low = next((extra.ge for extra in metadata if isinstance(extra, Ge)), None)
    high = next((extra.le for extra in metadata if isinstance(extra, Le)), None)
    if low is not None and high is not None:
        return f"{words} from {low} to {high}"
    return f"{words} of at least {low}" if low is not None else words


def _slot(annotation: Any, metadata: tuple[Any, ...] = ()) -> Slot:
    """Takes Annotated and `X | None` apart: what matters is X."""
    if get_origin(annotation) is Annotated:
        inner, *extras = get_args(annotation)
        return _slot(inner, (*metadata, *_flat(extras)))
    if get_origin(annotation) in (Union, UnionType):
        members = [member for member in get_args(annotation) if member is not NoneType]
        if len(members) == 1:
            return _slot(members[0], metadata)
    return Slot(annotation, metadata)


def _flat(extras: Sequence[Any]) -> tuple[Any, ...]:
    """Field(ge=…) inside Annotated carries its limits in its own metadata."""
    return tuple(part for extra in extras for part in (getattr(extra, "metadata", None) or (extra,)))
