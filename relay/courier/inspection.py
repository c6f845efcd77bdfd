"""A look at an upstream as it is now: resolved, reached, greeted, secured, logged in; no mail. For `check --live`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from cryptography import x509

from relay.config import TlsPolicy, Upstream
from relay.courier import trouble
from relay.courier.session import Session, Target, connect, tls_context
from relay.courier.trouble import NoSession, SessionLost
from relay.model.reply import Reply
from relay.resolver import Lookup, LookupFailed

EXPIRES_SOON = 14 * 86400
"""Seconds."""

_ADVICE = {
    "DNS": "check `host`, and this machine's name servers",
    "connection": "check `host`, `port` and whether a firewall lets this machine out; many networks block port 25",
    "greeting": "the server does not want this machine, or another kind of server listens there: check `port`",
    "EHLO": "check `helo`: some servers want a name that resolves to this machine's address",
    "TLS": "check `tls` (465 is usually implicit, 587 required), and `ca` if the certificate is private",
    "AUTH": "check `username`, the password or token, and `auth`; the account may not be allowed to send by SMTP",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One step of the look, in words."""

    step: str
    """DNS, connection, greeting, EHLO, TLS, certificate, AUTH."""
    is_good: bool
    text: str
    advice: str = ""
    """What to do; empty when nothing need be done."""


@dataclass(slots=True)
class Findings:
    upstream: Upstream
    lines: list[Line] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return all(line.is_good for line in self.lines)

    def good(self, step: str, text: str, advice: str = "") -> None:
        self.lines.append(Line(step, True, text, advice))

    def bad(self, step: str, text: str) -> None:
        self.lines.append(Line(step, False, text, _ADVICE.get(step, "")))


async def inspect(upstream: Upstream, helo: str, now: int, lookup: Lookup | None = None) -> Findings:
    """What was found out about an upstream, step by step until one failed. `now`: UTC microseconds.

    Of kind `mx` there is no one server: whether the DNS can be asked, and is validated, is all that can be said.
    """
    findings = Findings(upstream)
    if upstream.kind == "mx":
        await _ask_dns(findings, lookup or Lookup())
        return findings
    try:
        addresses = await _resolved(upstream)
    except (OSError, UnicodeError) as error:
        findings.bad("DNS", trouble.broken(error).text)
        return findings
    findings.good("DNS", ", ".join(addresses))
    try:
        target = Target(upstream.host, upstream.port, upstream.tls, tls_context(upstream))
    except OSError as error:
        findings.bad("TLS", f"ca cannot be used: {error.strerror or error}")
        return findings
    try:
        session = await connect(upstream, target, upstream.helo or helo)
    except NoSession as refusal:
        is_tls = refusal.reply.enhanced == "4.7.5"
        findings.bad("TLS" if is_tls else "connection", refusal.reply.text)
        if is_tls:
            await _show_distrusted(findings, target, helo, now)
        return findings
    await _converse(findings, session, target, helo, now)
    return findings


async def _ask_dns(findings: Findings, lookup: Lookup) -> None:
    try:
        is_validating = await lookup.is_validating()
    except LookupFailed as error:
        findings.bad("DNS", str(error))
        return
    findings.good("DNS", "answers")
    wanted = "DANE needs a validating name server on this machine, or `options trust-ad` in /etc/resolv.conf"
    if is_validating:
        findings.good("DNSSEC", "validated")
    else:
        findings.good("DNSSEC", "not validated: DANE is not used", wanted if findings.upstream.dane else "")


async def _resolved(upstream: Upstream) -> Sequence[str]:
    async with asyncio.timeout(upstream.connect_timeout):
        found = await asyncio.get_running_loop().getaddrinfo(
            upstream.host, upstream.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def _converse(findings: Findings, session: Session, target: Target, helo: str, now: int) -> None:
    failed: Reply | None = None
    peer = session.peer
    try:
        await session.open()
    except SessionLost as lost:
        failed = lost.reply
    findings.good("connection", peer)
    if session.greeting is not None and session.greeting.code // 100 == 2:
        findings.good("greeting", session.greeting.text.replace("\n", " / "))
    if session.has_greeted:
        findings.good("EHLO", ", ".join(sorted(session.capabilities.keywords)) or "no extensions")
    if session.tls_version is not None and session.certificate is not None:
        findings.good("TLS", f"{session.tls_version}, {session.tls_cipher}")
        _tell_certificate(findings, session.certificate, now)
    elif session.step in ("AUTH", "ready") and failed is None:
        findings.good("TLS", "none", "" if target.tls is TlsPolicy.NONE else "the server offers no TLS")
    if failed is not None:
        findings.bad(session.step, str(failed))
        session.abort()
        if session.step == "TLS" and failed.enhanced == "4.7.5":
            await _show_distrusted(findings, target, helo, now)
        return
    if session.mechanism is not None:
        findings.good("AUTH", f"{session.mechanism} as {findings.upstream.username}")
    await session.quit()


async def _show_distrusted(findings: Findings, target: Target, helo: str, now: int) -> None:
    """Looks again without verifying, and without saying a password, to show whose certificate it is."""
    nameless = findings.upstream.model_copy(update={"username": "", "verify": False})
    context = tls_context(nameless)
    try:
        session = await connect(nameless, replace(target, context=context), nameless.helo or helo)
        await session.open()
    except SessionLost:
        return
    if session.certificate is not None:
        _tell_certificate(findings, session.certificate, now)
    await session.quit()


def _tell_certificate(findings: Findings, octets: bytes, now: int) -> None:
    try:
        certificate = x509.load_der_x509_certificate(octets)
        ends = certificate.not_valid_after_utc
        text = f"{_names(certificate)}, issued by {certificate.issuer.rfc4514_string()}, until {ends:%Y-%m-%d}"
    except ValueError as error:
        findings.good("certificate", f"cannot be read: {error}")
        return
    is_short = (ends - datetime.fromtimestamp(now / 1_000_000, UTC)).total_seconds() < EXPIRES_SOON
    findings.good("certificate", text, "it ends within two weeks: ask who runs the server" if is_short else "")


def _names(certificate: x509.Certificate) -> str:
    """The subject; the names it is for, where it has none."""
    subject = certificate.subject.rfc4514_string()
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return subject
    dns = ", ".join(names.get_values_for_type(x509.DNSName)[:3])
    return f"{subject} ({dns})" if subject and dns else subject or dns
