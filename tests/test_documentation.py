"""The example configuration and the documentation name every option, with the default the models have."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, TypeAdapter

from relay.config import Config
from relay.config.expectation import Slot, slot_at
from relay.config.settings import SHORTHANDS

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = (ROOT / "config.example.toml").read_text()
PAGE = (ROOT / "docs" / "configuration.md").read_text()


def _tables(slot: Slot, here: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """(name as in a TOML heading, model) of every table under a place."""
    if slot.entry is not None:
        slot, here = slot.entry, f"{here}.NAME"
    model = slot.model or (slot.item.model if slot.item else None)
    if model is None:
        return
    if here:
        yield here, model
    for name in model.model_fields:
        inner = slot_at(model, (name,))
        if inner is not None:
            yield from _tables(inner, f"{here}.{name}".lstrip("."))


TABLES = dict(_tables(Slot(Config)))


def _wanted(table: str) -> set[str]:
    model = TABLES[table]
    tables = {name.rpartition(".")[2] for name in TABLES if name.rpartition(".")[0] == table}
    shorthands = {str(short[-1]) for short in SHORTHANDS if short[0] == table}
    return (set(model.model_fields) - tables) | shorthands


def _default(table: str, key: str) -> Any:
    shorthand = SHORTHANDS.get((table, key))
    model = TABLES["smtp.listeners"] if shorthand else TABLES[table]
    return model.model_fields[key].default


def _is_default(table: str, key: str, written: Any) -> bool:
    """Whether the text in a document means the model's default."""
    model = TABLES["smtp.listeners"] if (table, key) in SHORTHANDS else TABLES[table]
    field = model.model_fields[key]
    annotated: Any = field.annotation
    for extra in field.metadata:
        annotated = Annotated[annotated, extra]
    return bool(TypeAdapter(annotated).validate_python(written) == field.default)


def _example() -> dict[str, dict[str, Any]]:
    text = re.sub(r"^#(?=[a-z\[])", "", EXAMPLE, flags=re.MULTILINE)
    parsed = tomllib.loads(text)
    found = {name: value[0] if isinstance(value, list) else value for name, value in parsed.items()}
    found["smtp.listeners"] = found["smtp"].pop("listeners")[0]
    found["dkim.key"] = found["dkim"].pop("key")[0]
    found["route.upstreams"] = found["route"].pop("upstreams")[0]
    found["webhooks.NAME"] = next(iter(found.pop("webhooks").values()))
    found["bounces.imap"] = found["bounces"].pop("imap")
    found["ledger.witness"] = found["ledger"].pop("witness")[0]
    found["ledger.authority"] = found["ledger"].pop("authority")[0]
    return found


def test_the_example_as_it_stands_sets_nothing() -> None:
    assert tomllib.loads(EXAMPLE) == {}


@pytest.mark.parametrize("table", TABLES)
def test_the_example_lists_every_option_with_its_default(table: str) -> None:
    written = _example()[table]
    assert set(written) == _wanted(table)
    for key, value in written.items():
        if _default(table, key) is not None and not _is_required(table, key):
            assert _is_default(table, key, value), f"{table}.{key}: {value!r}"


@pytest.mark.parametrize("table", TABLES)
def test_the_page_lists_every_option_with_its_default(table: str) -> None:
    heading = re.search(rf"^## `\[+{re.escape(table)}\]+`.*?$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert heading is not None, table
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", heading[1], re.MULTILINE))
    rows = {key: text for key, text in rows.items() if f"{table}.{key}" not in TABLES}
    assert set(rows) == _wanted(table)
    for key, text in rows.items():
        if _is_required(table, key):
            assert text == "required", key
        elif _default(table, key) is None:
            assert text == "none", key
        else:
            (value,) = tomllib.loads(f"x = {text.strip('`')}").values()
            assert _is_default(table, key, value), f"{table}.{key}: {text}"


def _is_required(table: str, key: str) -> bool:
    field = TABLES[table].model_fields.get(key)
    return field is not None and field.is_required()
