from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

import relay.archive.migrations
from relay.archive import open_archive, schema
from relay.archive.api import ArchiveError
from relay.archive.content import stored
from relay.archive.database import address, check_version, open_writer
from relay.archive.migrations.run import HEAD
from relay.archive.query import Query
from tests.support.archive_values import CONTENT, a_message, an_event, captured_event, deliveries_of


def path_of(url: str) -> Path:
    return Path(urlsplit(url).path[1:])


@pytest.mark.parametrize(
    "url",
    ["postgresql://localhost/x", "sqlite:", "sqlite://host/x", "sqlite:///", "/var/lib/x.db", "sqlite:///a.db?mode=ro"],
)
async def test_other_urls_are_refused_with_the_form_that_is_expected(url: str):
    with pytest.raises(ArchiveError, match=r"expected sqlite:///path"):
        await open_archive(url)


async def test_folder_and_files_are_the_owners_alone(url: str):
    archive = await open_archive(url)
    message = a_message(1)
    await archive.add_message(message, stored(CONTENT), deliveries_of(message), [captured_event(message)])
    path = path_of(url)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    await archive.close()
    assert {"archive.db", "archive.db-wal", "archive.db-shm", "archive.lock"} <= modes.keys()
    assert set(modes.values()) == {0o600}


async def test_a_second_writer_is_refused_with_the_name_of_the_file(url: str):
    archive = await open_archive(url)
    with pytest.raises(ArchiveError, match=r"another process is writing to .*archive\.db"):
        await open_archive(url)
    await archive.close()
    await (await open_archive(url)).close()


async def test_another_process_is_refused_too(url: str):
    archive = await open_archive(url)
    code = f"import asyncio; from relay.archive import open_archive; asyncio.run(open_archive({url!r}))"
    root = Path(__file__).parents[2]
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=60)
    await archive.close()
    assert "another process is writing" in result.stderr


async def test_the_writing_connection_syncs_every_commit(url: str):
    await (await open_archive(url)).close()
    database = open_writer(path_of(url))
    pragmas = {
        name: database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint", "mmap_size")
    }
    database.close()
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "wal_autocheckpoint": 0,
        "mmap_size": 0,
    }


async def test_readers_cannot_write_or_checkpoint(archive, url: str):
    async with archive._reader() as connection:
        assert await connection.scalar(text("PRAGMA query_only")) == 1
        assert await connection.scalar(text("PRAGMA wal_autocheckpoint")) == 0
    database = sqlite3.connect(address(path_of(url), "ro"), uri=True)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        database.execute("DELETE FROM application")
    database.close()


async def test_closing_empties_the_wal(url: str):
    archive = await open_archive(url)
    await archive.put_setting("a", 1)
    await archive.close()
    wal = path_of(url).with_name("archive.db-wal")
    assert not wal.exists() or wal.stat().st_size == 0
    await archive.close()


async def test_after_closing_every_method_raises(url: str):
    archive = await open_archive(url)
    await archive.close()
    with pytest.raises(ArchiveError):
        await archive.put_setting("a", 1)
    with pytest.raises(ArchiveError):
        await archive.search(Query())


async def test_an_archive_opens_for_reading_beside_its_writer(url: str):
    archive = await open_archive(url)
    reader = await open_archive(url, read_only=True)
    message = a_message(1)
    await archive.add_message(message, stored(CONTENT), deliveries_of(message), [captured_event(message)])
    assert await reader.content(message.id) == CONTENT
    assert not (await reader.health()).is_writable
    with pytest.raises(ArchiveError, match="reading only"):
        await reader.add_events([an_event(1)])
    await reader.close()
    await archive.close()


async def test_an_archive_opens_for_reading_when_no_server_runs(url: str):
    archive = await open_archive(url)
    await archive.put_setting("a", 1)
    await archive.close()
    reader = await open_archive(url, read_only=True)
    assert await reader.setting("a") == 1
    await reader.close()


async def test_reading_what_is_not_there_or_not_an_archive_is_an_error(url: str, tmp_path: Path):
    with pytest.raises(ArchiveError, match="cannot read"):
        await open_archive(url, read_only=True)
    other = tmp_path / "other.db"
    other.write_bytes(b"this is not a database, it is a text of more than a hundred octets" * 20)
    with pytest.raises(ArchiveError, match="cannot read"):
        await open_archive(f"sqlite:///{other}", read_only=True)
    with pytest.raises(ArchiveError, match="cannot open"):
        await open_archive(f"sqlite:///{other}")


async def test_reading_an_older_schema_says_what_to_do(tmp_path: Path):
    path = tmp_path / "old.db"
    sqlite3.connect(path).close()
    with pytest.raises(ArchiveError, match="start the server once"):
        await open_archive(f"sqlite:///{path}", read_only=True)


async def test_a_newer_schema_is_refused(url: str):
    await (await open_archive(url)).close()
    database = sqlite3.connect(path_of(url))
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.commit()
    database.close()
    with pytest.raises(ArchiveError, match="9999"):
        await open_archive(url)


async def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ArchiveError, match="cannot open the archive"):
        await open_archive(f"sqlite:///{tmp_path}/file/archive.db")


async def test_migrations_make_the_tables_that_the_schema_describes(url: str):
    await (await open_archive(url)).close()
    engine = create_engine(f"sqlite:///{path_of(url)}")
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _: kind != "table" or "full_text" not in name}
        )
        differences = compare_metadata(context, schema.metadata)
    engine.dispose()
    assert differences == []


def test_head_is_the_newest_revision_in_the_folder():
    config = Config()
    config.set_main_option("script_location", str(Path(relay.archive.migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_this_sqlite_is_new_enough():
    check_version()
