"""Every dialogue in tests/dialogues, played over a real socket against a real intake and archive."""

from __future__ import annotations

from hashlib import sha256
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from relay.config import Listener, TlsPolicy
from tests.support.certificate import write_certificate
from tests.support.dialogue import PLAYS, Dialogue, Player, facts, matches, read_dialogue
from tests.support.reception import SHOP, Reception, running_intake

FOLDER = Path(__file__).parents[1] / "dialogues"
CASES = [
    pytest.param(path, play, id=f"{path.stem}-{play}")
    for path in sorted(FOLDER.glob("*.txt"))
    for play in read_dialogue(path).plays
]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return write_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.mark.parametrize(("path", "play"), CASES)
async def test_the_dialogue_goes_as_written(path, play, tmp_path, certificate):
    assert play in PLAYS
    dialogue = read_dialogue(path)
    smtp = dict(setting.split("=", 1) for setting in dialogue.options.get("smtp", "").split())
    settings: dict[str, Any] = {key: int(value) for key, value in smtp.items()}
    applications = [SHOP] if "application" in dialogue.options else []
    async with running_intake(
        tmp_path, _listener(dialogue, certificate), applications=applications, **settings
    ) as reception:
        cuts = range(1, len(dialogue.said)) if play == "cuts" else [0]
        for cut in cuts:
            await Player(dialogue, reception.port, play, cut).run()
        await _check_kept(dialogue, reception, len(cuts))


def _listener(dialogue: Dialogue, certificate: tuple[Path, Path]) -> Listener:
    tls = TlsPolicy(dialogue.options.get("tls", "none"))
    chain, key = certificate if tls is not TlsPolicy.NONE else (None, None)
    return Listener(
        port=0,
        tls=tls,
        certificate=chain,
        certificate_key=key,
        require_auth="require_auth" in dialogue.options.get("listener", ""),
        proxy_from=(ip_network("127.0.0.1/32"),) if "client" in dialogue.options else (),
    )


async def _check_kept(dialogue: Dialogue, reception: Reception, times: int) -> None:
    kept = await reception.kept()
    assert len(kept) == len(dialogue.kept) * times
    for stated, stored in zip(dialogue.kept * times, kept, strict=True):
        content = await reception.archive.content(stored.message.id)
        assert sha256(content).digest() == stored.message.sha256
        found = facts(stored, content)
        for name, value in stated:
            assert matches(value, found[name]), f"{name}: {found[name]!r}, expected {value!r}"
