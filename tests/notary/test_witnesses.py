"""Witnesses over real HTTP: they cosign what continues, asked from where they are, and find a log that went back."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from relay.archive.api import Archive
from relay.config import Ledger
from relay.config.ledger import Witness
from relay.ledger.note import KeyType, Signer, Verifier, open_note
from relay.ledger.policy import accept
from relay.ledger.tiles import TILE_WIDTH
from relay.ledger.tree import Frontier, append, root
from relay.ledger.witness import Seen, decide
from relay.notary.notary import Notary
from relay.notary.problem import LogProblem
from relay.notary.serving import Shown
from tests.notary.test_sealing import HOST, grow, latest_size
from tests.support.archive_values import NOON, new_id
from tests.support.fresh import open_archive
from tests.support.waiting import until


@dataclass
class Place:
    """A witness that listens. `asked`: old sizes it was asked from."""

    signer: Signer
    log: list[Verifier] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)
    asked: list[str] = field(default_factory=list)
    is_out_of_order: bool = False
    url: str = ""

    async def add_checkpoint(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        self.asked.append(body.partition("\n")[0])
        if self.is_out_of_order:
            return web.Response(status=503, text="later\n")
        decision = decide(body, self.log, self.seen, self.signer, NOON // 1_000_000)
        self.seen = decision.seen or self.seen
        return web.Response(
            status=decision.status, body=decision.body.encode(), headers={"Content-Type": decision.content_type}
        )

    @property
    def table(self) -> Witness:
        name = self.signer.verifier.name.rpartition("/")[2]
        return Witness(name=name, key=self.signer.verifier.vkey, url=self.url)


@pytest.fixture
async def places() -> AsyncIterator[list[Place]]:
    made, runners = [], []
    for name in ("north", "south"):
        place = Place(Signer.from_seed(f"witness.example/{name}", name.encode().ljust(32), KeyType.COSIGNATURE))
        app = web.Application()
        app.router.add_post("/w/add-checkpoint", place.add_checkpoint)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        place.url = f"http://127.0.0.1:{runner.addresses[0][1]}/w/"
        made.append(place)
        runners.append(runner)
    yield made
    for runner in runners:
        await runner.cleanup()


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def witnessed(
    archive: Archive, folder: Path, places: list[Place], quorum: int = 2, clock: Clock | None = None
) -> Notary:
    table = Ledger(witness=tuple(place.table for place in places), quorum=quorum, public=True)
    return Notary(
        table, folder=folder, hostname=HOST, archive=archive, clock=clock or Clock(), new_id=new_id, look=0.01
    )


async def known(notary: Notary, places: list[Place]) -> None:
    for place in places:
        place.log[:] = (await notary.keys()).keys


def cosigners(notary: Notary, places: list[Place]) -> int:
    assert notary.latest is not None
    return len(open_note(notary.latest.note, [place.signer.verifier for place in places]).signatures)


async def body_of(shown: Shown, path: str) -> bytes:
    response = await shown.answer(path)
    assert response is not None
    assert isinstance(response.body, bytes)
    return response.body


async def test_a_checkpoint_is_cosigned_and_meets_the_policy(archive, folder, places):
    notary = witnessed(archive, folder, places)
    await known(notary, places)
    for _ in range(3):
        await grow(archive, 5)
        sealed = await notary.checkpoint()
        assert sealed == await archive.latest_checkpoint() == notary.shown()
    accepted = accept(sealed.note, (await notary.keys()).policy)
    assert [one.witness.name for one in accepted.witnessed] == ["north", "south"]
    sizes = [one.size for one in await archive.checkpoints()]
    assert places[0].asked == [f"old {size}" for size in (0, *sizes[:-1])]


async def test_a_witness_that_has_not_seen_what_we_remember_says_where_it_is(archive, folder, places):
    notary = witnessed(archive, folder, places)
    await known(notary, places)
    size = (await notary.checkpoint()).size
    places[0].seen = Seen()
    await grow(archive)
    sealed = await notary.checkpoint()
    assert len(open_note(sealed.note, [place.signer.verifier for place in places]).signatures) == 2
    assert places[0].asked[-2:] == [f"old {size}", "old 0"]


async def test_without_a_quorum_the_public_sees_the_one_before(archive, folder, places):
    clock = Clock()
    notary = witnessed(archive, folder, places, clock=clock)
    await known(notary, places)
    before = await notary.checkpoint()
    places[1].is_out_of_order = True
    await grow(archive)
    sealed = await notary.checkpoint()
    assert sealed.size > before.size
    assert notary.shown() == before
    restarted = witnessed(archive, folder, places, clock=clock)
    await restarted.checkpoint()
    assert restarted.shown() == before
    places[1].is_out_of_order = False
    assert (await notary.checkpoint()).size == sealed.size
    assert notary.shown() == await archive.latest_checkpoint()


async def test_a_witness_that_does_not_answer_is_asked_again_after_a_while(archive, folder, places):
    clock = Clock()
    notary = witnessed(archive, folder, places, quorum=1, clock=clock)
    await known(notary, places)
    places[0].is_out_of_order = True
    notary.start()
    await until(lambda: notary.shown() is not None)
    assert cosigners(notary, places) == 1
    places[0].is_out_of_order = False
    clock.at += 61 * 1_000_000
    await until(lambda: cosigners(notary, places) == 2)
    await notary.stop()
    assert notary.problem == ""


async def test_nobody_at_the_address_of_a_witness_stops_nothing(archive, folder, places):
    places[0].url = "http://127.0.0.1:1/"
    notary = witnessed(archive, folder, places, quorum=1)
    await known(notary, places)
    assert notary.shown() is None
    assert await notary.checkpoint() == notary.shown()


async def test_a_wrong_cosignature_is_not_kept(archive, folder, places):
    notary = witnessed(archive, folder, places, quorum=1)
    await known(notary, places)
    right = places[0].signer
    places[0].signer = Signer(right.verifier, Signer.from_seed("x", b"x" * 32).sign)

    sealed = await notary.checkpoint()
    assert right.verifier not in [
        one.verifier for one in open_note(sealed.note, [right.verifier, places[1].signer.verifier]).signatures
    ]


async def test_a_witness_finds_a_whole_folder_that_was_put_back(archive, folder, url, places, tmp_path):
    first = witnessed(archive, folder, places)
    await known(first, places)
    await first.checkpoint()
    await archive.close()
    shutil.copytree(folder, tmp_path / "older")
    later = await open_archive(url)
    await grow(later, 9)
    await witnessed(later, folder, places).checkpoint()
    await later.close()
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "older", folder)
    older = await open_archive(url)
    await grow(older)
    signed = await latest_size(older)
    with pytest.raises(LogProblem, match="the witness north has seen"):
        await witnessed(older, folder, places).checkpoint()
    assert await latest_size(older) == signed
    await older.close()


# -- what the public sees --------------------------------------------------------------------------------------------


async def test_tiles_and_entries_lead_to_the_root_of_the_checkpoint(archive, folder):
    notary = Notary(
        Ledger(public=True), folder=folder, hostname=HOST, archive=archive, clock=Clock(), new_id=new_id, look=0.01
    )
    shown = Shown(archive, notary.shown)
    assert await shown.answer("checkpoint") is None
    await grow(archive, 299)
    sealed = await notary.checkpoint()
    assert sealed.size == 300
    await grow(archive, 300)
    assert await body_of(shown, "checkpoint") == sealed.note.encode()
    hashes = await body_of(shown, "tile/0/000") + await body_of(shown, "tile/0/001.p/44")
    leaves = [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
    assert root(append(Frontier(), leaves)[0]) == await archive.ledger_root(300)
    assert await body_of(shown, "tile/1/000.p/1") == await archive.ledger_root(TILE_WIDTH)
    assert len(await body_of(shown, "tile/entries/001.p/44")) > 44 * 100
    for beyond in ("tile/0/001", "tile/0/001.p/45", "tile/entries/002.p/1", "tile/1/000", "tile/0/x001/000", "tile/9"):
        assert await shown.answer(beyond) is None
    notary.use(Ledger())
    assert await shown.answer("checkpoint") is None
