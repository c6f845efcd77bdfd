"""What a request says in its query string and JSON body, checked; every refusal names the field."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from relay.archive.api import SORT_KEYS, Sort
from relay.archive.query import Query, parse_query
from viewer.errors import FieldError
from viewer.keys import CLOCK
from viewer.translation import say

MOST_ROWS = 500
LONGEST_QUERY = 2000
"""Characters."""


def query_of(request: web.Request) -> Query:
    """The search that `q` asks for; everything without it. Raises QuerySyntaxError (answered 400, field `q`)."""
    return parse_query(query_text(request.query.get("q", "")), now=request.app[CLOCK]())


def query_text(text: str) -> str:
    if len(text) > LONGEST_QUERY:
        raise FieldError("q", say("at most %(longest_query)s characters", longest_query=LONGEST_QUERY))
    return text


def sort_of(request: web.Request) -> Sort:
    key = choice(request, "sort", SORT_KEYS)
    return Sort(key, choice(request, "order", ("desc", "asc")) == "desc")


def choice(request: web.Request, name: str, values: tuple[str, ...]) -> str:
    """The parameter's value, the first of `values` if it is not given."""
    value = request.query.get(name, values[0])
    if value not in values:
        raise FieldError(name, say("must be one of %(known)s", known=", ".join(values)))
    return value


def number(request: web.Request, name: str, default: int, lowest: int, highest: int) -> int:
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 20 and lowest <= int(text) <= highest):
        raise FieldError(
            name, say("must be a whole number from %(lowest)s to %(highest)s", lowest=lowest, highest=highest)
        )
    return int(text)


async def json_object(request: web.Request, names: frozenset[str]) -> dict[str, Any]:
    """The body, an object with no names but `names`; an empty body is an empty object."""
    try:
        value = json.loads(await request.text() or "{}")
    except (ValueError, RecursionError, LookupError):
        raise FieldError("body", say("must be JSON")) from None
    if not isinstance(value, dict):
        raise FieldError("body", say("must be an object"))
    if unknown := sorted(set(value) - names):
        raise FieldError(unknown[0][:80], say("is not known here; known are %(known)s", known=", ".join(sorted(names))))
    return value
