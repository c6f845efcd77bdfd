"""Direct delivery, with a real DNS server, real mail servers and a real policy server, all on loopback.

The exchangers have addresses of their own, 127.0.0.2 and so on, and one port.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from relay.archive.api import Archive
from relay.config import TlsPolicy, Upstream
from relay.courier.direct import Direct
from relay.courier.policies import Policies
from relay.courier.policy import PolicyMode
from relay.courier.trouble import NoSession
from relay.resolver import Lookup
from tests.support.authority import Certificate, issue
from tests.support.dispatch import CONTENT, START, at_rest, courier_of, message_of, queue, states
from tests.support.nameserver import Nameserver
from tests.support.policyserver import PolicyServer
from tests.support.upstream import ScriptedUpstream, Step
from tests.support.victim import free_port

NAMES = ("mx1.example.com", "mx2.example.com", "mta-sts.example.com", "mta-sts.other.example")
TWO = {
    "example.com": ["MX 10 mx1.example.com.", "MX 20 mx2.example.com."],
    "mx1.example.com": ["A 127.0.0.2"],
    "mx2.example.com": ["A 127.0.0.3"],
}
ONE = {**TWO, "example.com": ["MX 10 mx1.example.com."]}
ENFORCE = b"version: STSv1\nmode: enforce\nmx: mx1.example.com\nmax_age: 86400\n"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return issue(tmp_path_factory.mktemp("direct"), *NAMES, name="direct")


def settings_of(port: int, **fields: Any) -> Upstream:
    usual = {"timeout": 5, "connect_timeout": 5, "source_address": IPv4Address("127.0.0.1"), "mta_sts": False}
    return Upstream(**{"kind": "mx", "port": port, **usual, **fields})


async def outcome(direct: Direct, domain: str = "example.com") -> str:
    """`HOST, TLS version` of a session, or the reply when there is none."""
    try:
        session = await direct.dialler(domain).dial()
    except NoSession as refusal:
        return str(refusal.reply)
    await session.quit()
    return f"{session.host}, {session.tls_version}"


@contextlib.asynccontextmanager
async def world(
    *scripts: Mapping[str, Step],
    zone: Mapping[str, Sequence[str]] = TWO,
    tls: Certificate | None = None,
    is_validating: bool = False,
    broken: Sequence[str] = (),
    policy_port: int = 443,
    tls_policy: TlsPolicy = TlsPolicy.OPTIONAL,
    **fields: Any,
) -> AsyncIterator[tuple[Direct, list[ScriptedUpstream]]]:
    """A DNS server, an exchanger at 127.0.0.2, .3 … for each script, and direct delivery that knows them."""
    port = free_port()
    async with contextlib.AsyncExitStack() as stack:
        server = stack.enter_context(Nameserver(zone, is_validating=is_validating, broken=broken))
        exchangers = []
        for n, script in enumerate(scripts):
            context = tls.server_context() if tls else None
            exchanger = ScriptedUpstream(script=script, tls=context, host=f"127.0.0.{n + 2}", port=port)
            exchangers.append(await stack.enter_async_context(exchanger))
        direct = Direct(
            settings_of(port, tls=tls_policy, **fields),
            "relay.example",
            clock=_now,
            spread=lambda: 0.0,
            lookup=Lookup(server.address),
            policy_port=policy_port,
        )
        yield direct, exchangers


def _now() -> int:
    return int(datetime.now(UTC).timestamp() * 1_000_000)


# -- which server ----------------------------------------------------------------------------------------------
async def test_the_preferred_server_is_taken() -> None:
    async with world({}, {}) as (direct, exchangers):
        assert await outcome(direct) == "mx1.example.com, None"
    assert [exchanger.sessions for exchanger in exchangers] == [1, 0]


@pytest.mark.parametrize("trouble", ["421 4.3.2 busy", "554 5.7.1 not you"])
async def test_the_next_server_is_taken_when_one_does_not_want_us(trouble: str) -> None:
    async with world({"banner": trouble}, {}) as (direct, _):
        assert await outcome(direct) == "mx2.example.com, None"


async def test_the_next_server_is_taken_when_one_is_not_there() -> None:
    zone = {**TWO, "mx1.example.com": ["A 127.0.0.9"]}
    async with world({}, {}, zone=zone) as (direct, _):
        assert await outcome(direct) == "mx2.example.com, None"


async def test_the_next_address_of_a_server_is_taken() -> None:
    zone = {"example.com": ["MX 10 mx1.example.com."], "mx1.example.com": ["A 127.0.0.9", "A 127.0.0.2"]}
    async with world({}, zone=zone) as (direct, _):
        assert await outcome(direct) == "mx1.example.com, None"


async def test_when_all_fail_the_last_says_why() -> None:
    async with world({"banner": "421 4.3.2 first"}, {"banner": "421 4.3.2 second"}) as (direct, _):
        assert await outcome(direct) == "421 4.3.2 mx2.example.com [127.0.0.3]: second"


async def test_a_domain_without_exchangers_takes_its_mail_itself() -> None:
    async with world({}, zone={"example.com": ["A 127.0.0.2"]}) as (direct, _):
        assert await outcome(direct) == "example.com, None"


async def test_an_address_literal_needs_no_dns() -> None:
    async with world({}, zone={}) as (direct, exchangers):
        assert await outcome(direct, "[127.0.0.2]") == "127.0.0.2, None"
    assert exchangers[0].sessions == 1


@pytest.mark.parametrize(
    ("zone", "reply"),
    [
        ({"example.com": ["MX 0 ."]}, "556 5.1.10"),
        ({}, "550 5.1.2 the domain example.com does not exist"),
        ({"example.com": []}, "451 4.4.4 example.com has no address"),
        ({"example.com": ["MX 1 relay.example."]}, "554 5.4.6 mail for example.com leads back to this machine"),
        ({"example.com": ["MX 1 gone.example."]}, "451 4.4.4 gone.example has no address"),
        ({"example.com": ["A 224.0.0.1"]}, "451 4.4.4 example.com has no address that can be reached"),
        ({"example.com": ["AAAA 2001:db8::1"]}, "451 4.4.4 example.com has no address that can be reached"),
    ],
)
async def test_why_nothing_can_be_sent_is_said(zone: Mapping[str, Sequence[str]], reply: str) -> None:
    async with world(zone=zone) as (direct, _):
        assert (await outcome(direct)).startswith(reply)


async def test_a_name_that_points_to_this_machine_is_a_circle_unless_we_are_to_stay_on_it() -> None:
    async with world({}, source_address=None) as (direct, exchangers):
        assert (await outcome(direct)).startswith("554 5.4.6 mx2.example.com is this machine itself")
        assert exchangers[0].sessions == 0


async def test_a_server_whose_addresses_are_not_known_is_passed_over() -> None:
    async with world({}, {}, broken=["mx1.example.com"]) as (direct, _):
        assert await outcome(direct) == "mx2.example.com, None"


# -- TLS -------------------------------------------------------------------------------------------------------
async def test_tls_is_used_when_it_is_offered_with_whatever_certificate(certificates: Certificate) -> None:
    async with world({}, {}, tls=certificates) as (direct, _):
        assert await outcome(direct) == "mx1.example.com, TLSv1.3"


async def test_tls_that_fails_is_not_followed_by_clear_text() -> None:
    """The server says that it can, and then cannot."""
    async with world({}, zone=ONE, connect_timeout=1) as (direct, exchangers):
        exchangers[0].extensions = ("STARTTLS",)
        assert await outcome(direct) == "421 4.4.2 mx1.example.com [127.0.0.2]: no TLS handshake within 1 s"
    assert exchangers[0].sessions == 1


async def test_tls_can_be_demanded_of_every_domain() -> None:
    async with world({}, zone=ONE, tls_policy=TlsPolicy.REQUIRED) as (direct, _):
        assert "does not offer STARTTLS" in await outcome(direct)


# -- MTA-STS ---------------------------------------------------------------------------------------------------
def announced(policy_id: str = "1", **zone: Sequence[str]) -> dict[str, Sequence[str]]:
    records = {"_mta-sts.example.com": [f'"v=STSv1; id={policy_id};"'], "mta-sts.example.com": ["A 127.0.0.1"]}
    return {**TWO, **records, **zone}


async def test_an_enforced_policy_wants_a_verified_certificate_of_a_named_server(certificates: Certificate) -> None:
    async with (
        PolicyServer(certificates.server_context(), ENFORCE) as web,
        world(
            {}, {}, zone=announced(), tls=certificates, mta_sts=True, ca=certificates.authority, policy_port=web.port
        ) as (direct, exchangers),
    ):
        assert await outcome(direct) == "mx1.example.com, TLSv1.3"
        assert await outcome(direct) == "mx1.example.com, TLSv1.3"
        exchangers[0].script = {"banner": "421 4.3.2 busy"}
        assert await outcome(direct) == ("454 4.7.5 the MTA-STS policy of example.com does not name mx2.example.com")
    assert len(web.fetches) == 1
    assert exchangers[1].sessions == 0


async def test_an_enforced_policy_refuses_clear_text_and_other_certificates(
    certificates: Certificate, tmp_path: Path
) -> None:
    foreign = issue(tmp_path, *NAMES)
    zone = announced() | {"example.com": ["MX 1 mx1.example.com."]}
    for tls, words in ((None, "does not offer STARTTLS"), (foreign, "certificate is not trusted")):
        async with (
            PolicyServer(certificates.server_context(), ENFORCE) as web,
            world({}, zone=zone, tls=tls, mta_sts=True, ca=certificates.authority, policy_port=web.port) as (direct, _),
        ):
            assert words in await outcome(direct)


@pytest.mark.parametrize(
    ("policy", "fields"),
    [
        (ENFORCE.replace(b"enforce", b"testing"), {}),
        (ENFORCE.replace(b"enforce", b"none"), {}),
        (b"<html>", {}),
        (ENFORCE, {"status": 404}),
        (ENFORCE, {"status": 302}),
        (ENFORCE, {"kind": "text/html"}),
        (ENFORCE + b"x: " + b"y" * 70_000, {}),
    ],
)
async def test_without_a_policy_in_force_tls_is_not_demanded(
    certificates: Certificate, policy: bytes, fields: dict[str, Any]
) -> None:
    async with (
        PolicyServer(certificates.server_context(), policy, **fields) as web,
        world({}, {}, zone=announced(), mta_sts=True, ca=certificates.authority, policy_port=web.port) as (direct, _),
    ):
        assert await outcome(direct) == "mx1.example.com, None"
        assert await outcome(direct) == "mx1.example.com, None"
    assert len(web.fetches) == 1  # what could not be had is not asked for with every message


async def test_a_policy_may_not_be_taken_away_from_the_middle(certificates: Certificate) -> None:
    """Neither a record nor a file that is gone ends a policy before its time; a new id replaces it."""
    async with PolicyServer(certificates.server_context(), ENFORCE) as web:
        zone = announced()
        with Nameserver(zone) as names:
            lookup = Lookup(names.address)
            policies = Policies(lookup, ca=certificates.authority, port=web.port)
            assert await asyncio.gather(*(policies.policy("example.com") for _ in range(5)))
            assert len(web.fetches) == 1
            names.zone = {**zone, "_mta-sts.example.com": []}
            lookup.forget()
            policy = await policies.policy("example.com")
            assert policy is not None
            assert policy.mode is PolicyMode.ENFORCE
            names.zone = announced("2")
            lookup.forget()
            web.status = 500
            assert await policies.policy("example.com") == policy
            assert await policies.policy("example.com") == policy
            assert len(web.fetches) == 2
            assert await policies.policy("nowhere.example") is None
            assert await policies.policy("x" * 64 + ".example") is None


async def test_a_new_id_brings_the_new_policy_and_age_ends_one(certificates: Certificate) -> None:
    async with PolicyServer(certificates.server_context(), ENFORCE) as web:
        with Nameserver(announced()) as names:
            lookup = Lookup(names.address)
            policies = Policies(lookup, ca=certificates.authority, port=web.port)
            await policies.policy("example.com")
            names.zone = announced("2")
            lookup.forget()
            web.policy = ENFORCE.replace(b"enforce", b"testing").replace(b"86400", b"0")
            policy = await policies.policy("example.com")
            assert policy is not None
            assert policy.mode is PolicyMode.TESTING
            web.status = 500
            assert await policies.policy("example.com") is None


async def test_a_policy_at_a_place_that_is_not_to_be_reached_is_not_fetched(certificates: Certificate) -> None:
    async with PolicyServer(certificates.server_context(), ENFORCE) as web:
        with Nameserver(announced(), broken=["mta-sts.other.example"]) as names:
            lookup = Lookup(names.address)
            policies = Policies(lookup, is_reachable=lambda _: False, ca=certificates.authority, port=web.port)
            assert await policies.policy("example.com") is None
            names.zone = {**announced(), "_mta-sts.other.example": ['"v=STSv1; id=1"']}
            assert await policies.policy("other.example") is None
    assert web.fetches == []


# -- DANE ------------------------------------------------------------------------------------------------------
def named(
    certificates: Certificate, port: int, *, usage: int = 3, path: Path | None = None
) -> dict[str, Sequence[str]]:
    """TLSA records of mx1 for the key of the certificate at `path`."""
    certificate = x509.load_pem_x509_certificate((path or certificates.chain).read_bytes())
    digest = hashes.Hash(hashes.SHA256())
    digest.update(certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return {f"_{port}._tcp.mx1.example.com": [f"TLSA {usage} 1 1 {digest.finalize().hex()}"]}


@contextlib.asynccontextmanager
async def pinned(
    records: Mapping[str, Sequence[str]], certificate: Certificate | None, **fields: Any
) -> AsyncIterator[Direct]:
    """As `world` with one exchanger, and records for its port given as that of 25."""
    async with world({}, zone=ONE, tls=certificate, **{"is_validating": True, **fields}) as (direct, _):
        port = direct.upstream.port
        zone = {**ONE, **{name.replace("_25.", f"_{port}."): value for name, value in records.items()}}
        with Nameserver(zone, is_validating=fields.get("is_validating", True)) as names:
            yield Direct(direct.upstream, "relay.example", clock=_now, spread=lambda: 0.0, lookup=Lookup(names.address))


async def test_a_named_key_is_trusted_whoever_signed_it(certificates: Certificate) -> None:
    async with pinned(named(certificates, 25), certificates) as direct:
        assert await outcome(direct) == "mx1.example.com, TLSv1.3"


async def test_another_key_and_clear_text_are_refused(certificates: Certificate, tmp_path: Path) -> None:
    other = issue(tmp_path, *NAMES)
    async with pinned(named(certificates, 25, path=other.chain), certificates) as direct:
        assert "certificate is not trusted: no TLSA record matches it" in await outcome(direct)
    async with pinned(named(certificates, 25), None) as direct:
        assert "does not offer STARTTLS" in await outcome(direct)


async def test_a_named_authority_is_trusted_when_its_certificate_is_sent(
    certificates: Certificate, tmp_path: Path
) -> None:
    whole = tmp_path / "whole.pem"
    whole.write_bytes(certificates.chain.read_bytes() + certificates.authority.read_bytes())
    sent = Certificate(certificates.authority, whole, certificates.key)
    records = named(certificates, 25, usage=2, path=certificates.authority)
    async with pinned(records, sent) as direct:
        assert await outcome(direct) == "mx1.example.com, TLSv1.3"
    async with pinned(records, certificates) as direct:
        assert "no TLSA record matches it" in await outcome(direct)


async def test_records_of_no_use_demand_tls_and_no_certificate(certificates: Certificate) -> None:
    records = named(certificates, 25, usage=1)
    async with pinned(records, certificates) as direct:
        assert await outcome(direct) == "mx1.example.com, TLSv1.3"
    async with pinned(records, None) as direct:
        assert "does not offer STARTTLS" in await outcome(direct)


async def test_without_validation_or_with_dane_off_the_records_are_nothing(
    certificates: Certificate, tmp_path: Path
) -> None:
    records = named(certificates, 25, path=issue(tmp_path, *NAMES).chain)
    async with pinned(records, None, is_validating=False) as direct:
        assert await outcome(direct) == "mx1.example.com, None"
    async with pinned(records, None, dane=False) as direct:
        assert await outcome(direct) == "mx1.example.com, None"


async def test_records_that_cannot_be_had_defer(certificates: Certificate) -> None:
    """Whoever can suppress an answer must not be able to take the protection away (RFC 7672 section 2.1.2)."""
    async with world({}, zone=ONE, tls=certificates, is_validating=True) as (direct, _):
        name = f"TLSA _{direct.upstream.port}._tcp.mx1.example.com"
        with Nameserver(ONE, is_validating=True, broken=[name]) as names:
            bogus = Direct(
                direct.upstream, "relay.example", clock=_now, spread=lambda: 0.0, lookup=Lookup(names.address)
            )
            assert (await outcome(bogus)).startswith("451 4.4.3 mx1.example.com: the DNS does not answer")


# -- the courier -----------------------------------------------------------------------------------------------
async def test_recipients_travel_with_their_domain_and_one_bad_domain_harms_no_other(archive: Archive) -> None:
    zone = {
        **TWO,
        "other.example": ["MX 5 mx2.example.com."],
        "null.example": ["MX 0 ."],
        "down.example": ["A 127.0.0.9"],
    }
    recipients = [
        "a@example.com", "b@EXAMPLE.com", "c@other.example", "d@null.example", "e@gone.example", "f@down.example",
    ]  # fmt: skip
    message = await queue(archive, message_of(CONTENT, *recipients), CONTENT)
    async with world({}, {}, zone=zone) as (direct, exchangers):
        courier = courier_of(archive, [direct.upstream], lookup=direct.lookup)
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert states(found) == {
        "a@example.com": "sent",
        "b@EXAMPLE.com": "sent",
        "c@other.example": "sent",
        "d@null.example": "failed",
        "e@gone.example": "failed",
        "f@down.example": "deferred",
    }
    assert [received.recipients for received in exchangers[0].messages] == [("<a@example.com>", "<b@EXAMPLE.com>")]
    assert [received.recipients for received in exchangers[1].messages] == [("<c@other.example>",)]
    replies = {delivery.recipient.address: str(delivery.reply) for delivery in found.deliveries}
    assert replies["d@null.example"].startswith("556 5.1.10")
    assert "down.example [127.0.0.9]: connection failed" in replies["f@down.example"]
    assert found.message.received_at == START
