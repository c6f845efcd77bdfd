"""Key files: read by their owner alone, and said in words where they cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.config import Config, Dkim, DkimKey
from relay.rendition.canonical import Canonical
from relay.signing_keys import KeyFileError, load_key, load_signer
from tests.support.signatures import ed25519_key, pem, rsa_key


def written(path: Path, text: bytes, mode: int = 0o600) -> DkimKey:
    path.write_bytes(text)
    path.chmod(mode)
    return DkimKey(domain="example.com", selector=path.stem, file=path)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_for_its_owner_alone_is_read(tmp_path: Path, mode: int) -> None:
    assert load_key(written(tmp_path / "r1.pem", pem(rsa_key()), mode)).public_key == rsa_key().public_key


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        (pem(ed25519_key()), 0o640, "may be read by others (mode 0640), expected mode 0600"),
        (pem(ed25519_key()), 0o604, "may be read by others (mode 0604), expected mode 0600"),
        (b"no key", 0o600, "cannot be used: not a private key in PEM form"),
    ],
    ids=["group may read", "others may read", "no key"],
)
def test_what_is_wrong_with_a_key_file_is_said(tmp_path: Path, text: bytes, mode: int, why: str) -> None:
    with pytest.raises(KeyFileError) as failure:
        load_key(written(tmp_path / "s1.pem", text, mode))
    assert str(failure.value) == why


def test_a_key_file_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be read: No such file or directory"):
        load_key(DkimKey(domain="example.com", selector="s1", file=tmp_path / "missing.pem"))


def test_only_active_keys_sign_and_as_configured(tmp_path: Path) -> None:
    first = written(tmp_path / "r1.pem", pem(rsa_key()))
    second = written(tmp_path / "e1.pem", pem(ed25519_key())).model_copy(update={"active": False})
    table = Dkim(body="simple", left_out=("Message-ID",), key=(first, second))
    signer = load_signer(Config(dkim=table))
    assert [key.selector for key in signer.keyring.for_domain("example.com")] == ["r1"]
    assert (signer.manner.header, signer.manner.body) == (Canonical.RELAXED, Canonical.SIMPLE)
    assert signer.manner.left_out == {"message-id"}
