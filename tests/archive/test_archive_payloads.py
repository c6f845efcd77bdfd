"""Payloads in the archive: kept once, as they came, for ever."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from relay.archive.api import NotFound
from relay.archive.api.report import Keeping
from relay.archive.sums import prepare
from tests.support.archive_reports import (
    NO_RULES,
    a_payload,
    a_report,
    reported,
    sent,
)
from tests.support.archive_values import (
    new_id,
)
from tests.support.fresh import open_archive


# -- payloads ------------------------------------------------------------------------------------------------
async def test_a_payload_comes_back_as_it_came(archive):
    payload = a_payload(return_token="abc", nonce="n")
    assert await archive.add_payload(payload) is Keeping.NEW
    assert await archive.payload(payload.id) == payload
    with pytest.raises(NotFound):
        await archive.payload("nothing")


async def test_the_same_write_again_changes_nothing(archive):
    payload = a_payload()
    assert await archive.add_payload(payload) is Keeping.NEW
    assert await archive.add_payload(payload) is Keeping.NEW
    assert len(await archive.unmapped(10)) == 1


async def test_the_same_octets_from_the_same_source_are_kept_once(archive):
    await archive.add_payload(a_payload(1, body=b"x"))
    assert await archive.add_payload(a_payload(2, body=b"x")) is Keeping.KNOWN
    assert await archive.add_payload(a_payload(3, body=b"x", source="webhook:other")) is Keeping.NEW
    assert await archive.add_payload(a_payload(4, body=b"x", return_token="t")) is Keeping.NEW


async def test_other_octets_with_a_nonce_that_was_used_are_not_kept(archive):
    await archive.add_payload(a_payload(1, nonce="once"))
    assert await archive.add_payload(a_payload(2, nonce="once")) is Keeping.SPENT
    assert await archive.add_payload(a_payload(3, nonce="once", source="webhook:other")) is Keeping.NEW
    assert await archive.add_payload(a_payload(1, nonce="once", id=new_id())) is Keeping.KNOWN
    assert len(await archive.unmapped(10)) == 2


async def test_payloads_stay_unmapped_until_their_reports_are_kept(archive):
    payloads = [a_payload(number) for number in (1, 2, 3)]
    for payload in payloads:
        await archive.add_payload(payload)
    assert await archive.unmapped(2) == payloads[:2]
    assert await archive.unmapped(10, after=payloads[0].id) == payloads[1:]
    await archive.add_reports(payloads[0].id, [], NO_RULES)
    await archive.mapping_failed(payloads[1].id, "not understood")
    assert await archive.unmapped(10) == payloads[2:]
    assert await archive.unmapped(10, has_problem=True) == [payloads[1]]
    await archive.add_reports(payloads[1].id, [], NO_RULES)
    assert await archive.unmapped(10, has_problem=True) == []


async def test_reports_of_an_unknown_payload_are_refused(archive):
    with pytest.raises(NotFound):
        await archive.add_reports("nothing", [], NO_RULES)


async def test_payloads_and_reports_cannot_be_changed_or_taken_away(url: str):
    archive = await open_archive(url)
    await sent(archive, 1, provider_id="p")
    payload = a_payload()
    await reported(archive, payload, a_report(payload, provider_id="p"))
    await archive.close()
    database = sqlite3.connect(Path(urlsplit(url).path[1:]))
    prepare(database)
    for statement in (
        "DELETE FROM payload",
        "UPDATE payload SET body = x'00'",
        "UPDATE payload SET is_mapped = 0",
        "DELETE FROM report",
        "UPDATE report SET kind = 'bounced'",
        "UPDATE report SET delivery_id = NULL",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="facts are only added"):
            database.execute(statement)
    database.close()
