from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from relay.archive.content import stored
from relay.archive.query import parse_query
from relay.model.summary import Summary
from tests.support.archive_values import NOON, a_message, deliveries_of
from tests.support.fresh import open_archive
from tests.support.prompt import Prompt
from tests.support.server import RunningServer

LETTER = b"Subject: Invoice INV-4711\r\nFrom: ann@example.com\r\n\r\nThank you.\r\n"
REFERENCE = "\n[[reference]]\nname = 'invoice'\npattern = 'INV-\\d+'\n"


async def keep(folder: Path, count: int) -> None:
    """Messages that were read before there was a pattern for their codes."""
    archive = await open_archive(f"sqlite:///{folder / 'archive.db'}")
    for number in range(1, count + 1):
        content = stored(LETTER)
        message = a_message(number, content=content)
        await archive.add_message(message, content, deliveries_of(message), [])
        await archive.add_summaries([(message.id, Summary(subject="as it was"))])
    await archive.close()


async def found(folder: Path, text: str) -> int:
    archive = await open_archive(f"sqlite:///{folder / 'archive.db'}", read_only=True)
    count = await archive.count(parse_query(text, now=NOON))
    await archive.close()
    return count


def reindex(config: Path, *arguments: str) -> str:
    return Prompt(config)("reindex", *arguments)


@pytest.mark.parametrize("is_running", [True, False])
def test_old_messages_get_what_a_new_configuration_finds_in_them(tmp_path: Path, is_running: bool) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    asyncio.run(keep(folder, 60))
    assert asyncio.run(found(folder, "ref:INV-4711")) == 0
    with RunningServer(tmp_path, "\n[delivery]\nmode = 'capture'\n" + REFERENCE) as server:
        config = server.config_file
        said = reindex(config) if is_running else ""
    said = said or reindex(config)
    assert said == "60 messages were read again.\n"
    assert asyncio.run(found(folder, "ref:INV-4711")) == 60
    assert asyncio.run(found(folder, '"as it was"')) == 0


def test_without_a_message_there_is_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f"[archive]\npath = '{tmp_path}/data'\n")
    assert reindex(tmp_path / "config.toml") == "0 messages were read again.\n"
