"""What is asked of a witness and what it answers: the log's side and the witness's side against each other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.ledger.checkpoint import Checkpoint
from relay.ledger.note import KeyType, NoteError, Signer, add_signatures, open_note, sign_note
from relay.ledger.tree import consistency_path
from relay.ledger.witness import (
    SIZE_TYPE,
    Behind,
    Cosigned,
    Decision,
    Refused,
    Request,
    Seen,
    WitnessError,
    decide,
    read_answer,
)
from tests.support.grown_tree import GrownTree, numbered

TREE = numbered(80)
FORK = GrownTree([*TREE.entries[:30], b"another", *TREE.entries[31:]])
LOG = Signer.from_seed("mail.example/log", bytes(range(32)))
WITNESS = Signer.from_seed("witness.example/north", bytes(range(1, 33)), KeyType.COSIGNATURE)
OTHER = Signer.from_seed("witness.example/south", bytes(range(2, 34)), KeyType.COSIGNATURE)
NOW = 1_700_000_000


def request_for(
    old: int, new: int, tree: GrownTree = TREE, signer: Signer = LOG, origin: str = "mail.example/log"
) -> Request:
    note = sign_note(Checkpoint(origin, new, tree.roots[new]).encode(), [signer], time=NOW)
    return Request(old, consistency_path(old, new, tree.node) if old <= new else (), note)


def asked(request: Request, seen: Seen) -> Decision:
    return decide(request.encode().encode(), [LOG.verifier], seen, WITNESS, NOW)


def seen_at(size: int, tree: GrownTree = TREE) -> Seen:
    return Seen(size, tree.roots[size])


def test_a_request_is_written_as_specified() -> None:
    body = (
        "old 20852014\n"
        "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
        "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
        "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n"
        "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
        "\n"
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa "
        "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    )
    request = Request.parse(body)
    assert (request.old, len(request.path)) == (20852014, 4)
    assert request.encode() == body
    first = request_for(0, 5)
    assert first.encode() == f"old 0\n\n{first.checkpoint}"
    assert Request.parse(first.encode()) == first


def test_a_path_of_63_hashes_is_taken_and_no_longer_one() -> None:
    for count in (0, 63):
        request = Request(5, (TREE.roots[1],) * count, request_for(5, 5).checkpoint)
        assert Request.parse(request.encode()) == request
    with pytest.raises(WitnessError, match="not a request to a witness"):
        Request.parse(Request(5, (TREE.roots[1],) * 64, request_for(5, 5).checkpoint).encode())


@settings(deadline=None)
@given(st.lists(st.integers(0, 80), min_size=1, max_size=6).map(sorted))
def test_a_growing_log_is_cosigned_step_by_step(sizes: list[int]) -> None:
    seen = Seen()
    for size in sizes:
        request = request_for(seen.size, size)
        decision = asked(request, seen)
        assert decision.status == 200
        assert decision.seen == seen_at(size)
        answer = read_answer(200, decision.body.encode(), request, [OTHER.verifier, WITNESS.verifier])
        assert isinstance(answer, Cosigned)
        assert answer.time == NOW
        note = add_signatures(request.checkpoint, answer.lines)
        assert len(open_note(note, [LOG.verifier, WITNESS.verifier]).signatures) == 2
        seen = decision.seen


def test_a_witness_that_saw_another_size_says_which() -> None:
    for old in (0, 5, 20):
        request = request_for(old, 20)
        decision = asked(request, seen_at(10))
        assert (decision.status, decision.body, decision.content_type, decision.seen) == (409, "10\n", SIZE_TYPE, None)
        assert read_answer(409, decision.body.encode(), request, [WITNESS.verifier]) == Behind(10)
    assert asked(request_for(10, 20), seen_at(10)).status == 200


def test_a_witness_that_saw_more_is_not_rolled_back() -> None:
    decision = asked(request_for(10, 20), seen_at(40))
    assert (decision.status, decision.body, decision.seen) == (409, "40\n", None)


def test_another_history_is_not_cosigned() -> None:
    """The log shows a second history, with the path of either: 422; of the same size: 409 with that very size."""
    for path_of in (TREE, FORK):
        wrong = request_for(40, 60, FORK)
        request = Request(40, consistency_path(40, 60, path_of.node), wrong.checkpoint)
        decision = asked(request, seen_at(40))
        assert (decision.status, decision.seen) == (422, None)
        assert "the log was changed" in decision.body
    request = request_for(40, 40, FORK)
    decision = asked(request, seen_at(40))
    assert (decision.status, decision.body, decision.content_type) == (409, "40\n", SIZE_TYPE)
    assert read_answer(409, b"40\n", request, [WITNESS.verifier]) == Refused(
        409, "the witness has seen another tree of the same size"
    )


def test_the_same_checkpoint_is_cosigned_again() -> None:
    decision = asked(request_for(40, 40), seen_at(40))
    assert (decision.status, decision.seen) == (200, seen_at(40))
    superfluous = Request(40, (TREE.roots[1],), request_for(40, 40).checkpoint)
    assert asked(superfluous, seen_at(40)).status == 422


def test_who_is_not_known_or_did_not_sign_is_turned_away() -> None:
    stranger = Signer.from_seed("stranger.example/log", bytes(32))
    decision = asked(request_for(0, 5, signer=stranger, origin="stranger.example/log"), Seen())
    assert (decision.status, decision.body) == (404, "the log is not known here\n")
    impostor = Signer.from_seed("mail.example/log", bytes(32))
    assert asked(request_for(0, 5, signer=impostor), Seen()).status == 403
    tampered = request_for(0, 5)
    changed = Request(0, (), tampered.checkpoint.replace("\n5\n", "\n6\n"))
    assert asked(changed, Seen()).status == 403


def test_a_size_that_shrinks_is_no_request() -> None:
    decision = asked(request_for(30, 20), seen_at(30))
    assert (decision.status, decision.body) == (400, "the old size is larger than the new one\n")


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\n\n", b"old 0\n", b"old 0\n\n", b"old 0\n\nhello", b"old 0\n\nhello\n\n", b"\xff\n\n", b"old\n\nx"),
        b"old 00\n\n" + request_for(0, 5).checkpoint.encode(),
        b"old 0\nAAAA\n\n" + request_for(0, 5).checkpoint.encode(),
        b"old 0\r\n\r\n" + request_for(0, 5).checkpoint.encode(),
        b"old 0\n\n" + sign_note("no checkpoint\n", [LOG]).encode(),
    ],
)
def test_what_is_no_request_is_answered_400(body: bytes) -> None:
    decision = decide(body, [LOG.verifier], Seen(), WITNESS, NOW)
    assert (decision.status, decision.seen) == (400, None)
    assert decision.body.endswith("\n")


def test_no_changed_bit_of_a_request_is_cosigned() -> None:
    octets = request_for(11, 21).encode().encode()
    for at in range(len(octets)):
        for bit in range(8):
            changed = octets[:at] + bytes([octets[at] ^ 1 << bit]) + octets[at + 1 :]
            assert decide(changed, [LOG.verifier], seen_at(11), WITNESS, NOW).status != 200


def test_an_answer_is_taken_from_the_known_witness_only() -> None:
    request = request_for(0, 5)
    good = asked(request, Seen()).body
    both = OTHER.line(request.checkpoint.split("\n\n")[0] + "\n", NOW).encode() + good
    answer = read_answer(200, both.encode(), request, [WITNESS.verifier])
    assert isinstance(answer, Cosigned)
    assert [line.name for line in answer.lines] == ["witness.example/north"]
    with pytest.raises(NoteError, match="not signed by any key that is known"):
        read_answer(200, good.encode(), request, [OTHER.verifier])


def test_an_answer_that_may_not_be_given_is_refused() -> None:
    request = request_for(0, 5)
    text = request.checkpoint.split("\n\n")[0] + "\n"
    other_text = Checkpoint("mail.example/log", 6, TREE.roots[6]).encode()
    longer = WITNESS.line(f"{text}\nmore\n", NOW).encode()
    wrong: list[bytes] = [b"", b"\n", b"hello\n", b"\xff", WITNESS.line(other_text, NOW).encode().encode()]
    wrong += [f"more\n\n{longer}".encode(), WITNESS.line(text, NOW).encode()[:-1].encode()]
    for body in wrong:
        with pytest.raises((NoteError, WitnessError)):
            read_answer(200, body, request, [WITNESS.verifier])
    with pytest.raises(WitnessError, match="no cosignature of it"):
        read_answer(200, LOG.line(text).encode().encode(), request, [LOG.verifier])
    for body in (b"", b"x\n", b"05\n", b"5\n\n", b"-1\n", b"\xff\n"):
        with pytest.raises(WitnessError):
            read_answer(409, body, request, [WITNESS.verifier])


def test_a_refusal_is_kept_in_its_words_and_says_whether_it_passes() -> None:
    request = request_for(0, 5)
    assert read_answer(403, b"no  such\nkey\xff", request, []) == Refused(403, "no such key\ufffd")
    assert read_answer(500, b"x" * 10_000, request, []) == Refused(500, "x" * 200, is_passing=True)
    passing = {status for status in (302, 400, 404, 408, 422, 429, 500, 503) if _is_passing(status)}
    assert passing == {408, 429, 500, 503}


def _is_passing(status: int) -> bool:
    answer = read_answer(status, b"", request_for(0, 5), [])
    assert isinstance(answer, Refused)
    return answer.is_passing
