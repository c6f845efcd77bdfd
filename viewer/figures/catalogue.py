"""The reports by name: for the pages and for the API, from the same parameters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from aiohttp import web

from relay.model.signature import DNS_LIMIT
from viewer.errors import FieldError
from viewer.figures.application import application, require_known
from viewer.figures.asked import asked, text
from viewer.figures.bounces import bounces
from viewer.figures.comparison import choice_of, comparison
from viewer.figures.domains import domain, domains
from viewer.figures.senders import KINDS, senders
from viewer.figures.table import Report
from viewer.figures.volume import volume
from viewer.translation import Saying, say

Make = Callable[[web.Request], Awaitable[Report]]


@dataclass(frozen=True, slots=True)
class Entry:
    """In the list of reports."""

    title: Saying
    about: Saying
    icon: str


async def _volume(request: web.Request) -> Report:
    return await volume(asked(request))


async def _senders(request: web.Request) -> Report:
    kind = request.query.get("by", "author")
    if kind not in KINDS:
        raise FieldError("by", say("must be one of %(names)s", names=", ".join(KINDS)))
    return await senders(asked(request), kind)


async def _compare(request: web.Request) -> Report:
    return await comparison(asked(request), choice_of(request))


async def _bounces(request: web.Request) -> Report:
    return await bounces(asked(request), text(request.query, "domain"))


async def _domains(request: web.Request) -> Report:
    return await domains(asked(request))


async def _domain(request: web.Request) -> Report:
    return (await domain(asked(request), _name(request)))[0]


async def _application(request: web.Request) -> Report:
    name = _name(request)
    report = await application(replace(asked(request), application=name))
    await require_known(request, name, report)
    return report


def _name(request: web.Request) -> str:
    name = request.match_info.get("name") or text(request.query, "name")
    if not name or len(name) > DNS_LIMIT:
        raise FieldError("name", say("must be a name"))
    return name


MAKE: Mapping[str, Make] = {
    "volume": _volume,
    "senders": _senders,
    "compare": _compare,
    "bounces": _bounces,
    "domains": _domains,
    "domain": _domain,
    "application": _application,
}
LISTED: Mapping[str, Entry] = {
    "volume": Entry(say("Volume"), say("How much mail there was day by day, and what became of it."), "mail"),
    "senders": Entry(
        say("Senders"), say("Who sends how much, how it fares, and how fast the provider answers."), "users"
    ),
    "compare": Entry(
        say("Templates and subjects"),
        say("Two or more compared, and whether the difference means anything."),
        "columns",
    ),
    "bounces": Entry(say("Bounce desk"), say("What did not arrive, why, and what to do about it."), "bounced"),
    "domains": Entry(
        say("Domains' health"),
        say("Signatures, alignment, TLS, bounces and complaints of each sending domain."),
        "lock",
    ),
}
