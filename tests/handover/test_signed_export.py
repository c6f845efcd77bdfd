"""`mailwitness export --query`, beside a running server: split, checked, tampered with, cut off and gone on with."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.offers import LETTER, send_offers
from tests.support.prompt import Prompt
from tests.support.server import RunningServer

LONG = LETTER % 9 + b"0123456789" * 20_000 + b"\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("server")) as running:
        prompt = send_offers(running, *(LETTER % number for number in range(9)), LONG)
        prompt("user", "add", "bea", "--password-stdin", typed="long enough a password\n")
        yield running


@pytest.fixture
def prompt(server: RunningServer) -> Prompt:
    return Prompt(server.config_file)


def exported(prompt: Prompt, folder: Path, form: str, *more: str) -> Path:
    prompt("export", "--query", "subject:offer", "-o", str(folder), "--format", form, *more)
    return folder


def verified(prompt: Prompt, path: Path, *more: str, code: int = 0) -> str:
    return prompt("verify", str(path), *more, code=code)


def lines(folder: Path, volume: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / f"{volume}.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("form", ["eml", "mbox", "zip"])
def test_an_export_holds_with_the_key_from_elsewhere(prompt: Prompt, tmp_path: Path, form: str) -> None:
    folder = exported(prompt, tmp_path / "out", form, "--split", "300")
    text = verified(prompt, folder, "--key", prompt("ledger", "key").strip())
    assert "DOES NOT HOLD" not in text
    assert "Cannot be known" not in text
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["count"], manifest["query"], manifest["form"]) == (10, "subject:offer", form)
    assert len(manifest["volumes"]) > 2
    told = [line for one in manifest["volumes"] for line in lines(folder, one["name"])]
    assert [line["subject"] for line in told] == [*(f"offer {n}" for n in range(9)), "offer 9"]
    assert told[0]["sha256"] == hashlib.sha256(LETTER % 0).hexdigest()
    assert all(isinstance(line["leaf"], int) for line in told)
    custody = (folder / "custody.txt").read_text()
    assert manifest["made_by"] in custody
    assert "subject:offer" in custody
    assert not (folder / "unfinished.json").exists()


def test_contents_are_octet_for_octet(prompt: Prompt, tmp_path: Path) -> None:
    folder = exported(prompt, tmp_path / "out", "eml")
    assert (folder / "0001/000001.eml").read_bytes() == LETTER % 0
    assert (folder / "0001/000010.eml").read_bytes() == LONG


def test_that_it_was_made_is_recorded_before_and_after_it(
    server: RunningServer, prompt: Prompt, tmp_path: Path
) -> None:
    folder = exported(prompt, tmp_path / "out", "mbox")
    digest = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    bundle = tmp_path / "events.txt"
    bundle.write_text(prompt("verify", "--archive"))
    assert "WRONG" not in bundle.read_text()
    from tests.support.keeping import opened

    with opened(server.archive_path / "archive.db") as connection:
        rows = connection.execute("SELECT data FROM event WHERE kind = 'exported' ORDER BY seq DESC LIMIT 2").fetchall()
    after, before = (json.loads(data) for (data,) in rows)
    assert (after["manifest"], after["export"]) == (digest, before["export"])
    assert before["count"] == 10


def _flip(path: Path, at: int) -> None:
    octets = bytearray(path.read_bytes())
    octets[at] ^= 1
    path.write_bytes(octets)


@pytest.mark.parametrize("form", ["eml", "mbox", "zip"])
def test_any_flipped_bit_is_found_and_every_file_is_missed(prompt: Prompt, tmp_path: Path, form: str) -> None:
    folder = exported(prompt, tmp_path / "out", form, "--split", "300")
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            for at in (0, path.stat().st_size // 2, path.stat().st_size - 1):
                spoilt = shutil.copytree(folder, tmp_path / "spoilt")
                _flip(spoilt / path.relative_to(folder), at)
                assert "DOES NOT HOLD" in verified(prompt, spoilt, code=65), (path, at)
                shutil.rmtree(spoilt)
            spoilt = shutil.copytree(folder, tmp_path / "spoilt")
            (spoilt / path.relative_to(folder)).unlink()
            verified(prompt, spoilt, code=65)
            shutil.rmtree(spoilt)
    (folder / "0001.txt").write_text("put in later")
    assert "0001.txt: It is there" in verified(prompt, folder, code=65)


def test_another_key_does_not_do(prompt: Prompt, tmp_path: Path) -> None:
    folder = exported(prompt, tmp_path / "out", "mbox")
    from relay.ledger.note import Signer

    name = prompt("ledger", "key").partition("+")[0]
    text = verified(prompt, folder, "--key", Signer.from_seed(name, bytes(32)).verifier.vkey, code=65)
    assert "not signed by any key that is known" in text
    assert "Whether this is the key of the log" in verified(prompt, folder)


def test_a_zip_file_of_the_folder_is_checked_too(prompt: Prompt, tmp_path: Path) -> None:
    folder = exported(prompt, tmp_path / "out", "zip")
    packed = tmp_path / "export.zip"
    with zipfile.ZipFile(packed, "w") as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, path.relative_to(folder))
    verified(prompt, packed)
    with zipfile.ZipFile(packed, "a") as file:
        file.writestr("more.txt", "x")
    assert "more.txt" in verified(prompt, packed, code=65)


def _cut_off(folder: Path, kept: int) -> None:
    """As a kill leaves it behind the first volumes: the rest half written, nothing signed."""
    manifest = json.loads((folder / "manifest.json").read_text())
    wanted = {name: manifest[name] for name in ("id", "query", "form", "made_by", "made_at", "until", "since", "split")}
    volumes = []
    for one in manifest["volumes"][:kept]:
        rows = lines(folder, one["name"])
        files = {
            name: [told["sha256"], told["size"]]
            for name, told in manifest["files"].items()
            if name.startswith(f"{one['name']}.")
        }
        assert rows
        volumes.append(
            {**one, "last": manifest["since"] + sum(v["messages"] for v in manifest["volumes"][:kept]), "files": files}
        )
    (folder / "unfinished.json").write_text(json.dumps({"wanted": {**wanted, "schedule": ""}, "volumes": volumes}))
    for name in ("manifest.json", "manifest.note", "custody.txt", "log.vkey"):
        (folder / name).unlink()


@pytest.mark.parametrize("form", ["eml", "mbox", "zip"])
def test_one_that_was_cut_off_is_gone_on_with(prompt: Prompt, tmp_path: Path, form: str) -> None:
    folder = exported(prompt, tmp_path / "out", form, "--split", "300")
    before = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("0*") if path.is_file()}
    _cut_off(folder, 2)
    third = next(
        path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0][:4] == "0003"
    )
    third.write_bytes(b"half")
    first = folder / "0001.csv"
    inode = first.stat().st_ino
    prompt("export", "--resume", "-o", str(folder))
    verified(prompt, folder)
    after = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("0*") if path.is_file()}
    assert after == before
    assert first.stat().st_ino == inode


def test_a_finished_volume_that_was_changed_is_not_gone_on_with(prompt: Prompt, tmp_path: Path) -> None:
    folder = exported(prompt, tmp_path / "out", "eml", "--split", "300")
    _cut_off(folder, 2)
    (folder / "0001/000001.eml").write_bytes(b"forged")
    assert "not the content" in prompt("export", "--resume", "-o", str(folder), code=65)


def test_what_makes_no_sense_is_refused(prompt: Prompt, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("x")
    assert "not empty" in prompt("export", "--query", "", "-o", str(tmp_path), code=65)
    out = str(tmp_path / "out")
    assert "one of eml, mbox, zip" in prompt("export", "--query", "", "-o", out, "--format", "csv", code=64)
    assert "expected a size" in prompt("export", "--query", "", "-o", out, "--split", "0", code=64)
    assert "either a search" in prompt("export", "-o", out, code=64)
    assert "either a search" in prompt("export", "x", "--query", "y", "-o", out, code=64)
    assert "no export was cut off" in prompt("export", "--resume", "-o", str(tmp_path), code=65)


def test_nothing_found_is_an_export_too(prompt: Prompt, tmp_path: Path) -> None:
    prompt("export", "--query", "subject:nothing", "-o", str(tmp_path / "out"))
    assert "0 messages" in verified(prompt, tmp_path / "out")
