"""Time stamps from an authority that is OpenSSL's own: asked over HTTP, checked, kept, and asked again when due."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from relay.archive.api import Archive
from relay.config import Ledger
from relay.config.ledger import Authority
from relay.ledger.stamp import check_stamp
from relay.notary.notary import Notary
from relay.notary.stamping import Stamping
from tests.notary.test_sealing import HOST, grow
from tests.support.archive_values import NOON, new_id

SETTINGS = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class Stamps:
    """An authority that listens: its root, its certificate from it, and a revocation list."""

    folder: Path
    asked: int = 0
    status: int = 200
    answers: Any = None
    """Instead of a new one."""
    logins: list[str | None] = field(default_factory=list)
    url: str = ""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def certify(self) -> None:
        root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self.folder.mkdir(parents=True, exist_ok=True)
        now = datetime.now(UTC)

        def builder(subject: str, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
            made = x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name("Root"))
            made = made.public_key(public).serial_number(x509.random_serial_number())
            return made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=9))

        root = builder("Root", root_key.public_key()).add_extension(x509.BasicConstraints(True, None), critical=True)
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        place = x509.DistributionPoint([x509.UniformResourceIdentifier(f"{self.url}/crl")], None, None, None)
        leaf = builder("Stamps", key.public_key()).add_extension(usage, critical=True)
        leaf = leaf.add_extension(x509.CRLDistributionPoints([place]), critical=False)
        leaf = leaf.add_extension(
            x509.KeyUsage(True, False, False, False, False, False, False, False, False), critical=True
        )
        crl = x509.CertificateRevocationListBuilder().issuer_name(_name("Root")).last_update(now)
        crl = crl.next_update(now + timedelta(days=9))
        self.crl = crl.sign(root_key, hashes.SHA256()).public_bytes(Encoding.DER)
        (self.folder / "root.pem").write_bytes(root.sign(root_key, hashes.SHA256()).public_bytes(Encoding.PEM))
        (self.folder / "cert.pem").write_bytes(leaf.sign(root_key, hashes.SHA256()).public_bytes(Encoding.PEM))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / "key.pem").write_bytes(pem)
        (self.folder / "serial").write_text("01\n")
        (self.folder / "tsa.cnf").write_text(SETTINGS.format(folder=self.folder))

    async def stamp(self, request: web.Request) -> web.Response:
        self.asked += 1
        self.logins.append(request.headers.get("Authorization"))
        assert request.content_type == "application/timestamp-query"
        query = f"query-{self.asked}.tsq"
        (self.folder / query).write_bytes(await request.read())
        body = self.answers or await self._reply_alone(query)
        return web.Response(status=self.status, body=body, content_type="application/timestamp-reply")

    async def _reply_alone(self, query: str) -> bytes:
        async with self.turn:
            return await asyncio.to_thread(self._reply, query)

    def _reply(self, query: str) -> bytes:
        command = ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", query, "-inkey", "key.pem"]
        done = subprocess.run(
            [*command, "-signer", "cert.pem", "-out", f"{query}.reply"], cwd=self.folder, capture_output=True
        )
        assert done.returncode == 0, done.stderr
        return (self.folder / f"{query}.reply").read_bytes()

    async def revoked(self, request: web.Request) -> web.Response:
        return web.Response(body=self.crl)

    def table(self, name: str = "one", **more: Any) -> Authority:
        return Authority(name=name, url=f"{self.url}/tsr", roots=self.folder / "root.pem", **more)


@pytest.fixture
async def stamps(tmp_path: Path) -> AsyncIterator[Stamps]:
    place = Stamps(tmp_path / "authority")
    app = web.Application()
    app.router.add_post("/tsr", place.stamp)
    app.router.add_get("/crl", place.revoked)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    place.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    place.certify()
    yield place
    await runner.cleanup()


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def notary(archive: Archive, tmp_path: Path) -> Notary:
    return Notary(
        Ledger(), folder=tmp_path / "data", hostname=HOST, archive=archive, clock=lambda: NOON, new_id=new_id, look=0.01
    )


async def test_a_stamp_is_checked_and_kept_with_all_that_a_checker_needs(archive, notary, stamps):
    checkpoint = await notary.checkpoint()
    stamping = Stamping(Ledger(authority=(stamps.table(),)), archive=archive, clock=lambda: NOON)
    await stamping.stamp_due()
    (kept,) = await archive.stamps()
    assert (kept.size, kept.authority, kept.at, kept.note) == (checkpoint.size, "one", NOON, checkpoint.note)
    said = check_stamp(kept.response, hashlib.sha256(kept.note.encode()).digest(), kept.chain)
    assert said.authority == "CN=Stamps"
    assert kept.chain.startswith((stamps.folder / "root.pem").read_bytes())
    assert x509.load_der_x509_crl(stamps.crl).public_bytes(Encoding.PEM) in kept.chain
    assert await archive.latest_stamps() == [kept]


async def test_openssl_believes_what_was_kept(archive, notary, stamps, tmp_path):
    await notary.checkpoint()
    await Stamping(Ledger(authority=(stamps.table(),)), archive=archive, clock=lambda: NOON).stamp_due()
    (kept,) = await archive.stamps()
    (tmp_path / "note").write_text(kept.note)
    (tmp_path / "stamp.tsr").write_bytes(kept.response)
    command = ["openssl", "ts", "-verify", "-data", "note", "-in", "stamp.tsr", "-CAfile", stamps.folder / "root.pem"]
    done = await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, capture_output=True, text=True)
    assert "Verification: OK" in done.stdout + done.stderr


async def test_the_next_stamp_waits_for_its_time_and_for_something_new(archive, notary, stamps):
    await notary.checkpoint()
    clock = Clock()
    table = Ledger(authority=(stamps.table(), stamps.table("two", username="me", password="secret")), stamp_every=3600)
    stamping = Stamping(table, archive=archive, clock=clock)
    await stamping.stamp_due()
    await stamping.stamp_due()
    assert stamps.asked == 2
    assert set(stamps.logins) == {None, "Basic bWU6c2VjcmV0"}
    clock.at += 7200 * 1_000_000
    await stamping.stamp_due()
    assert stamps.asked == 2
    await grow(archive)
    checkpoint = await notary.checkpoint()
    await stamping.stamp_due()
    assert [(one.authority, one.size) for one in await archive.latest_stamps()] == [
        ("one", checkpoint.size),
        ("two", checkpoint.size),
    ]
    assert len(await archive.stamps()) == 4


async def test_a_stamp_that_the_roots_do_not_vouch_for_is_not_kept(archive, notary, stamps, tmp_path):
    await notary.checkpoint()
    other = Stamps(tmp_path / "other", url=stamps.url)
    other.certify()
    clock = Clock()
    stranger = stamps.table().model_copy(update={"roots": other.folder / "root.pem"})
    stamping = Stamping(Ledger(authority=(stranger,)), archive=archive, clock=clock)
    await stamping.stamp_due()
    assert await archive.stamps() == []
    await stamping.stamp_due()
    assert stamps.asked == 1, "an authority that gave no good answer is left alone for a while"
    clock.at += 301 * 1_000_000
    await stamping.stamp_due()
    assert stamps.asked == 2


async def test_an_answer_to_an_older_question_is_not_kept(archive, notary, stamps):
    await notary.checkpoint()
    table = Ledger(authority=(stamps.table(),), stamp_every=1)
    await Stamping(table, archive=archive, clock=lambda: NOON).stamp_due()
    (kept,) = await archive.stamps()
    stamps.answers = kept.response
    await grow(archive)
    await notary.checkpoint()
    await Stamping(table, archive=archive, clock=lambda: NOON + 10**7).stamp_due()
    assert stamps.asked == 2
    assert await archive.stamps() == [kept]


@pytest.mark.parametrize(("status", "body"), [(500, b"broken"), (200, b"<html>"), (200, b"\x30\x03\x02\x01\x02")])
async def test_what_is_no_stamp_is_not_kept(archive, notary, stamps, status, body):
    await notary.checkpoint()
    stamps.status, stamps.answers = status, body
    await Stamping(Ledger(authority=(stamps.table(),)), archive=archive, clock=lambda: NOON).stamp_due()
    assert stamps.asked == 1
    assert await archive.stamps() == []


async def test_an_authority_that_is_not_there_stops_nothing(archive, notary, stamps):
    gone = stamps.table("gone").model_copy(update={"url": "http://127.0.0.1:1/"})
    stamping = Stamping(Ledger(authority=(gone, stamps.table())), archive=archive, clock=lambda: NOON)
    await stamping.stamp_due()
    assert await archive.stamps() == []
    await notary.checkpoint()
    await stamping.stamp_due()
    assert [one.authority for one in await archive.stamps()] == ["one"]
