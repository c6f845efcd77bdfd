"""Who a client is."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from ipaddress import ip_address

import pytest

from relay.archive.api import ApplicationRecord
from relay.config import Application, Config
from relay.intake.credentials import Directory, KnownApplication
from relay.model.event import Event, Kind
from relay.model.message import Mode
from tests.support.fresh import open_archive


def hashed(secret: str) -> str:
    return f"sha256:{sha256(secret.encode()).hexdigest()}"


@pytest.fixture
async def archive(tmp_path):
    archive = await open_archive(f"sqlite:///{tmp_path}/archive.db")
    yield archive
    await archive.close()


CONFIG = Config(
    application=(
        Application(
            name="shop",
            username="shop",
            secret_hash=hashed("one"),
            senders=("@shop.example", "boss@example.com", "<>"),
            mode=Mode.HOLD,
            tags=("orders",),
        ),
        Application.model_validate({"name": "printer", "addresses": ["192.0.2.0/24", "2001:db8::/64"]}),
    )
)


async def test_applications_of_file_and_archive_sign_in(archive):
    added = ApplicationRecord("crm", "crm-user", sha256(b"two").digest(), 1, mode="relay", senders=("@crm.example",))
    plain = ApplicationRecord("wiki", "wiki", sha256(b"three").digest(), 1)
    for number, record in enumerate((added, plain)):
        event = Event(f"{number:026d}", 1, Kind.ACCOUNT_CHANGED, "user:admin")
        await archive.put_application(record, event)
    directory = await Directory.load(CONFIG, archive, Mode.CAPTURE)
    assert directory.has_credentials
    shop, crm, wiki = (
        directory.sign_in(*pair) for pair in (("shop", b"one"), ("crm-user", b"two"), ("wiki", b"three"))
    )
    assert shop
    assert crm
    assert wiki
    assert (shop.name, shop.mode, shop.tags) == ("shop", Mode.HOLD, ("orders",))
    assert (crm.name, crm.mode, crm.senders) == ("crm", Mode.RELAY, ("@crm.example",))
    assert (wiki.name, wiki.mode) == ("wiki", Mode.CAPTURE)


async def test_wrong_credentials_are_nobodys(archive):
    directory = await Directory.load(CONFIG, archive, Mode.CAPTURE)
    for pair in (("shop", b"two"), ("shop", b""), ("nobody", b"one"), ("", b""), ("printer", b""), ("SHOP", b"one")):
        assert directory.sign_in(*pair) is None


async def test_an_application_is_known_by_its_address(archive):
    directory = await Directory.load(CONFIG, archive, Mode.RELAY)
    for text, name in (("192.0.2.9", "printer"), ("2001:db8::5", "printer"), ("192.0.3.1", None), ("::1", None)):
        found = directory.at_address(ip_address(text))
        assert (found and found.name) == name


async def test_the_default_application_has_the_default_mode(archive):
    directory = await Directory.load(CONFIG, archive, Mode.RELAY)
    assert directory.default == KnownApplication("default", Mode.RELAY)


def test_an_application_called_default_is_the_default():
    mine = KnownApplication("default", Mode.HOLD, tags=("mine",))
    directory = Directory([mine], Mode.RELAY)
    assert directory.default == mine
    assert not directory.has_credentials


def test_a_changed_secret_or_a_removed_application_is_not_current():
    application = KnownApplication("shop", Mode.RELAY, "shop", b"1" * 32)
    assert Directory([application], Mode.RELAY).current(application) is application
    changed = replace(application, tags=("new",))
    assert Directory([changed], Mode.RELAY).current(application) is changed
    assert Directory([KnownApplication("shop", Mode.RELAY, "shop", b"2" * 32)], Mode.RELAY).current(application) is None
    assert Directory([], Mode.RELAY).current(application) is None


def test_the_first_of_two_applications_with_one_user_name_counts():
    first, second = (KnownApplication(name, Mode.RELAY, "same", sha256(b"s").digest()) for name in "ab")
    assert Directory([first, second], Mode.RELAY).sign_in("same", b"s") == first


@pytest.mark.parametrize(
    ("address", "is_allowed"),
    [
        ("a@shop.example", True),
        ("A@SHOP.EXAMPLE", True),
        ("boss@example.com", True),
        ("a@example.com", False),
        ("a@sub.shop.example", False),
        ("a@evil-shop.example", False),
        ('"a@shop.example"@evil.example', False),
        ("", True),
    ],
)
def test_sender_rules(address, is_allowed):
    rules = ("@shop.example", "Boss@example.com", "<>")
    assert KnownApplication("shop", Mode.RELAY, senders=rules).may_send_as(address) == is_allowed


def test_without_rules_any_sender_is_allowed_and_with_them_the_null_sender_needs_one():
    assert KnownApplication("shop", Mode.RELAY).may_send_as("")
    assert not KnownApplication("shop", Mode.RELAY, senders=("@shop.example",)).may_send_as("")
