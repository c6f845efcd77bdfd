"""Whether a JSON value is what a schema of our OpenAPI description says: the part of JSON Schema that we use."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from viewer.description.openapi import SCHEMAS

Json = dict[str, Any]
TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def problems(value: Any, schema: Json, place: str = "$") -> list[str]:
    """What is wrong with `value`, a line each; empty when it is valid."""
    if "$ref" in schema:
        return problems(value, SCHEMAS[schema["$ref"].rsplit("/", 1)[1]], place)
    if "anyOf" in schema:
        tries = [problems(value, one, place) for one in schema["anyOf"]]
        return [] if any(not found for found in tries) else min(tries, key=len)
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{place}: {value!r} is none of {schema['enum']}"]
    kind = schema["type"]
    if not isinstance(value, TYPES[kind]) or (kind == "integer" and isinstance(value, bool)):
        return [f"{place}: {value!r} is no {kind}"]
    check = CHECKS.get(kind)
    return check(value, schema, place) if check is not None else []


def _object(value: Json, schema: Json, place: str) -> list[str]:
    known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    found = [f"{place}: {name} is missing" for name in schema.get("required", ()) if name not in value]
    names = schema.get("propertyNames", {}).get("enum")
    for name, one in value.items():
        if name in known:
            found += problems(one, known[name], f"{place}.{name}")
        elif more is False or (names is not None and name not in names):
            found.append(f"{place}: {name} is not described")
        elif isinstance(more, dict):
            found += problems(one, more, f"{place}.{name}")
    return found


def _array(value: list[Any], schema: Json, place: str) -> list[str]:
    return [line for n, one in enumerate(value) for line in problems(one, schema["items"], f"{place}[{n}]")]


def _string(value: str, schema: Json, place: str) -> list[str]:
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return [f"{place}: {value!r} is not {schema['pattern']}"]
    if schema.get("format") == "date-time":
        datetime.fromisoformat(value)
        return [] if value.endswith("Z") else [f"{place}: {value!r} is not in UTC"]
    return []


def _integer(value: int, schema: Json, place: str) -> list[str]:
    return [f"{place}: {value} is too small"] if value < schema.get("minimum", value) else []


CHECKS: dict[str, Callable[[Any, Json, str], list[str]]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
}
