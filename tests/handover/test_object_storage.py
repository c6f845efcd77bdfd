"""Exports carried to object storage: a server that speaks S3, on a real socket."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relay.archive.api import Archive
from relay.config.handover import Export
from relay.handover.checking import verify_export
from relay.handover.store import StoreError, carry
from relay.handover.timetable import standings
from tests.support.archive_values import NOON, SECOND, new_id
from tests.support.notarised import keep
from tests.support.offers import timetable

server = pytest.importorskip("moto.server")
stores = pytest.importorskip("obstore.store")


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket() -> str:
    """The server keeps its buckets for all tests of a process."""
    return f"exports-{new_id().lower()}"


def make_bucket(endpoint: str, bucket: str) -> Any:
    request = urllib.request.Request(f"{endpoint}/{bucket}", method="PUT")
    urllib.request.urlopen(request, timeout=10).close()
    options = {"allow_http": True}
    return stores.S3Store(bucket, endpoint=endpoint, region="us-east-1", client_options=options)


def fetched(store: Any, folder: Path) -> Path:
    for page in store.list():
        for one in page:
            path = folder / one["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(store.get(one["path"]).bytes()))
    (export,) = (folder / "mail").iterdir()
    return export


@pytest.mark.parametrize("form", ["zip", "eml"])
async def test_what_arrives_holds_and_nothing_stays_here(
    archive: Archive, endpoint: str, bucket: str, tmp_path: Path, form: str
) -> None:
    store = make_bucket(endpoint, bucket)
    await keep(archive, 1)
    one = Export.model_validate({"name": "a", "to": f"s3://{bucket}/mail", "endpoint": endpoint, "format": form})
    standing = await timetable(archive, one, tmp_path / "outgoing").run(one)
    assert standing.error == ""
    assert verify_export(fetched(store, tmp_path / "fetched")).is_sound
    assert not list((tmp_path / "outgoing").iterdir())


async def test_what_the_bucket_did_not_take_is_carried_again(
    archive: Archive, endpoint: str, bucket: str, tmp_path: Path
) -> None:
    await keep(archive, 1)
    one = Export.model_validate({"name": "a", "to": f"s3://{bucket}/mail", "endpoint": endpoint})
    first = await timetable(archive, one, tmp_path / "outgoing").run(one)
    assert bucket in first.error
    assert Path(first.folder).exists()
    store = make_bucket(endpoint, bucket)
    await timetable(archive, one, tmp_path / "outgoing", NOON + 3600 * SECOND).run_due()
    standing = (await standings(archive))["a"]
    assert (standing.error, standing.folder) == ("", "")
    export = fetched(store, tmp_path / "fetched")
    assert export.name == Path(first.folder).name
    assert verify_export(export).is_sound


async def test_a_bucket_that_cannot_be_reached_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    (tmp_path / "manifest.note").write_text("x")
    with pytest.raises(StoreError, match="s3://exports"):
        await carry(tmp_path, "s3://exports", "https://127.0.0.1:1", "")
