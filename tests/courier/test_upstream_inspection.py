"""`check --live`: what a look at an upstream finds, what it advises, and that it sends nothing."""

from __future__ import annotations

import asyncio
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from relay.config import TlsPolicy, Upstream
from relay.courier.inspection import Findings, inspect
from relay.resolver import Lookup
from tests.support.authority import Certificate
from tests.support.dispatch import upstream_of
from tests.support.nameserver import Nameserver
from tests.support.nursery import ran
from tests.support.upstream import DROP, HANG, ScriptedUpstream, Step

ACCOUNT: dict[str, Any] = {"username": "user", "password": SecretStr("pass word")}
NOW = int(datetime.now(UTC).timestamp() * 1_000_000)


def steps(findings: Findings) -> list[tuple[str, bool]]:
    return [(line.step, line.is_good) for line in findings.lines]


def last(findings: Findings) -> str:
    return findings.lines[-1].text


async def test_a_healthy_upstream_is_shown_step_by_step_and_gets_no_mail(certificate: Certificate) -> None:
    async with ScriptedUpstream(tls=certificate.server_context(), credentials=("user", "pass word")) as upstream:
        settings = upstream_of(upstream.port, tls=TlsPolicy.REQUIRED, ca=certificate.authority, **ACCOUNT)
        findings = await inspect(settings, "relay.example", NOW)
    assert findings.is_good
    names = ["DNS", "connection", "greeting", "EHLO", "TLS", "certificate", "AUTH"]
    assert steps(findings) == [(name, True) for name in names]
    text = {line.step: line.text for line in findings.lines}
    assert text["DNS"] == "127.0.0.1"
    assert text["connection"] == f"127.0.0.1:{upstream.port}"
    assert text["greeting"] == "upstream.example ESMTP"
    assert "PIPELINING" in text["EHLO"]
    assert text["TLS"].startswith("TLSv1.3, TLS_")
    assert text["certificate"].startswith("CN=localhost (localhost), issued by CN=Test authority, until 20")
    assert text["AUTH"] == "PLAIN as user"
    assert [line.split()[0] for line in upstream.commands] == ["EHLO", "STARTTLS", "EHLO", "AUTH", "QUIT"]
    certificate_line = next(line for line in findings.lines if line.step == "certificate")
    assert "two weeks" in certificate_line.advice  # the test's certificate lives for a day


@pytest.mark.parametrize(
    ("step", "does", "failed", "text"),
    [
        ("banner", "554 5.7.1 go away", "greeting", "refused the connection: 554 5.7.1 go away"),
        ("banner", DROP, "greeting", "closed the connection"),
        ("banner", HANG, "greeting", "no reply within 1 s"),
        ("EHLO", "451 4.3.0 later", "EHLO", "451 4.3.0 later"),
        ("STARTTLS", "454 4.7.0 not now", "TLS", "454 4.7.0 not now"),
        ("AUTH", "535 5.7.8 wrong", "AUTH", "refused AUTH: 535 5.7.8 wrong"),
    ],
)
async def test_the_step_that_fails_is_named_with_advice(
    certificate: Certificate, step: str, does: Step, failed: str, text: str
) -> None:
    script = {step: does}
    async with ScriptedUpstream(
        tls=certificate.server_context(), credentials=("user", "pass word"), script=script
    ) as upstream:
        settings = upstream_of(upstream.port, tls=TlsPolicy.REQUIRED, ca=certificate.authority, timeout=1, **ACCOUNT)
        findings = await inspect(settings, "relay.example", NOW)
    assert not findings.is_good
    assert steps(findings)[-1] == (failed, False)
    assert text in last(findings)
    assert findings.lines[-1].advice
    assert "pass word" not in str(findings.lines)


@pytest.mark.parametrize("is_implicit", [False, True])
async def test_a_distrusted_certificate_is_shown_all_the_same(certificate: Certificate, is_implicit: bool) -> None:
    policy = TlsPolicy.IMPLICIT if is_implicit else TlsPolicy.REQUIRED
    async with ScriptedUpstream(
        tls=certificate.server_context(), is_implicit=is_implicit, credentials=("user", "pass word")
    ) as upstream:
        findings = await inspect(upstream_of(upstream.port, tls=policy, **ACCOUNT), "relay.example", NOW)
    assert ("TLS", False) in steps(findings)
    assert "issued by CN=Test authority" in last(findings)
    assert not any(line.startswith("AUTH") for line in upstream.commands)


async def test_an_upstream_without_tls_is_said_to_have_none() -> None:
    async with ScriptedUpstream(extensions=()) as upstream:
        offered = await inspect(upstream_of(upstream.port, tls=TlsPolicy.OPTIONAL), "relay.example", NOW)
        wanted = await inspect(upstream_of(upstream.port, tls=TlsPolicy.REQUIRED), "relay.example", NOW)
    assert ("TLS", True) in steps(offered)
    assert last(offered) == "none"
    assert ("TLS", False) in steps(wanted)


async def test_a_distrusted_server_that_then_hangs_up_is_still_reported(certificate: Certificate) -> None:
    script: dict[str, Step] = {"EHLO": [None, DROP]}
    async with ScriptedUpstream(tls=certificate.server_context(), script=script) as upstream:
        findings = await inspect(upstream_of(upstream.port, tls=TlsPolicy.REQUIRED), "relay.example", NOW)
    assert steps(findings)[-1] == ("TLS", False)


async def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    async with ScriptedUpstream() as upstream:
        port = upstream.port
    nowhere, unknown, no_authority = await asyncio.gather(
        inspect(upstream_of(port), "relay.example", NOW),
        inspect(upstream_of(port, host="nowhere.invalid"), "relay.example", NOW),
        inspect(upstream_of(port, tls=TlsPolicy.REQUIRED, ca=tmp_path / "missing.pem"), "relay.example", NOW),
    )
    assert steps(nowhere) == [("DNS", True), ("connection", False)]
    assert steps(unknown) == [("DNS", False)]
    assert last(no_authority) == "ca cannot be used: No such file or directory"


@pytest.mark.parametrize(
    ("settings", "words", "is_good"),
    [
        ({"is_validating": True}, "validated", True),
        ({}, "not validated: DANE is not used", True),
        ({"is_broken": True}, "the DNS does not answer", False),
    ],
)
async def test_of_direct_delivery_the_resolver_is_what_can_be_checked(
    settings: dict[str, Any], words: str, is_good: bool
) -> None:
    with Nameserver({"": ["DNSKEY 257 3 13 AAAA"]}, **settings) as server:
        findings = await inspect(Upstream(kind="mx"), "relay.example", NOW, Lookup(server.address))
    assert words in last(findings)
    assert findings.is_good is is_good


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return ran("check", "-c", str(folder / "config.toml"), *arguments)


async def test_the_command_shows_a_table_and_ends_with_1_when_one_fails(tmp_path: Path) -> None:
    async with ScriptedUpstream() as good, ScriptedUpstream(script={"banner": "554 no"}) as bad:
        tables = (
            f'[[upstream]]\nname = "{name}"\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\n'
            for name, port in (("good", good.port), ("bad", bad.port))
        )
        (tmp_path / "config.toml").write_text("".join(tables))
        both = await asyncio.to_thread(run, tmp_path, "--live")
        alone = await asyncio.to_thread(run, tmp_path, "--live", "good")
        misspelt = await asyncio.to_thread(run, tmp_path, "--live", "goood")
        without = await asyncio.to_thread(run, tmp_path, "good")
    assert both.returncode == 1
    assert f"good\tconnection\tok\t127.0.0.1:{good.port}\n" in both.stdout
    assert "bad\tgreeting\tFAILED\t454 4.7.0 the upstream refused the connection: 554 no" in both.stdout
    assert "bad, greeting: " in both.stderr
    assert (alone.returncode, "bad" in alone.stdout) == (0, False)
    assert (misspelt.returncode, without.returncode) == (64, 64)
    assert "expected good, bad" in misspelt.stderr
    assert good.messages == []


def test_without_an_upstream_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    assert "no [[upstream]]" in run(tmp_path, "--live").stderr
