"""Signed notes: published keys and notes, what is refused, and that no bit of one can change unseen."""

from __future__ import annotations

from base64 import b64decode, b64encode
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.ledger.note import (
    MOST_OCTETS,
    MOST_SIGNATURES,
    KeyType,
    NoteError,
    Opened,
    Signature,
    SignatureLine,
    Signer,
    Verifier,
    add_signatures,
    cosignature_message,
    open_note,
    sign_note,
    signature_line,
    split_note,
    write_note,
)

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
"""The vectors of golang.org/x/mod/sumdb/note, which the specification was written from."""
PETERS_SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PETERS_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETERS_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
PETERS_NOTE = f"{PETERS_TEXT}\n{PETERS_LINE}"

LOG = Signer.from_seed("mail.example/log", bytes(range(32)))
WITNESS = Signer.from_seed("witness.example/north", bytes(range(1, 33)), KeyType.COSIGNATURE)
OTHER = Signer.from_seed("other.example", bytes(range(2, 34)))
KEYS = (LOG.verifier, WITNESS.verifier)
TEXT = "mail.example/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
NOTE = sign_note(TEXT, [LOG, WITNESS], time=1_700_000_000)


def changed_bits(octets: bytes) -> list[bytes]:
    return [
        octets[:at] + bytes([octets[at] ^ 1 << bit]) + octets[at + 1 :] for at in range(len(octets)) for bit in range(8)
    ]


def test_the_published_note_is_written_and_opened() -> None:
    peter = Signer.from_seed("PeterNeumann", PETERS_SEED)
    assert peter.verifier.vkey == PETER
    assert sign_note(PETERS_TEXT, [peter]) == PETERS_NOTE
    assert open_note(PETERS_NOTE, [Verifier.parse(PETER)]) == Opened(PETERS_TEXT, (Signature(peter.verifier),))


def test_the_published_keys_are_read() -> None:
    for vkey in (PETER, "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"):
        verifier = Verifier.parse(vkey)
        assert verifier.vkey == vkey
        assert verifier.type is KeyType.ED25519


def test_no_piece_and_no_change_of_a_key_is_a_key() -> None:
    whole = len(PETER)
    wrong = [PETER[start:stop] for start in range(whole) for stop in range(start, whole + 1) if stop - start < whole]
    wrong += [octets.decode("latin-1") for octets in changed_bits(PETER.encode())]
    wrong += [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",  # key too long, its id fits
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # unknown type, its id fits
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter\ud800+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        *(f"{PETER}\n", f" {PETER}", f"{PETER}=", "a++", "++", "a+b"),
    ]
    for vkey in wrong:
        with pytest.raises(NoteError):
            Verifier.parse(vkey)


def test_a_cosignature_has_its_time_and_is_over_the_specified_message() -> None:
    assert cosignature_message(1679315147, "example.com/behind-the-sofa\n20852163\nCsU=\n") == (
        b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nCsU=\n"
    )
    opened = open_note(NOTE, KEYS)
    assert opened == Opened(TEXT, (Signature(LOG.verifier), Signature(WITNESS.verifier, 1_700_000_000)))
    line = split_note(NOTE)[1][1]
    key = WITNESS.verifier.key
    assert line.key_id == sha256(b"witness.example/north\n\x04" + key).digest()[:4]
    assert line.signature[:8] == (1_700_000_000).to_bytes(8, "big")
    assert len(line.signature) == 72
    assert Verifier.parse(WITNESS.verifier.vkey) == WITNESS.verifier


def test_no_changed_bit_of_a_note_goes_unseen() -> None:
    """Changed text and signatures are refused; a line whose name or key id was changed no longer counts as signed."""
    for changed in changed_bits(NOTE.encode()):
        try:
            opened = open_note(changed, KEYS)
        except NoteError:
            continue
        assert opened.text == TEXT
        assert len(opened.signatures) == 1, "both signatures hold on a changed note"
    for changed in changed_bits(PETERS_NOTE.encode()):
        with pytest.raises(NoteError):
            open_note(changed, [Verifier.parse(PETER)])


def test_no_piece_of_a_note_is_a_whole_one() -> None:
    octets = NOTE.encode()
    for stop in range(len(octets)):
        try:
            opened = open_note(octets[:stop], KEYS)
        except NoteError:
            continue
        assert len(opened.signatures) == 1
    for start in range(1, len(octets)):
        with pytest.raises(NoteError):
            open_note(octets[start:], KEYS)


def test_signatures_of_unknown_keys_say_nothing() -> None:
    stranger = OTHER.line(TEXT)
    same_name = Signer.from_seed(LOG.verifier.name, bytes(32)).line(TEXT)
    same_id = SignatureLine("other.example", LOG.verifier.key_id, bytes(64))
    note = add_signatures(NOTE, [stranger, same_name, same_id])
    opened = open_note(note, KEYS)
    assert len(opened.signatures) == 2
    assert opened.unknown == (stranger, same_name, same_id)
    with pytest.raises(NoteError, match="not signed by any key that is known"):
        open_note(write_note(TEXT, [stranger, same_name, same_id]), KEYS)


def test_one_wrong_signature_of_a_known_key_makes_the_note_void() -> None:
    wrong = SignatureLine(WITNESS.verifier.name, WITNESS.verifier.key_id, bytes(72))
    for signature in (bytes(72), bytes(1), bytes(8), b"\xff" * 8 + bytes(64), WITNESS.line(TEXT, 5).signature + b"\0"):
        wrong = SignatureLine(WITNESS.verifier.name, WITNESS.verifier.key_id, signature)
        with pytest.raises(NoteError, match=r"signature of witness\.example/north is wrong"):
            open_note(add_signatures(NOTE, [wrong]), KEYS)


def test_a_time_beyond_63_bits_is_refused_though_it_is_signed() -> None:
    late = 2**63
    octets = WITNESS.sign(cosignature_message(late, TEXT))
    with pytest.raises(NoteError, match="is wrong"):
        signature_line(WITNESS.verifier, TEXT, octets, late)
    signature_line(WITNESS.verifier, TEXT, WITNESS.sign(cosignature_message(late - 1, TEXT)), late - 1)


def test_a_signature_of_one_kind_is_none_of_the_other() -> None:
    """One key under two types: what it signs as a log says nothing as a witness, and the other way round."""
    as_log = Signer.from_seed("both.example", bytes(32))
    as_witness = Signer.from_seed("both.example", bytes(32), KeyType.COSIGNATURE)
    note = sign_note(TEXT, [as_log, as_witness], time=0)
    both = open_note(note, [as_log.verifier, as_witness.verifier])
    assert [signature.time for signature in both.signatures] == [None, 0]
    assert len(open_note(note, [as_log.verifier]).signatures) == 1
    for signer, time in ((as_log, 5), (as_witness, None)):
        with pytest.raises(ValueError, match="only a cosignature has one"):
            signer.line(TEXT, time)


def test_a_note_may_be_signed_elsewhere_but_only_with_the_right_key() -> None:
    line = signature_line(LOG.verifier, TEXT, LOG.sign(TEXT.encode()))
    assert write_note(TEXT, [line]) == sign_note(TEXT, [Signer(LOG.verifier, LOG.sign)])
    with pytest.raises(NoteError, match=r"signature of mail\.example/log is wrong"):
        sign_note(TEXT, [Signer(LOG.verifier, OTHER.sign)])
    with pytest.raises(NoteError, match="is wrong"):
        sign_note(TEXT, [Signer(LOG.verifier, lambda message: b"")])


def test_a_line_is_added_once() -> None:
    more = OTHER.line(TEXT)
    once = add_signatures(NOTE, [more])
    assert add_signatures(once, [more, LOG.line(TEXT)]) == once
    assert once == NOTE + more.encode()


@pytest.mark.parametrize(
    "note",
    [
        *("", "\n", "\n\n", "text\n", "text\n\n", f"text\n{PETERS_LINE}", f"\n{PETERS_LINE}", PETERS_NOTE[:-1]),
        *(f"{PETERS_NOTE}\n", f"{PETERS_NOTE}more\n", f"{PETERS_NOTE}\nmore\n", f"{PETERS_TEXT}\n \n{PETERS_LINE}"),
        PETERS_NOTE.replace("— ", "-- "),
        PETERS_NOTE.replace("— ", "—"),
        PETERS_NOTE.replace("— ", "—\u00a0"),
        PETERS_NOTE.replace("\n", "\r\n"),
        PETERS_NOTE.replace("PeterNeumann ", "PeterNeumann  "),
        PETERS_NOTE.replace("PeterNeumann ", " "),
        PETERS_NOTE.replace("PeterNeumann ", "Peter+Neumann "),
        PETERS_NOTE.replace("PeterNeumann ", "Peter\u2003Neumann "),
        PETERS_NOTE.replace("PeterNeumann ", "Peter\u0085Neumann "),
        PETERS_NOTE.replace("nAM=", "nAN="),  # the same octets in base64 that is not canonical
        PETERS_NOTE.replace("nAM=", "nAM"),
        PETERS_NOTE.replace("nAM=", "nAM=="),
        PETERS_NOTE.replace("nAM=", "nAM= "),
        PETERS_NOTE.replace("x08go", "x08_o"),
        PETERS_NOTE.replace("you think", "you\tthink"),
        PETERS_NOTE.replace("you think", "you\0think"),
        f"{PETERS_NOTE}— short x08goA==\n",
        f"{PETERS_NOTE}— short x08g\n",
        f"{PETERS_NOTE}— none \n",
        f"{PETERS_NOTE}— ключ ÿ\n",
        f"{PETERS_NOTE}— \ud800 x08goAA=\n",
    ],
)
def test_what_is_not_a_note_is_refused(note: str) -> None:
    with pytest.raises(NoteError):
        open_note(note, [Verifier.parse(PETER)])


def test_a_note_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(NoteError, match="not UTF-8"):
        open_note(PETERS_NOTE.encode("cp1252"), [Verifier.parse(PETER)])


def test_the_text_may_have_empty_lines_and_the_last_ends_it() -> None:
    for text in ("a\n\nb\n", "\n", "a\n\n\n", f"{PETERS_TEXT}\n{PETERS_LINE}"):
        note = sign_note(text, [LOG])
        assert open_note(note, KEYS).text == text
    for text in ("", "a", "a\n\nb", "a\tb\n"):
        with pytest.raises(NoteError):
            sign_note(text, [LOG])
    with pytest.raises(NoteError, match="whole signature lines"):
        sign_note(TEXT, [])
    with pytest.raises(NoteError, match="ends in a line end"):
        write_note("a\n\n— x AAAAAAA=", [LOG.line(TEXT)])


def test_the_limits_are_far_above_what_must_be_taken() -> None:
    lines = [SignatureLine(f"stranger{number}.example", b"abcd", bytes(2420)) for number in range(MOST_SIGNATURES - 1)]
    assert len(open_note(write_note(TEXT, [*lines, LOG.line(TEXT)]), KEYS).unknown) == MOST_SIGNATURES - 1
    with pytest.raises(NoteError, match="more than 100 signatures"):
        add_signatures(NOTE, lines)
    with pytest.raises(NoteError, match="longer than"):
        sign_note("a" * MOST_OCTETS + "\n", [LOG])


def test_two_keys_that_cannot_be_told_apart_are_not_guessed_between() -> None:
    assert open_note(NOTE, [*KEYS, *KEYS]).text == TEXT  # the same key twice is one key
    # A name and 4 octets: two keys that share both are found among some ten thousand.
    key, twin = (Verifier("x", sha256(number.to_bytes(4, "big")).digest()) for number in (8_996, 159_660))
    assert key != twin
    assert key.key_id == twin.key_id
    with pytest.raises(NoteError, match="the same key id"):
        open_note(NOTE, [*KEYS, key, twin])


def test_a_key_and_a_name_are_checked_when_they_are_made() -> None:
    for name in ("", "a b", "a+b", "a\nb", "a\x00b", "a\u3000b", "\udc80"):
        with pytest.raises(NoteError):
            Verifier(name, bytes(32))
    for length in (0, 31, 33):
        with pytest.raises(NoteError, match="32 octets"):
            Verifier("a", bytes(length))


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60), st.integers(0, 2**63 - 1))
def test_any_text_is_signed_and_opened(line: str, time: int) -> None:
    text = f"{line}\n"
    opened = open_note(sign_note(text, [LOG, WITNESS], time), KEYS)
    assert opened == Opened(text, (Signature(LOG.verifier), Signature(WITNESS.verifier, time)))


def test_a_signature_line_is_read_back() -> None:
    line = LOG.line(TEXT)
    assert SignatureLine.parse(line.encode()[:-1]) == line
    assert line.encode().split(" ")[2] == b64encode(line.key_id + line.signature).decode() + "\n"
