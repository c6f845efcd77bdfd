"""mailauth, another author's DKIM verifier, accepts what we sign: our samples and all that can be signed of a corpus.

Where NODE_PATH has none, npm installs it into a temporary folder first.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest

from relay.courier.rendering import signed
from relay.rendition.canonical import Canonical
from relay.rendition.edit import splice
from relay.rendition.keyring import Keyring
from relay.rendition.signing import Manner, Signer, SigningFailed
from relay.rendition.trace import transit_edits
from tests.peers.house import run
from tests.support.corpus import corpus_files
from tests.support.signatures import NOW, ed25519_key, published, rsa_key

pytestmark = [
    pytest.mark.peer,
    pytest.mark.xdist_group("peers"),
    pytest.mark.skipif(shutil.which("npm") is None or shutil.which("node") is None, reason="node is not installed"),
]

DOMAIN = "witness.example"
KEYS = [rsa_key(DOMAIN), ed25519_key(DOMAIN)]
HEADER = b"From: jo@witness.example\r\nTo: ann@example.net\r\nSubject: \t a  \r\n\t folded\r\n"
SAMPLES = {
    "plain": HEADER + b"\r\nHello.\r\n",
    "no body": HEADER,
    "empty body": HEADER + b"\r\n",
    "empty lines only": HEADER + b"\r\n\r\n \r\n\t\r\n",
    "white space": HEADER + b"\r\n  a  \t b \r\n\tc\t\t\r\n \r\n\r\n",
    "1 MB of spaces": HEADER + b"\r\n" + b" " * 1_000_000 + b"x\r\n",
    "every octet": HEADER + b"\r\n" + bytes(range(256)).replace(b"\r", b"").replace(b"\n", b"") + b"\r\n",
    "fields several times": HEADER + b"Subject: b\r\nResent-To: a\r\nResent-To: b\r\n\r\nHello.\r\n",
    "list fields": HEADER + b"List-Unsubscribe: <https://a.example/>\r\nFeedback-ID: a:b\r\n\r\nHello.\r\n",
    "8-bit header": HEADER + "X-Name: Jürgen\r\nReply-To: Jürgen <j@a.example>\r\n\r\nHello.\r\n".encode(),
    "folded line of white space": HEADER + b"Cc:\r\n \r\n\r\nHello.\r\n",
}

SCRIPT = """
const fs = require('fs');
const { dkimVerify } = require('mailauth/lib/dkim/verify');
const { files, records } = JSON.parse(fs.readFileSync(process.argv[2]));
const resolver = async (name) => {
    if (!(name in records)) throw Object.assign(new Error('none'), { code: 'ENOTFOUND' });
    return [[records[name]]];
};
(async () => {
    for (const file of files) {
        const { results } = await dkimVerify(fs.readFileSync(file), { resolver });
        const ours = results.filter((one) => `${one.selector}._domainkey.${one.signingDomain}` in records);
        console.log(JSON.stringify(ours.map((one) => [one.algo, one.status.result, one.status.comment])));
    }
})();
"""


@pytest.fixture(scope="session")
def mailauth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with mailauth and our script. Left out with npm's own words where it cannot be had."""
    folder = tmp_path_factory.mktemp("mailauth")
    (folder / "package.json").write_text("{}")
    (folder / "verify.js").write_text(SCRIPT)
    places = filter(None, os.environ.get("NODE_PATH", "").split(os.pathsep))
    if any((Path(place) / "mailauth").is_dir() for place in places):
        return folder
    try:
        asyncio.run(run("npm", "install", "--no-audit", "--no-fund", "--silent", "mailauth", folder=folder))
    except (AssertionError, TimeoutError) as error:
        pytest.skip(f"mailauth cannot be installed: {error}")
    return folder


async def judged(folder: Path, wires: dict[str, bytes]) -> dict[str, list[list[str]]]:
    """What mailauth says of the signatures by our keys, for each message by name."""
    files = []
    for number, wire in enumerate(wires.values()):
        (folder / f"{number}.eml").write_bytes(wire)
        files.append(f"{number}.eml")
    (folder / "job.json").write_text(json.dumps({"files": files, "records": published(*KEYS)}))
    said = await run("node", "verify.js", "job.json", folder=folder)
    return dict(zip(wires, map(json.loads, said.splitlines()), strict=True))


def sent_copy(content: bytes, manner: Manner) -> bytes:
    """As the courier makes it. Raises SigningFailed."""
    edits = transit_edits(content)

    class AnyAuthor(Keyring):
        """Signs for whoever wrote it."""

        def for_domain(self, domain: str):
            return tuple(KEYS)

    return signed(content, edits, splice(content, edits), Signer(AnyAuthor(KEYS), manner), NOW * 1_000_000).wire


def is_passed(verdict: list[list[str]]) -> bool:
    return [one[:2] for one in verdict] == [["rsa-sha256", "pass"], ["ed25519-sha256", "pass"]]


@pytest.mark.parametrize("header", Canonical)
@pytest.mark.parametrize("body", Canonical)
async def test_mailauth_verifies_both_signatures(mailauth: Path, header: Canonical, body: Canonical) -> None:
    wires = {name: sent_copy(content, Manner(header, body)) for name, content in SAMPLES.items()}
    for name, verdict in (await judged(mailauth, wires)).items():
        assert is_passed(verdict), (name, verdict)


async def test_mailauth_verifies_what_can_be_signed_of_the_corpus(mailauth: Path) -> None:
    wires = {}
    for number, path in enumerate(corpus_files()):
        content = path.read_bytes()
        header, body = list(Canonical)[number % 2], list(Canonical)[number // 2 % 2]
        # mailauth takes the octet A0 (half of an "à" in UTF-8) for white space in header fields; RFC 6376 does not.
        if b"\xa0" in content.partition(b"\n\n")[0].partition(b"\r\n\r\n")[0]:
            header = Canonical.SIMPLE
        if len(content) < 1_000_000:
            try:
                wires[str(path)] = sent_copy(content, Manner(header, body))
            except SigningFailed:
                continue
    for name, verdict in (await judged(mailauth, wires)).items():
        assert is_passed(verdict), (name, verdict)


async def test_mailauth_notices_a_change(mailauth: Path) -> None:
    wire = sent_copy(SAMPLES["plain"], Manner())
    found = await judged(mailauth, {"body": wire.replace(b"Hello", b"Hallo"), "field": b"Cc: x@example.org\r\n" + wire})
    assert [one[1] for verdict in found.values() for one in verdict] == ["neutral"] * 2 + ["fail"] * 2
