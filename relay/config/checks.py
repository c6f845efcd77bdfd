"""Rules about several keys of the configuration together, and about the files it names.

Those about mail going out are in `checks_sending.py`, those about what comes back in `checks_returning.py`, those
about who is let in in `checks_access.py`, those about the log in `checks_ledger.py`. Pure but for opening the named
files. What one key alone may be is said in the models.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import re2

from relay.config import (
    SENDER_RULE,
    Application,
    Config,
    Listener,
    TlsPolicy,
    checks_access,
    checks_encryption,
    checks_handover,
    checks_ledger,
    checks_returning,
    checks_sending,
)
from relay.config.expectation import Location, written
from relay.config.pattern import matches_nothing, pattern_fault
from relay.config.problem import Problem, is_loopback, reason, twice
from relay.model.alert import RATES, Rule

SOCKET_PATH_LIMIT = 107
"""Octets in the name of a UNIX socket (Linux, sun_path)."""
_ANY = ("0.0.0.0", "::")
"""Every address of this machine."""


def problems(config: Config) -> Iterator[Problem]:
    """Every rule that the configuration breaks, in the order of the file's tables."""
    for n, listener in enumerate(config.smtp.listeners):
        yield from _listener(config, listener, ("smtp", "listeners", n))
    yield from twice(("smtp", "listeners"), "name", [listener.name for listener in config.smtp.listeners])
    yield from _same_port(config)
    yield from _archive(config)
    yield from checks_sending.problems(config)
    for n, application in enumerate(config.application):
        yield from _application(application, ("application", n))
    yield from twice(("application",), "name", [application.name for application in config.application])
    yield from twice(("application",), "username", [application.username for application in config.application])
    yield from _references(config)
    yield from _masks(config)
    yield from _alerts(config)
    yield from checks_returning.problems(config)
    yield from checks_ledger.problems(config)
    yield from checks_handover.problems(config)
    yield from checks_encryption.problems(config)
    yield from checks_access.problems(config)


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


def _same_port(config: Config) -> Iterator[Problem]:
    """Later ones of two that cannot both listen; an address for all others meets each of its kind."""
    taken: list[tuple[str, int, str]] = []
    for location, host, port in _places(config):
        name = "127.0.0.1" if host == "localhost" else host
        other = next((key for at, used, key in taken if used == port and _share(at, name)), None)
        if port and other is not None:
            yield Problem((*location, "port"), f"{port}, already used by {other}")
        taken.append((name, port, written(location)))


def _places(config: Config) -> Iterator[tuple[Location, str, int]]:
    for n, listener in enumerate(config.smtp.listeners):
        if listener.socket is None:
            yield ("smtp", "listeners", n), listener.host, listener.port
    yield ("viewer",), config.viewer.host, config.viewer.port
    if config.is_tracking_possible or config.webhooks or config.ledger.public:
        yield ("tracking",), config.tracking.host, config.tracking.port
    if config.bounces.listen:
        yield ("bounces",), config.bounces.host, config.bounces.port


def _share(one: str, other: str) -> bool:
    """Whether two addresses cannot both have one port."""
    if one == other:
        return True
    return any(first in _ANY and (":" in first) == (":" in second) for first, second in ((one, other), (other, one)))


def _archive(config: Config) -> Iterator[Problem]:
    if config.archive.url and not config.archive.url.startswith("sqlite:///"):
        scheme = config.archive.url.partition(":")[0]
        yield Problem(("archive", "url"), f"{scheme!r} is no kind of archive, expected sqlite:////absolute/path")


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


def _references(config: Config) -> Iterator[Problem]:
    for n, reference in enumerate(config.reference):
        if fault := pattern_fault(reference.pattern, is_linear=reference.syntax == "re2"):
            yield Problem(("reference", n, "pattern"), f"{reference.pattern!r} is no regular expression: {fault}")
            continue
        if matches_nothing(reference.pattern, is_linear=reference.syntax == "re2"):
            yield Problem(("reference", n, "pattern"), f"{reference.pattern!r} matches nothing at all, expected a code")
        if reference.link and "{code}" not in reference.link:
            yield Problem(("reference", n, "link"), f"{reference.link!r}, expected {{code}} in it")
    yield from twice(("reference",), "name", [reference.name for reference in config.reference])


def _alerts(config: Config) -> Iterator[Problem]:
    for n, alert in enumerate(config.alert):
        if alert.application and alert.rule not in (*RATES, Rule.SILENCE):
            yield Problem(("alert", n, "application"), f"{alert.rule.value} is of the whole house, expected none")
    yield from twice(("alert",), "name", [alert.name for alert in config.alert])


def _masks(config: Config) -> Iterator[Problem]:
    options = re2.Options()
    options.log_errors = False
    for n, mask in enumerate(config.mask):
        try:
            compiled = re2.compile(mask.pattern, options)
        except re2.error as error:
            why = error.args[0].decode("utf-8", "replace")
            yield Problem(("mask", n, "pattern"), f"{mask.pattern!r} is no regular expression of RE2: {why}")
            continue
        if compiled.fullmatch("") is not None:
            yield Problem(("mask", n, "pattern"), f"{mask.pattern!r} matches nothing at all, expected a secret")
    yield from twice(("mask",), "name", [mask.name for mask in config.mask])
