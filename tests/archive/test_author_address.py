from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import make_url

from relay.archive.content import stored
from relay.archive.index import author_address
from relay.archive.migrations.versions import v0009
from relay.archive.sums import prepare
from relay.model.summary import Addressee, Summary
from tests.support.archive_values import CONTENT, a_message, deliveries_of


@pytest.mark.parametrize(
    ("senders", "expected"),
    [
        ((), ""),
        ((Addressee("Ann", "Ann@Shop.Example"),), "ann@shop.example"),
        ((Addressee("no address", ""), Addressee("", "b@example.com")), "b@example.com"),
        ((Addressee("", "a@example.com"), Addressee("", "b@example.com")), "a@example.com"),
    ],
)
def test_the_author_is_the_address_of_the_first_mailbox_in_from(senders, expected):
    assert author_address(Summary(senders=senders)) == expected


async def test_the_indexer_writes_the_author_down(archive, url):
    content = stored(CONTENT)
    message = a_message(1, content=content)
    await archive.add_message(message, content, deliveries_of(message), [])
    await archive.add_summaries([(message.id, Summary(senders=(Addressee("Ann", "ANN@shop.example"),)))])
    database = sqlite3.connect(make_url(url).database or "")
    assert database.execute("SELECT author FROM listing").fetchall() == [("ann@shop.example",)]
    database.close()


async def test_messages_from_before_are_read_again(archive, url):
    content = stored(CONTENT)
    message = a_message(1, content=content)
    await archive.add_message(message, content, deliveries_of(message), [])
    await archive.add_summaries([(message.id, Summary())])
    await archive.close()
    database = sqlite3.connect(make_url(url).database or "")
    prepare(database)
    again = next(statement for statement in v0009.STATEMENTS if statement.startswith("INSERT INTO index_queue"))
    for _ in range(2):
        database.execute(again)
    assert database.execute("SELECT seq FROM index_queue").fetchall() == [(1,)]
    database.close()
