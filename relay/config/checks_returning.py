"""Rules about several keys of what comes back and what is told of it: `[tracking]`, `[webhooks.NAME]`, `[bounces]`,
`[[endpoint]]`. Pure."""

from __future__ import annotations

import base64
import binascii
import re
import ssl
from collections.abc import Iterator
from importlib.util import find_spec

from relay.config.checks_sending import host_of
from relay.config.expectation import Location
from relay.config.house import Config
from relay.config.problem import Problem, is_given, is_loopback, reason, twice
from relay.config.returning import Bounces, Endpoint, Imap, WebhookSource
from relay.config.sending import Provider
from relay.model.event import Kind
from relay.model.notification import SECRET_PREFIX, SECRET_SIZES

_KEYS = {
    "mailgun": "the signing key of your Mailgun account",
    "sendgrid": "the public key that SendGrid shows for its signed event webhook",
    "resend": "the secret (whsec_…) that Resend shows for the webhook",
}
"""Providers that sign what they send, and what to check it with."""
_DOMAIN = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_LOCAL_PART = re.compile(r"[A-Za-z0-9._-]{1,30}")


def problems(config: Config) -> Iterator[Problem]:
    yield from _tracking(config)
    yield from _unsubscribing(config)
    for name, source in config.webhooks.items():
        yield from _source(name, source, ("webhooks", name))
    yield from _bounces(config.bounces)
    yield from _imap(config.bounces.imap)
    for n, endpoint in enumerate(config.endpoint):
        yield from _endpoint(endpoint, ("endpoint", n))
    yield from twice(("endpoint",), "name", [endpoint.name for endpoint in config.endpoint])


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


def _unsubscribing(config: Config) -> Iterator[Problem]:
    """RFC 8058 section 3.1: one-click needs an https address."""
    for n, application in enumerate(config.application):
        url = application.tracking_url or config.tracking.url
        here: Location = ("application", n, "unsubscribe")
        if application.unsubscribe and not url:
            yield Problem(here, "true without an address, expected tracking.url or tracking_url here")
        elif application.unsubscribe and not (url.startswith("https://") or is_loopback(host_of(url))):
            yield Problem(here, f"true with {url!r}, expected an https:// address (RFC 8058 section 3.1)")


def _source(name: str, source: WebhookSource, here: Location) -> Iterator[Problem]:
    provider = source.provider or name
    if provider not in [known.value for known in Provider if known.value]:
        known = ", ".join(known.value for known in Provider if known.value)
        yield Problem((*here, "provider"), f"missing, expected one of {known}")
    elif provider == Provider.SES and not source.topic_arns:
        yield Problem((*here, "topic_arns"), "missing, expected the ARNs of your topics: no other is believed")
    elif provider in _KEYS and not is_given(source, "key"):
        yield Problem((*here, "key"), f"missing, expected {_KEYS[provider]}")
    elif provider not in (*_KEYS, Provider.SES) and not (
        is_given(source, "password") or is_given(source, "key") or source.allow_from
    ):
        yield Problem(
            (*here, "password"), f"missing, {provider} signs nothing: expected username and password, or allow_from"
        )
    if source.username and not is_given(source, "password"):
        yield Problem((*here, "password"), "missing, expected password or password_file beside username")
    if is_given(source, "password") and not source.username:
        yield Problem((*here, "username"), "missing, expected the name that belongs to the password")


def _bounces(table: Bounces) -> Iterator[Problem]:
    if table.listen and not table.domain:
        yield Problem(("bounces", "domain"), "missing, expected the domain of the return paths, whose mail comes here")
    if table.domain and _DOMAIN.fullmatch(table.domain) is None:
        yield Problem(("bounces", "domain"), f"{table.domain!r}, expected a domain such as bounces.example.com")
    if _LOCAL_PART.fullmatch(table.local_part) is None:
        yield Problem(
            ("bounces", "local_part"),
            f"{table.local_part!r}, expected at most 30 letters, digits, dots, hyphens and underscores",
        )


def _imap(table: Imap) -> Iterator[Problem]:
    here: Location = ("bounces", "imap")
    if not table.host:
        if table.username or is_given(table, "password"):
            yield Problem((*here, "host"), "missing, expected the server of the mailbox")
        return
    if find_spec("aioimaplib") is None:
        yield Problem((*here, "host"), "given without aioimaplib, expected `pip install 'mailwitness[imap]'` first")
    if not table.username:
        yield Problem((*here, "username"), "missing, expected the name that the mailbox is opened with")
    if not is_given(table, "password"):
        yield Problem((*here, "password"), "missing, expected password or password_file beside username")
    if table.tls == "none" and not is_loopback(table.host):
        yield Problem(
            (*here, "tls"), f"'none' would let the password to {table.host!r} be read on the way, expected implicit"
        )
    if table.ca is not None:
        try:
            ssl.create_default_context(cafile=table.ca)
        except (OSError, ValueError) as error:
            yield Problem((*here, "ca"), f"{str(table.ca)!r} cannot be used: {reason(error)}")


def _endpoint(endpoint: Endpoint, here: Location) -> Iterator[Problem]:
    if "@" in endpoint.url.partition("://")[2].partition("/")[0]:
        yield Problem((*here, "url"), "a name or password stands in it, expected an address without: the secret signs")
    wanted = "whsec_ and base64 of 24 to 64 octets, as `mailwitness endpoint secret` prints it"
    if not is_given(endpoint, "secret"):
        yield Problem((*here, "secret"), f"missing, expected {wanted}")
    elif endpoint.secret.get_secret_value() and not _is_secret(endpoint.secret.get_secret_value()):
        yield Problem((*here, "secret"), f"the value given, expected {wanted}")
    known = [kind.value for kind in Kind]
    for n, kind in enumerate(endpoint.events):
        if kind not in known:
            yield Problem((*here, "events", n), f"{kind!r}, expected a kind of event such as sent or bounced")
    if not endpoint.timeout:
        yield Problem((*here, "timeout"), "0, expected at least 1s: an endpoint that hangs must end")


def _is_secret(text: str) -> bool:
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        return False
    return text.startswith(SECRET_PREFIX) and len(key) in SECRET_SIZES
