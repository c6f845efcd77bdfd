from __future__ import annotations

import pytest

from relay.archive.content import stored
from relay.archive.scoped import ScopedArchive
from relay.model.access import Scope, Share
from relay.model.summary import Addressee, Reference, Summary
from tests.support.archive_values import CONTENT, a_message, deliveries_of


async def keep(archive, number: int, application: str, recipient: str, code: str) -> None:
    content = stored(CONTENT)
    message = a_message(number, content=content, application=application, recipients=(recipient,), tags=("Billing",))
    await archive.add_message(message, content, deliveries_of(message), [])
    author = Addressee("", f"{application}@example.com")
    await archive.add_summaries([(message.id, Summary(senders=(author,), references=(Reference("code", code),)))])


@pytest.fixture
async def three(archive):
    await keep(archive, 1, "shop", "ann@example.org", "INV-1")
    await keep(archive, 2, "shop", "anton@example.org", "INV-2")
    await keep(archive, 3, "crm", "anna@example.org", "EST-3")
    return archive


@pytest.mark.parametrize(
    ("field", "start", "expected"),
    [
        ("recipient", "AN", ["ann@example.org", "anna@example.org", "anton@example.org"]),
        ("recipient", "anna", ["anna@example.org"]),
        ("recipient", "x", []),
        ("ref", "inv", ["inv-1", "inv-2"]),
        ("tag", "b", ["billing"]),
        ("application", "", ["crm", "shop"]),
        ("from", "", ["crm@example.com", "shop@example.com"]),
    ],
)
async def test_values_that_begin_so_are_found_once_each(three, field: str, start: str, expected: list[str]):
    assert await three.values(field, start) == expected


async def test_no_more_than_asked_for_are_given(three):
    assert await three.values("recipient", "an", most=2) == ["ann@example.org", "anna@example.org"]


async def test_a_field_without_an_index_has_no_values(three):
    with pytest.raises(KeyError):
        await three.values("body", "a")


async def test_within_a_scope_only_its_values_are_told(three):
    scoped = ScopedArchive(three, Scope((Share(applications=("crm",)),)))
    assert await scoped.values("recipient", "an") == ["anna@example.org"]
    assert await scoped.values("ref", "") == ["est-3"]
    assert await scoped.values("application", "") == ["crm"]
