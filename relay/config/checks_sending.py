"""Rules about several keys of `[[upstream]]`, `[[route]]`, `[dkim]` and the modes. Pure but for opening named files."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from relay.config.expectation import Location
from relay.config.house import Config
from relay.config.intake import Application, TlsPolicy
from relay.config.problem import Problem, is_given, is_loopback, reason, twice
from relay.config.sending import Route, Upstream
from relay.model.message import Mode
from relay.model.operation import DEFAULT_LANE
from relay.signing_keys import KeyFileError, load_key

_OF_SMTP = ("host", "username", "password", "token_url", "client_id", "client_secret", "refresh_token")
"""Keys that mean nothing for kind `mx`, which finds its servers itself and signs in nowhere."""


def problems(config: Config) -> Iterator[Problem]:
    for n, upstream in enumerate(config.upstream):
        here: Location = ("upstream", n)
        yield from _exchanger(upstream, here) if upstream.kind == "mx" else _server(upstream, here)
        if upstream.ca is not None:
            try:
                ssl.create_default_context(cafile=upstream.ca)
            except (OSError, ValueError) as error:
                yield Problem((*here, "ca"), f"{str(upstream.ca)!r} cannot be used: {reason(error)}")
    yield from twice(("upstream",), "name", [upstream.name for upstream in config.upstream])
    names = {upstream.name for upstream in config.upstream}
    for n, route in enumerate(config.route):
        yield from _route(route, names, ("route", n))
    yield from twice(("route",), "name", [route.name for route in config.route])
    yield from _modes(config)
    yield from _dkim(config)


def _exchanger(upstream: Upstream, here: Location) -> Iterator[Problem]:
    for key in _OF_SMTP:
        value = getattr(upstream, key)
        if value if isinstance(value, str) else is_given(upstream, key):
            yield Problem((*here, key), "given for kind mx, which has no server of its own, expected kind smtp")
    if upstream.provider.value:
        yield Problem((*here, "provider"), f"{upstream.provider.value!r} for kind mx, expected kind smtp")
    if upstream.tls is TlsPolicy.IMPLICIT:
        yield Problem((*here, "tls"), "'implicit' for kind mx, expected required, optional or none")


def _server(upstream: Upstream, here: Location) -> Iterator[Problem]:
    if not upstream.host:
        yield Problem((*here, "host"), "missing, expected the name of the provider's server, or kind mx")
    is_token = upstream.auth == "xoauth2"
    is_secret = is_given(upstream, "password") or (is_token and bool(upstream.token_url))
    if is_secret and not upstream.username:
        yield Problem((*here, "username"), "missing, expected the name that belongs to the password")
    if upstream.username and not is_secret:
        wanted = "password (the token) or token_url" if is_token else "password or password_file"
        yield Problem((*here, "password"), f"missing, expected {wanted} beside username")
    if is_token and not upstream.username and not is_secret:
        yield Problem((*here, "auth"), "'xoauth2' without username, expected one, and password or token_url")
    if is_secret and upstream.tls in (TlsPolicy.NONE, TlsPolicy.OPTIONAL) and not is_loopback(upstream.host):
        yield Problem(
            (*here, "tls"),
            f"{upstream.tls.value!r} would let the password to {upstream.host!r} be read on the way, "
            "expected required or implicit",
        )
    yield from _tokens(upstream, here)


def _tokens(upstream: Upstream, here: Location) -> Iterator[Problem]:
    """Where XOAUTH2 gets its access tokens from."""
    if not upstream.token_url:
        return
    if upstream.auth != "xoauth2":
        yield Problem((*here, "auth"), f"{upstream.auth!r} beside token_url, expected xoauth2")
    if is_given(upstream, "password"):
        yield Problem((*here, "password"), "given together with token_url, expected one of the two")
    if upstream.token_url.startswith("http://") and not is_loopback(host_of(upstream.token_url)):
        yield Problem((*here, "token_url"), "http:// would let the tokens be read on the way, expected https://")
    if not upstream.client_id:
        yield Problem((*here, "client_id"), "missing, expected it beside token_url")
    if not is_given(upstream, "refresh_token"):
        yield Problem((*here, "refresh_token"), "missing, expected refresh_token or refresh_token_file")


def host_of(url: str) -> str:
    """The host of an http address, brackets of IPv6 kept; what precedes an `@` is not the host."""
    place = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    return place.partition("]")[0] + "]" if place.startswith("[") else place.partition(":")[0]


def _route(route: Route, names: set[str], here: Location) -> Iterator[Problem]:
    if route.name == DEFAULT_LANE:
        yield Problem((*here, "name"), f"{route.name!r}, expected another name: it is that of what no route takes")
    if not route.upstreams:
        yield Problem((*here, "upstreams"), "empty, expected names of [[upstream]] tables")
    for n, choice in enumerate(route.upstreams):
        if choice.name not in names:
            yield Problem((*here, "upstreams", n), f"{choice.name!r}, expected the name of an [[upstream]]")
        elif choice.name in [earlier.name for earlier in route.upstreams[:n]]:
            yield Problem((*here, "upstreams", n), f"{choice.name!r} is used twice, expected each upstream once")


def _modes(config: Config) -> Iterator[Problem]:
    if config.delivery.mode is Mode.REDIRECT:
        yield Problem(
            ("delivery", "mode"), "'redirect' has no addresses here, expected it in an [[application]] with redirect_to"
        )
    elif config.delivery.mode is Mode.RELAY and not config.upstream:
        yield Problem(("delivery", "mode"), "'relay' without upstream, expected an [[upstream]] to relay to")
    for n, application in enumerate(config.application):
        yield from _mode(config, application, ("application", n))


def _mode(config: Config, application: Application, here: Location) -> Iterator[Problem]:
    mode = application.mode
    if mode in (Mode.RELAY, Mode.REDIRECT) and not config.upstream:
        yield Problem((*here, "mode"), f"{mode.value!r} without upstream, expected an [[upstream]] to relay to")
    if mode is Mode.REDIRECT and not application.redirect_to:
        yield Problem((*here, "redirect_to"), "missing, expected the addresses that mode redirect sends to")


def _dkim(config: Config) -> Iterator[Problem]:
    if any(name.lower() == "from" for name in config.dkim.left_out):
        yield Problem(("dkim", "left_out"), "'From' is always signed (RFC 6376 section 5.4), expected other fields")
    places: set[tuple[str, str]] = set()
    for n, table in enumerate(config.dkim.key):
        here: Location = ("dkim", "key", n)
        place = (table.domain.lower(), table.selector.lower())
        if place in places:
            yield Problem((*here, "selector"), f"{table.selector!r} is used twice for {table.domain}, expected one key")
        places.add(place)
        try:
            load_key(table)
        except KeyFileError as error:
            yield Problem((*here, "file"), f"{str(table.file)!r} {error}")
