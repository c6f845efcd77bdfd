"""Which servers take a domain's mail, asked of a real DNS server on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from relay.courier.exchangers import Servers, before_us, find, ordered
from relay.courier.trouble import NoSession
from relay.resolver import Exchanger, Lookup, LookupFailed, _is_believed
from tests.support.nameserver import Nameserver

ZONE = {
    "example.com": ["MX 20 b.example.com.", "MX 10 A.example.com.", "A 127.0.0.2"],
    "bare.example": ["A 127.0.0.2"],
    "empty.example": [],
    "null.example": ["MX 0 ."],
    "odd.example": ["MX 0 .", "MX 10 a.example.com."],
    "us.example": ["MX 10 near.example.", "MX 20 relay.example.", "MX 30 far.example."],
    "circle.example": ["MX 10 relay.example.", "MX 20 far.example."],
    "xn--bcher-kva.example": ["MX 10 a.example.com."],
    "a.example.com": ["A 127.0.0.2", "AAAA ::1"],
    "text.example": ['"one " "two"'],
}
OURS = {"relay.example", "localhost"}


@pytest.fixture(scope="module")
def server() -> Iterator[Nameserver]:
    with Nameserver(ZONE, broken=["broken.example"]) as running:
        yield running


async def servers(server: Nameserver, domain: str) -> Servers | str:
    try:
        return await find(domain, Lookup(server.address), OURS, lambda: 0.0)
    except NoSession as refusal:
        return str(refusal.reply)


@pytest.mark.parametrize(
    ("domain", "hosts"),
    [
        ("example.com", ("A.example.com", "b.example.com")),
        ("EXAMPLE.com", ("A.example.com", "b.example.com")),
        ("bare.example", ("bare.example",)),
        ("empty.example", ("empty.example",)),
        ("odd.example", ("a.example.com",)),
        ("us.example", ("near.example",)),
        ("bücher.example", ("a.example.com",)),
        ("BÜCHER.example", ("a.example.com",)),
        ("[192.0.2.1]", ("192.0.2.1",)),
        ("[IPv6:2001:DB8::1]", ("2001:db8::1",)),
    ],
)
async def test_the_servers_of_a_domain_come_best_first(server: Nameserver, domain: str, hosts: tuple[str, ...]) -> None:
    found = await servers(server, domain)
    assert isinstance(found, Servers)
    assert found.hosts == hosts
    assert found.is_literal == domain.startswith("[")
    assert not found.is_validated


@pytest.mark.parametrize(
    ("domain", "reply"),
    [
        ("null.example", "556 5.1.10 the domain null.example takes no mail (null MX)"),
        ("nowhere.example", "550 5.1.2 the domain nowhere.example does not exist"),
        ("broken.example", "451 4.4.3 broken.example: the DNS does not answer: NoNameservers"),
        ("circle.example", "554 5.4.6 mail for circle.example leads back to this machine"),
        ("[192.0.2.999]", "553 5.1.3 [192.0.2.999] is no address of a mail server"),
        ("[IPv6:1.2.3.4]", "553 5.1.3 [IPv6:1.2.3.4] is no address of a mail server"),
        ("[example]", "553 5.1.3 [example] is no address of a mail server"),
        ("a..\N{SNOWMAN}.example", "553 5.1.2"),
        ("x" * 64 + ".example", "451 4.4.3"),
    ],
)
async def test_why_there_is_no_server_is_said(server: Nameserver, domain: str, reply: str) -> None:
    assert str(await servers(server, domain)).startswith(reply)


async def test_what_a_validating_server_on_this_machine_says_is_believed() -> None:
    with Nameserver(ZONE, is_validating=True) as validating:
        found = await servers(validating, "example.com")
        lookup = Lookup(validating.address)
        assert isinstance(found, Servers)
        assert found.is_validated
        assert (await lookup.addresses("nowhere.example")).is_validated
        assert (await lookup.addresses("A.example.com")).records == ("127.0.0.2", "::1")
        assert (await lookup.texts("text.example")).records == (b"one two",)


async def test_answers_are_kept_until_they_are_to_be_forgotten() -> None:
    with Nameserver(ZONE) as running:
        lookup = Lookup(running.address)
        for _ in range(3):
            await lookup.exchangers("example.com")
        assert running.asked == ["MX example.com"]
        lookup.forget()
        await lookup.exchangers("example.com")
        assert len(running.asked) == 2


@pytest.mark.parametrize(
    ("nameservers", "file", "is_believed"),
    [
        (["127.0.0.1", "::1"], "", True),
        (["192.0.2.1"], "nameserver 192.0.2.1\n", False),
        (["192.0.2.1"], "options edns0 trust-ad\n", True),
        (["127.0.0.1", "192.0.2.1"], "# options trust-ad\n\n", False),
        (["https://dns.example"], "options trust-ad\n", False),
    ],
)
def test_only_a_near_or_trusted_server_is_believed_about_dnssec(
    tmp_path_factory: pytest.TempPathFactory, nameservers: list[str], file: str, is_believed: bool
) -> None:
    path = tmp_path_factory.mktemp("resolv") / "resolv.conf"
    path.write_text(file)
    assert _is_believed(nameservers, path) is is_believed


async def test_a_lookup_that_fails_says_so() -> None:
    with Nameserver({}, is_broken=True) as broken:
        for question in (Lookup(broken.address).exchangers, Lookup(broken.address).texts):
            with pytest.raises(LookupFailed):
                await question("example.com")
    with pytest.raises(LookupFailed, match="LifetimeTimeout"):
        await Lookup("127.0.0.1:9", lifetime=0.2).exchangers("example.com")


def test_equals_share_the_load_and_preference_comes_first() -> None:
    given = [Exchanger(20, "d"), Exchanger(10, "a"), Exchanger(10, "b"), Exchanger(10, "c")]
    assert [each.host for each in ordered(given, lambda: 0.0)] == ["a", "b", "c", "d"]
    assert [each.host for each in ordered(given, lambda: 0.999)] == ["c", "b", "a", "d"]


def test_what_comes_after_us_is_not_tried() -> None:
    given = [Exchanger(10, "a"), Exchanger(20, "Relay.Example"), Exchanger(20, "b"), Exchanger(5, "c")]
    assert [each.host for each in before_us(given, OURS)] == ["a", "c"]
    assert before_us(given, set()) == given
