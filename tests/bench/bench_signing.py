"""How long one signature takes, beside dkimpy signing the same message with the same key: medians, as a table.

`python -m tests.bench.bench_signing`. The aim: 8 times faster at 1 kB, 30 times at 5 MB, RSA-2048.
"""

from __future__ import annotations

import base64
import random
import statistics
import time
from collections.abc import Callable
from itertools import product

import dkim
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from relay.rendition.canonical import Canonical
from relay.rendition.keyring import SigningKey
from relay.rendition.signing import Manner, sign
from tests.support.signatures import NOW, ed25519_key, pem, rsa_key, verdicts

HEADER = (
    b"Received: by relay.example with ESMTP id 01J; Tue, 24 Nov 2026 13:46:38 +0000\r\n"
    b"From: Shop <shop@example.com>\r\nTo: ann@example.net\r\nSubject: Your invoice INV-12345\r\n"
    b"Date: Tue, 24 Nov 2026 13:46:38 +0000\r\nMessage-ID: <1@example.com>\r\nMIME-Version: 1.0\r\n"
)
SIZES = {"1 kB": 1000, "100 kB": 100_000, "5 MB": 5_000_000}
MANNERS = {"relaxed/simple": Manner(Canonical.RELAXED, Canonical.SIMPLE), "relaxed/relaxed": Manner()}
SECONDS = 2.0
"""For each measurement; at least 3 and at most 200 rounds."""


def attachment(size: int) -> bytes:
    """A PDF, in base64."""
    octets = random.Random(1).randbytes(size * 3 // 4)
    body = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    return HEADER + b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body


def text(size: int) -> bytes:
    """HTML with indentation and trailing white space."""
    line = b'    <td class="price">  49.90 EUR, shipping included </td> \t\r\n'
    return HEADER + b"Content-Type: text/html\r\n\r\n" + line * (size // len(line))


def median(once: Callable[[], object]) -> float:
    """Milliseconds of processor time."""
    spent: list[float] = []
    end = time.monotonic() + SECONDS
    while len(spent) < 3 or (time.monotonic() < end and len(spent) < 200):
        began = time.process_time()
        once()
        spent.append(time.process_time() - began)
    return statistics.median(spent) * 1000


def theirs(wire: bytes, key: SigningKey, manner: Manner) -> Callable[[], bytes]:
    """dkimpy's sign, over the fields that it signs by default."""
    if key is rsa_key():
        private, algorithm = pem(key), b"rsa-sha256"
    else:
        seed = key.private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        private, algorithm = base64.b64encode(seed), b"ed25519-sha256"
    canonicalize = (manner.header.encode(), manner.body.encode())

    def once() -> bytes:
        signer = dkim.DKIM(wire, signature_algorithm=algorithm)
        signed: bytes = signer.sign(key.selector.encode(), key.domain.encode(), private, canonicalize=canonicalize)
        return signed

    return once


def main() -> None:
    print("| message | size | key | canonicalisation | dkimpy ms | ours ms | times faster |")
    print("|---|---|---|---|---|---|---|")
    shapes = {"base64": attachment, "HTML": text}
    for (shape, make), key, (size, octets), (name, manner) in product(
        shapes.items(), (rsa_key(), ed25519_key()), SIZES.items(), MANNERS.items()
    ):
        wire = make(octets)

        def ours(wire: bytes = wire, key: SigningKey = key, manner: Manner = manner) -> bytes:
            return sign(wire, [key], at=NOW, manner=manner)

        assert verdicts(ours() + wire, [key]) == [True]
        before, now = median(theirs(wire, key, manner)), median(ours)
        row = f"| {shape} | {size} | {key.algorithm} | {name} | {before:.2f} | {now:.2f} | {before / now:.1f} |"
        print(row, flush=True)


if __name__ == "__main__":
    main()
