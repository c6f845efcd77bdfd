"""Checkpoints and proofs: what is written is read back, and nothing that was changed is believed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.ledger.checkpoint import Checkpoint
from relay.ledger.hashing import EMPTY_ROOT, leaf_hash
from relay.ledger.note import KeyType, NoteError, Signer, sign_note
from relay.ledger.policy import Accepted, Log, Policy, PolicyError, Witness, Witnessed
from relay.ledger.proof import HEADER, TlogProof, verify_proof
from relay.ledger.scalars import LARGEST, LedgerError
from relay.ledger.tree import ProofError, inclusion_path
from tests.support.grown_tree import numbered

TREE = numbered(21)
LOG = Signer.from_seed("mail.example/log", bytes(range(32)))
WITNESS = Signer.from_seed("witness.example/north", bytes(range(1, 33)), KeyType.COSIGNATURE)
STRICT = Policy((Log(LOG.verifier),), (Witness("north", WITNESS.verifier),), quorum="north")
ALONE = Policy((Log(LOG.verifier),))

BODY = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
"""The example of the specification."""


def signed(size: int, signers: list[Signer] | None = None) -> str:
    text = Checkpoint("mail.example/log", size, TREE.roots[size]).encode()
    return sign_note(text, [LOG, WITNESS] if signers is None else signers, time=7)


def proof_of(index: int, size: int = 21, signers: list[Signer] | None = None) -> TlogProof:
    return TlogProof(index, inclusion_path(index, size, TREE.node), signed(size, signers))


PROOF = proof_of(10)


def test_the_published_checkpoint_is_read_and_written() -> None:
    checkpoint = Checkpoint.parse(BODY)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root.hex() == "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"
    assert checkpoint.encode() == BODY


def test_an_empty_log_has_a_checkpoint_with_the_empty_root_alone() -> None:
    text = "mail.example/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    assert Checkpoint.parse(text) == Checkpoint("mail.example/log", 0, EMPTY_ROOT)
    with pytest.raises(NoteError, match="another root than the empty one"):
        Checkpoint("mail.example/log", 0, TREE.roots[1])


@pytest.mark.parametrize(
    "text",
    [
        *("", "\n", "\n\n\n", BODY[:-1], f"{BODY}\n", f"{BODY}extension\n", f"\n{BODY}", BODY.replace("\n", "\r\n")),
        *(
            BODY.replace("20852163", size)
            for size in ("", "0", "020852163", "+1", "-1", "1_0", " 1", "1e3", "٢", "1.0")
        ),
        BODY.replace("20852163", str(LARGEST + 1)),
        BODY.replace("20852163", "9" * 5000),
        *(BODY.replace("q2I=", end) for end in ("q2J=", "q2I", "q2I==", "q2I=\n=", "qq2I=", "q2-=", "")),
        BODY.replace("behind", "behind the"),
        BODY.replace("behind", "behind+the"),
        BODY.replace("example.com/behind-the-sofa", ""),
    ],
)
def test_what_is_not_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(text)


def test_there_is_no_such_tree() -> None:
    for size, root in ((-1, EMPTY_ROOT), (LARGEST + 1, EMPTY_ROOT), (1, b"short")):
        with pytest.raises(NoteError, match="a size below"):
            Checkpoint("mail.example/log", size, root)


def test_a_proof_is_written_as_specified() -> None:
    proof = TlogProof(1, (leaf_hash(b""),), "the checkpoint\n", b"more")
    assert proof.encode() == (
        "c2sp.org/tlog-proof@v1\nextra bW9yZQ==\nindex 1\n"
        "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n\nthe checkpoint\n"
    )
    assert TlogProof.parse(proof.encode()) == proof
    assert TlogProof(0, (), "c\n").encode() == f"{HEADER}\nindex 0\n\nc\n"


@settings(deadline=None)
@given(st.integers(1, 21), st.data())
def test_the_proof_of_every_leaf_holds_and_that_of_another_does_not(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = TlogProof.parse(proof_of(index, size).encode().encode())
    accepted = verify_proof(proof, TREE.entries[index], STRICT)
    checkpoint = Checkpoint("mail.example/log", size, TREE.roots[size])
    assert accepted == Accepted(checkpoint, STRICT.logs[0], (Witnessed(STRICT.witnesses[0], 7),))
    for entry in (b"", TREE.entries[(index + 1) % 21], TREE.entries[index] + b"\0"):
        with pytest.raises(ProofError):
            verify_proof(proof, entry, STRICT)


def test_every_single_changed_bit_of_a_proof_is_found() -> None:
    octets = PROOF.encode().encode()
    verify_proof(TlogProof.parse(octets), TREE.entries[10], STRICT)
    for at in range(len(octets)):
        for bit in range(8):
            changed = octets[:at] + bytes([octets[at] ^ 1 << bit]) + octets[at + 1 :]
            with pytest.raises(LedgerError):
                verify_proof(TlogProof.parse(changed), TREE.entries[10], STRICT)


def test_every_single_removed_or_doubled_octet_of_a_proof_is_found() -> None:
    octets = PROOF.encode().encode()
    for at in range(len(octets)):
        for changed in (octets[:at], octets[:at] + octets[at + 1 :], octets[: at + 1] + octets[at:]):
            with pytest.raises(LedgerError):
                verify_proof(TlogProof.parse(changed), TREE.entries[10], STRICT)


def test_the_extra_data_is_carried_and_vouched_for_by_nobody() -> None:
    for extra in (b"", b"anything", bytes(range(256))):
        proof = TlogProof(PROOF.index, PROOF.path, PROOF.checkpoint, extra)
        assert TlogProof.parse(proof.encode()) == proof
        verify_proof(proof, TREE.entries[10], STRICT)


def test_a_proof_needs_a_log_and_a_quorum_that_are_known() -> None:
    entry = TREE.entries[10]
    with pytest.raises(PolicyError, match="cosigned by nobody"):
        verify_proof(proof_of(10, signers=[LOG]), entry, STRICT)
    verify_proof(proof_of(10, signers=[LOG]), entry, ALONE)
    with pytest.raises(PolicyError, match=r"no known key of the log mail\.example/log"):
        verify_proof(proof_of(10, signers=[WITNESS]), entry, STRICT)
    with pytest.raises(NoteError, match="not signed by any key that is known"):
        verify_proof(proof_of(10, signers=[WITNESS]), entry, ALONE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("proof@v1", "proof@v2"),
        ("c2sp", "\nc2sp"),
        ("index 10\n", ""),
        ("index 10\n", "index 010\n"),
        ("index 10\n", "index -1\n"),
        ("index 10\n", "index  10\n"),
        ("index 10\n", "index 10 \n"),
        ("index 10\n", "Index 10\n"),
        ("index 10\n", "index 10\nindex 10\n"),
        ("index 10\n", f"index {LARGEST}\n"),
        ("index 10\n", "index 10\nextra AAAA\n"),
        ("index 10\n", "extra AAAA\nextra AAAA\nindex 10\n"),
        ("index 10\n", "extra AAA\nindex 10\n"),
        ("index 10\n", "extra\nindex 10\n"),
        ("index 10\n", "index 10\nAAAA\n"),
        ("\n", "\r\n"),
        ("\n\n", "\n"),
    ],
)
def test_what_is_not_a_proof_is_refused(old: str, new: str) -> None:
    text = PROOF.encode()
    assert old in text
    with pytest.raises(ProofError):
        TlogProof.parse(text.replace(old, new))


def test_a_path_is_as_long_as_that_of_the_largest_tree_at_most() -> None:
    path = (TREE.roots[1],) * 63
    assert TlogProof.parse(TlogProof(LARGEST - 1, path, "c\n").encode()).path == path
    for index, longer in ((LARGEST, path), (0, (*path, TREE.roots[1]))):
        with pytest.raises(ProofError, match="a larger tree than there can be"):
            TlogProof.parse(TlogProof(index, longer, "c\n").encode())


def test_an_empty_file_is_not_a_proof() -> None:
    for octets in (b"", b"\n\n", HEADER.encode(), f"{HEADER}\n\n".encode(), b"\xff\n\n"):
        with pytest.raises(ProofError):
            TlogProof.parse(octets)
