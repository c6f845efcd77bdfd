"""Words that begin so are kept while no other word comes: whatever is written, a search finds what is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.archive import vocabulary
from relay.archive.api import Archive
from relay.archive.content import stored
from relay.archive.query import parse_query
from relay.archive.vocabulary import Vocabulary
from relay.model.delivery import State
from relay.model.summary import Summary
from tests.support.archive_values import CONTENT, NOON, a_message, deliveries_of, make_id
from tests.support.fresh import open_archive


async def keep(archive: Archive, number: int, text: str, recipient: str = "jane@example.com") -> None:
    message = a_message(number, content=stored(CONTENT), recipients=(recipient,))
    await archive.add_message(message, stored(CONTENT), deliveries_of(message, State.SENT), [])
    await archive.add_summaries([(message.id, Summary(subject="it", body_text=text))])


async def numbers(archive: Archive, text: str) -> list[int]:
    return [row.seq for row in (await archive.search(parse_query(text, now=NOON))).rows]


class Reader:
    """Says how often it was asked."""

    def __init__(self, *words: str) -> None:
        self.words, self.count = words, 0

    async def __call__(self) -> tuple[str, ...]:
        self.count += 1
        return self.words


async def asked(kept: Vocabulary, reader: Reader, start: str = "pay") -> None:
    assert await kept.get(start, kept.changes, reader) == reader.words


async def test_words_are_read_once_until_another_begins_so() -> None:
    kept, reader = Vocabulary(), Reader("pay", "payment")
    await asked(kept, reader)
    kept.heard({"payment", "other", "p"})
    await asked(kept, reader)
    assert reader.count == 1
    kept.heard({"payments"})
    await asked(kept, reader)
    assert reader.count == 2
    assert kept.is_used
    kept.changed()
    assert not kept.is_used
    await asked(kept, reader)
    assert reader.count == 3


async def test_what_was_read_while_words_were_written_is_not_kept() -> None:
    kept, reader = Vocabulary(), Reader("pay")
    before = kept.changes
    kept.heard({"payment"})
    assert await kept.get("pay", before, reader) == ("pay",)
    await asked(kept, reader)
    assert reader.count == 2


async def test_words_are_kept_for_a_while_and_not_more_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, reader = Vocabulary(), Reader("pay")
    monkeypatch.setattr(vocabulary, "KEPT", 2)
    for start in ("pay", "paym", "payme", "pay"):
        await asked(kept, reader, start)
    assert reader.count == 4
    monkeypatch.setattr(vocabulary, "KEPT_FOR", -1.0)
    await asked(kept, reader)
    assert reader.count == 5


async def test_a_word_that_was_just_indexed_is_found_by_its_beginning(archive: Archive) -> None:
    await keep(archive, 1, "invoice")
    assert await numbers(archive, "body:invoi") == [1]
    await keep(archive, 2, "invoices, \u00dcBER invoic\u00e9d_invoiling")
    assert await numbers(archive, "body:invoi") == [2, 1]
    assert await numbers(archive, "body:invoil") == [2]
    await keep(archive, 3, "invoilated")
    assert await numbers(archive, "body:invoil") == [3, 2]


async def test_a_recipient_who_was_just_added_is_found_by_the_beginning(archive: Archive) -> None:
    await keep(archive, 1, "it", "anne@example.com")
    assert await numbers(archive, "recipient:anne") == [1]
    await keep(archive, 2, "it")
    (made,) = deliveries_of(a_message(2, recipients=("annette@example.com",)))
    delivery = replace(made, id=make_id(2, 77))
    await archive.add_deliveries([delivery], [])
    assert await numbers(archive, "recipient:anne") == [2, 1]


async def test_who_reads_beside_the_writer_finds_new_words_too(archive: Archive, url: str) -> None:
    await keep(archive, 1, "invoice")
    beside = await open_archive(url, read_only=True)
    assert await numbers(beside, "body:invoi") == [1]
    await keep(archive, 2, "invoices")
    assert await numbers(beside, "body:invoi") == [2, 1]
    await beside.close()
