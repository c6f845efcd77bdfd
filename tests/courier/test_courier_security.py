"""TLS and AUTH towards the upstream: what is verified, what is never said in clear."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from relay.archive.api import Archive, StoredMessage
from relay.config import TlsPolicy
from tests.support.authority import Certificate
from tests.support.dispatch import CONTENT, at_rest, courier_of, message_of, queue, states, upstream_of
from tests.support.upstream import DROP, Raw, ScriptedUpstream, Step

B = "b@example.com"
ACCOUNT: dict[str, Any] = {"username": "user", "password": SecretStr("pass word")}


async def send_one(archive: Archive, upstream: ScriptedUpstream, **settings: Any) -> StoredMessage:
    """One message through a courier with these settings of the upstream."""
    message = await queue(archive, message_of(CONTENT), CONTENT)
    courier = courier_of(archive, [upstream_of(upstream.port, **settings)])
    await courier.start()
    found = await at_rest(archive, message)
    await courier.stop(5)
    return found


def reply_of(found: StoredMessage) -> str:
    return str(found.deliveries[0].reply)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_starttls_is_used_and_the_certificate_verified(
    archive: Archive, certificate: Certificate, host: str
) -> None:
    async with ScriptedUpstream(tls=certificate.server_context()) as upstream:
        found = await send_one(archive, upstream, host=host, tls=TlsPolicy.REQUIRED, ca=certificate.authority)
    assert states(found) == {B: "sent"}
    assert upstream.messages[0].is_tls
    assert upstream.messages[0].content == CONTENT
    assert (found.attempts[0].tls_version or "").startswith("TLSv1.")
    assert found.attempts[0].tls_cipher


async def test_the_extensions_are_asked_for_again_after_starttls(archive: Archive, certificate: Certificate) -> None:
    async with ScriptedUpstream(tls=certificate.server_context()) as upstream:
        await send_one(archive, upstream, tls=TlsPolicy.REQUIRED, ca=certificate.authority)
    assert [line.split()[0] for line in upstream.commands[:4]] == ["EHLO", "STARTTLS", "EHLO", "MAIL"]


async def test_implicit_tls_speaks_no_word_in_clear(archive: Archive, certificate: Certificate) -> None:
    async with ScriptedUpstream(tls=certificate.server_context(), is_implicit=True) as upstream:
        found = await send_one(archive, upstream, tls=TlsPolicy.IMPLICIT, ca=certificate.authority)
    assert states(found) == {B: "sent"}
    assert upstream.messages[0].is_tls


@pytest.mark.parametrize("policy", [TlsPolicy.REQUIRED, TlsPolicy.IMPLICIT])
async def test_a_certificate_that_nobody_vouches_for_is_refused(
    archive: Archive, certificate: Certificate, policy: TlsPolicy
) -> None:
    is_implicit = policy is TlsPolicy.IMPLICIT
    async with ScriptedUpstream(tls=certificate.server_context(), is_implicit=is_implicit) as upstream:
        found = await send_one(archive, upstream, tls=policy)
    assert states(found) == {B: "deferred"}
    assert "454 4.7.5 the upstream's certificate is not trusted" in reply_of(found)
    assert upstream.messages == []


async def test_a_certificate_for_another_host_is_refused(archive: Archive, foreign_certificate: Certificate) -> None:
    async with ScriptedUpstream(tls=foreign_certificate.server_context()) as upstream:
        found = await send_one(archive, upstream, tls=TlsPolicy.REQUIRED, ca=foreign_certificate.authority)
    assert states(found) == {B: "deferred"}
    assert "not valid for '127.0.0.1'" in reply_of(found)


async def test_verification_can_be_switched_off(archive: Archive, foreign_certificate: Certificate) -> None:
    async with ScriptedUpstream(tls=foreign_certificate.server_context()) as upstream:
        found = await send_one(archive, upstream, tls=TlsPolicy.REQUIRED, verify=False)
    assert states(found) == {B: "sent"}


async def test_a_file_of_authorities_that_is_missing_defers(archive: Archive, certificate: Certificate) -> None:
    async with ScriptedUpstream(tls=certificate.server_context()) as upstream:
        missing = certificate.authority.with_name("missing.pem")
        found = await send_one(archive, upstream, tls=TlsPolicy.REQUIRED, ca=missing)
    assert states(found) == {B: "deferred"}
    assert "No such file" in reply_of(found)


async def test_required_never_falls_back_when_starttls_is_not_offered(archive: Archive) -> None:
    async with ScriptedUpstream(credentials=("user", "pass word")) as upstream:
        found = await send_one(archive, upstream, tls=TlsPolicy.REQUIRED, **ACCOUNT)
    assert states(found) == {B: "deferred"}
    assert "454 4.7.4 TLS is required" in reply_of(found)
    assert [line.split()[0] for line in upstream.commands] == ["EHLO"]


@pytest.mark.parametrize("answer", ["454 4.7.0 not now", "502 5.5.1 no", "250 2.0.0 what", DROP])
async def test_required_never_falls_back_when_starttls_is_refused(
    archive: Archive, certificate: Certificate, answer: Any
) -> None:
    async with ScriptedUpstream(tls=certificate.server_context(), script={"STARTTLS": answer}) as upstream:
        found = await send_one(archive, upstream, tls=TlsPolicy.REQUIRED, ca=certificate.authority)
    assert states(found) == {B: "deferred"}
    assert "MAIL" not in [line.split()[0] for line in upstream.commands]


async def test_words_in_clear_after_the_reply_to_starttls_end_the_session(
    archive: Archive, certificate: Certificate
) -> None:
    """CVE-2021-38371: a man in the middle puts replies before the encrypted ones."""
    injected = Raw(b"220 go\r\n250-injected.example\r\n250 AUTH PLAIN\r\n")
    async with ScriptedUpstream(tls=certificate.server_context(), script={"STARTTLS": injected}) as upstream:
        found = await send_one(archive, upstream, tls=TlsPolicy.REQUIRED, ca=certificate.authority)
    assert states(found) == {B: "deferred"}
    assert "octets in clear after the reply to STARTTLS" in reply_of(found)
    assert upstream.messages == []


async def test_optional_goes_on_in_clear_where_starttls_is_not_to_be_had(
    archive: Archive, certificate: Certificate
) -> None:
    script = {"STARTTLS": "454 4.7.0 not now"}
    async with ScriptedUpstream(tls=certificate.server_context(), script=script) as upstream:
        found = await send_one(archive, upstream, tls=TlsPolicy.OPTIONAL, ca=certificate.authority)
    assert states(found) == {B: "sent"}
    assert not upstream.messages[0].is_tls


async def test_a_server_that_speaks_no_tls_after_220_defers(archive: Archive) -> None:
    script: dict[str, Step] = {"STARTTLS": Raw(b"220 go\r\n"), "EHLO": "250-upstream.example\r\n250 STARTTLS"}
    async with ScriptedUpstream(script=script) as upstream:
        found = await send_one(archive, upstream, tls=TlsPolicy.REQUIRED, connect_timeout=1)
    assert states(found) == {B: "deferred"}
    assert "TLS" in reply_of(found)


@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "LOGIN", "GSSAPI PLAIN", "plain"])
async def test_the_account_is_used_over_tls(archive: Archive, certificate: Certificate, mechanisms: str) -> None:
    credentials = ("user", "pass word")
    async with ScriptedUpstream(
        tls=certificate.server_context(), credentials=credentials, mechanisms=mechanisms
    ) as upstream:
        found = await send_one(archive, upstream, tls=TlsPolicy.REQUIRED, ca=certificate.authority, **ACCOUNT)
    assert states(found) == {B: "sent"}
    assert upstream.messages[0].user == "user"


async def test_a_password_goes_in_clear_to_this_machine_only(archive: Archive) -> None:
    async with ScriptedUpstream(credentials=("user", "pass word")) as upstream:
        found = await send_one(archive, upstream, **ACCOUNT)
    assert states(found) == {B: "sent"}
    assert upstream.messages[0].user == "user"


async def test_a_wrong_password_defers_and_is_never_shown(
    archive: Archive, certificate: Certificate, capsys: pytest.CaptureFixture[str]
) -> None:
    async with ScriptedUpstream(tls=certificate.server_context(), credentials=("user", "another")) as upstream:
        found = await send_one(archive, upstream, tls=TlsPolicy.REQUIRED, ca=certificate.authority, **ACCOUNT)
    assert states(found) == {B: "deferred"}
    assert reply_of(found) == "454 4.7.0 the upstream refused AUTH: 535 5.7.8 wrong user or password"
    shown = capsys.readouterr().out + repr(found)
    assert "pass word" not in shown
    assert "AHVzZXIAcGFzcyB3b3Jk" not in shown


async def test_a_wrong_user_name_of_login_defers(archive: Archive) -> None:
    script = {"AUTH": {"LOGIN": "535 5.7.8 no"}}
    async with ScriptedUpstream(credentials=("user", "pass word"), mechanisms="LOGIN", script=script) as upstream:
        found = await send_one(archive, upstream, **ACCOUNT)
    assert states(found) == {B: "deferred"}
    assert "refused AUTH: 535 5.7.8 no" in reply_of(found)


async def test_without_a_known_mechanism_nothing_is_sent(archive: Archive) -> None:
    async with ScriptedUpstream(credentials=("user", "pass word"), mechanisms="GSSAPI") as upstream:
        found = await send_one(archive, upstream, **ACCOUNT)
    assert states(found) == {B: "deferred"}
    assert "neither AUTH PLAIN nor AUTH LOGIN" in reply_of(found)
