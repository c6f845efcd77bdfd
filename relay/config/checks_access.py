"""Rules about several keys of who is let in: `[oidc]`, and the user header in `[viewer]`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from relay.config.house import Config
from relay.config.problem import Problem, is_loopback

RESERVED = frozenset({"authorization", "cookie", "forwarded", "host", "origin", "x-csrf-token", "x-forwarded-for"})
"""Header fields that mean something else, or that browsers send themselves."""


def problems(config: Config) -> Iterator[Problem]:
    yield from _user_header(config)
    yield from _oidc(config)


def _user_header(config: Config) -> Iterator[Problem]:
    table = config.viewer
    if table.user_header and not table.trusted_proxies:
        yield Problem(("viewer", "user_header"), "given without trusted_proxies, expected the proxies to be believed")
    if table.user_header.lower() in RESERVED:
        yield Problem(("viewer", "user_header"), f"{table.user_header!r}, expected a field of its own as Remote-User")
    if table.user_header_role and not table.user_header:
        yield Problem(("viewer", "user_header_role"), "given without user_header, expected both")


def _oidc(config: Config) -> Iterator[Problem]:
    table = config.oidc
    if not table.issuer:
        if table.client_id:
            yield Problem(("oidc", "issuer"), "missing, expected the provider's address")
        return
    url = urlsplit(table.issuer)
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        yield Problem(("oidc", "issuer"), f"{table.issuer!r}, expected https:// beyond this machine")
    if not table.client_id:
        yield Problem(("oidc", "client_id"), "missing, expected the name that the provider knows us by")
    if "openid" not in table.scopes:
        yield Problem(("oidc", "scopes"), "without 'openid', expected it among them")
    if not table.groups and not table.default_role:
        yield Problem(("oidc", "groups"), "empty without default_role, expected who may come in")
    for n, domain in enumerate(table.allowed_domains):
        if re.fullmatch(r"[^\s/:@]+", domain) is None:
            yield Problem(("oidc", "allowed_domains", n), f"{domain!r}, expected a domain such as example.com")
