"""Rules about several keys of the configuration together, and about the files it names.

Pure but for opening the named files. What one key alone may be is said in `config.py`.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from relay.config import SENDER_RULE, Application, Config, Listener, TlsPolicy, Upstream
from relay.config.expectation import Location
from relay.model.message import Mode
from relay.signing_keys import KeyFileError, load_key

SOCKET_PATH_LIMIT = 107
"""Octets in the name of a UNIX socket (Linux, sun_path)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, and what was given and expected."""

    location: Location
    text: str


def problems(config: Config) -> Iterator[Problem]:
    """Every rule that the configuration breaks, in the order of the file's tables."""
    for n, listener in enumerate(config.smtp.listeners):
        yield from _listener(config, listener, ("smtp", "listeners", n))
    yield from _twice(("smtp", "listeners"), "name", [listener.name for listener in config.smtp.listeners])
    yield from _same_port(config.smtp.listeners)
    yield from _archive(config)
    for n, upstream in enumerate(config.upstream):
        yield from _upstream(upstream, ("upstream", n))
    yield from _modes(config)
    for n, application in enumerate(config.application):
        yield from _application(application, ("application", n))
    yield from _twice(("application",), "name", [application.name for application in config.application])
    yield from _twice(("application",), "username", [application.username for application in config.application])
    yield from _dkim(config)
    yield from _references(config)
    yield from _tracking(config)


def is_loopback(host: str) -> bool:
    """Whether the name or address can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def reason(error: Exception) -> str:
    """Why a file cannot be used, in the system's words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _listener(config: Config, listener: Listener, here: Location) -> Iterator[Problem]:
    if listener.socket is not None:
        if len(str(listener.socket)) > SOCKET_PATH_LIMIT:
            yield Problem((*here, "socket"), f"longer than {SOCKET_PATH_LIMIT} octets, expected a shorter path")
    elif not _is_near(listener) and not _knows_its_clients(config, listener):
        yield Problem(
            (*here, "host"),
            f"{listener.host!r} can be reached from other machines, expected require_auth = true here, "
            "smtp.allow_from, or an [[application]] with username or addresses",
        )
    if listener.require_auth and listener.certificate is None and not _is_near(listener):
        yield Problem(
            (*here, "require_auth"),
            "true without certificate, expected both it and its key: other machines' passwords are taken over TLS only",
        )
    yield from _certificate(listener, here)


def _is_near(listener: Listener) -> bool:
    return listener.socket is not None or is_loopback(listener.host)


def _knows_its_clients(config: Config, listener: Listener) -> bool:
    if listener.require_auth or config.smtp.allow_from:
        return True
    return any(application.addresses or application.username for application in config.application)


def _certificate(listener: Listener, here: Location) -> Iterator[Problem]:
    if listener.certificate is None and listener.certificate_key is None:
        if listener.tls in (TlsPolicy.REQUIRED, TlsPolicy.IMPLICIT):
            yield Problem((*here, "tls"), f"{listener.tls.value!r} without certificate, expected certificate and key")
    elif listener.certificate is None:
        yield Problem((*here, "certificate_key"), "given without certificate, expected both")
    elif listener.certificate_key is None:
        yield Problem((*here, "certificate"), "given without certificate_key, expected both")
    else:
        yield from _pair(listener.certificate, listener.certificate_key, here)


def _pair(certificate: Path, certificate_key: Path, here: Location) -> Iterator[Problem]:
    is_readable = True
    for key, path in (("certificate", certificate), ("certificate_key", certificate_key)):
        try:
            path.read_bytes()
        except OSError as error:
            is_readable = False
            yield Problem((*here, key), f"{str(path)!r} cannot be read: {reason(error)}")
    if not is_readable:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, certificate_key, password=lambda: "")
    except (ssl.SSLError, ValueError):
        yield Problem(
            (*here, "certificate"),
            f"{str(certificate)!r} and its key are not a pair, expected PEM files that belong together, "
            "the key without a password",
        )


def _same_port(listeners: Sequence[Listener]) -> Iterator[Problem]:
    seen: set[tuple[str, int]] = set()
    for n, listener in enumerate(listeners):
        place = (listener.host, listener.port)
        if listener.socket is None and listener.port != 0:
            if place in seen:
                yield Problem(("smtp", "listeners", n, "port"), f"{listener.port}, already used by another listener")
            seen.add(place)


def _twice(here: Location, key: str, values: Iterable[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for n, value in enumerate(values):
        if value and value in seen:
            yield Problem((*here, n, key), f"{value!r} is used twice, expected a {key} of its own")
        seen.add(value)


def _archive(config: Config) -> Iterator[Problem]:
    if config.archive.url and not config.archive.url.startswith("sqlite:///"):
        scheme = config.archive.url.partition(":")[0]
        yield Problem(("archive", "url"), f"{scheme!r} is no kind of archive, expected sqlite:////absolute/path")


def _upstream(upstream: Upstream, here: Location) -> Iterator[Problem]:
    is_secret = bool(upstream.password.get_secret_value() or upstream.password_file)
    if is_secret and not upstream.username:
        yield Problem((*here, "username"), "missing, expected the name that belongs to the password")
    if upstream.username and not is_secret:
        yield Problem((*here, "password"), "missing, expected password or password_file beside username")
    if is_secret and upstream.tls in (TlsPolicy.NONE, TlsPolicy.OPTIONAL) and not is_loopback(upstream.host):
        yield Problem(
            (*here, "tls"),
            f"{upstream.tls.value!r} would let the password to {upstream.host!r} be read on the way, "
            "expected required or implicit",
        )
    if upstream.ca is not None:
        try:
            ssl.create_default_context(cafile=upstream.ca)
        except (OSError, ValueError) as error:
            yield Problem((*here, "ca"), f"{str(upstream.ca)!r} cannot be used: {reason(error)}")


def _modes(config: Config) -> Iterator[Problem]:
    if config.upstream:
        return
    wanted = "expected an [[upstream]] to relay to"
    if config.delivery.mode is Mode.RELAY:
        yield Problem(("delivery", "mode"), f"'relay' without upstream, {wanted}")
    for n, application in enumerate(config.application):
        if application.mode is Mode.RELAY:
            yield Problem(("application", n, "mode"), f"'relay' without upstream, {wanted}")


def _application(application: Application, here: Location) -> Iterator[Problem]:
    if application.username and not application.secret_hash:
        yield Problem((*here, "secret_hash"), "missing, expected the line that `mailwitness application add` prints")
    if application.secret_hash and not application.username:
        yield Problem((*here, "username"), "missing, expected the name that belongs to secret_hash")
    if not (application.username or application.secret_hash or application.addresses):
        yield Problem((*here, "addresses"), "missing, expected username or addresses to know the application by")
    for n, rule in enumerate(application.senders):
        if SENDER_RULE.fullmatch(rule) is None:
            yield Problem((*here, "senders", n), f"{rule!r}, expected an address, a domain such as @example.com, or <>")


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


def _tracking(config: Config) -> Iterator[Problem]:
    """Whoever tracks needs a public address, its own or the common one."""
    table, wanted = config.tracking, "true without an address, expected tracking.url"
    if not table.url:
        for key in ("opens", "clicks"):
            if getattr(table, key):
                yield Problem(("tracking", key), wanted)
        for n, application in enumerate(config.application):
            for key in ("opens", "clicks"):
                if getattr(application, key) and not application.tracking_url:
                    yield Problem(("application", n, key), f"{wanted} or tracking_url here")
    for n, domain in enumerate(table.excluded_domains):
        if re.fullmatch(r"[^\s/:@]+", domain) is None:
            yield Problem(("tracking", "excluded_domains", n), f"{domain!r}, expected a domain such as example.com")


def _references(config: Config) -> Iterator[Problem]:
    for n, reference in enumerate(config.reference):
        try:
            compiled = re.compile(reference.pattern)
        except re.error as error:
            yield Problem(("reference", n, "pattern"), f"{reference.pattern!r} is no regular expression: {error}")
            continue
        if compiled.fullmatch("") is not None:
            yield Problem(("reference", n, "pattern"), f"{reference.pattern!r} matches nothing at all, expected a code")
        if reference.link and "{code}" not in reference.link:
            yield Problem(("reference", n, "link"), f"{reference.link!r}, expected {{code}} in it")
    yield from _twice(("reference",), "name", [reference.name for reference in config.reference])
