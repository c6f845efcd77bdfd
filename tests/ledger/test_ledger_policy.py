"""Policies: what the lines of the file mean, which of them are refused, and when a checkpoint is believed."""

from __future__ import annotations

from itertools import combinations

import pytest

from relay.ledger.checkpoint import Checkpoint
from relay.ledger.hashing import EMPTY_ROOT
from relay.ledger.note import KeyType, NoteError, Signer, sign_note
from relay.ledger.policy import Group, Log, Policy, PolicyError, Witness, accept

LOG = Signer.from_seed("mail.example/log", bytes(range(32)))
WITNESSES = {
    name: Signer.from_seed(f"witness.example/{name}", bytes([number] * 32), KeyType.COSIGNATURE)
    for number, name in enumerate(("X1", "X2", "X3", "Y1", "Y2", "Y3"))
}
KEY = {name: signer.verifier.vkey for name, signer in WITNESSES.items()}
LOG_LINE = f"log {LOG.verifier.vkey}\n"
EXAMPLE = f"""\
log {LOG.verifier.vkey} https://mail.example/log

# two houses
witness X1 {KEY["X1"]}
  witness\tX2 \t{KEY["X2"]}
witness X3 {KEY["X3"]} https://witness.example/X3
group X-witnesses 2 X1 X2 X3

   # the other: π
witness Y1 {KEY["Y1"]}
witness Y2 {KEY["Y2"]}
witness Y3 {KEY["Y3"]}
group Y-witnesses any Y1 Y2 Y3\u0020

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""
"""The example of the specification, with keys."""
TEXT = Checkpoint("mail.example/log", 0, EMPTY_ROOT).encode()


def test_the_example_is_read() -> None:
    policy = Policy.parse(EXAMPLE.encode())
    assert policy.logs == (Log(LOG.verifier, "https://mail.example/log"),)
    assert [witness.name for witness in policy.witnesses] == list(WITNESSES)
    assert policy.witnesses[2] == Witness("X3", WITNESSES["X3"].verifier, "https://witness.example/X3")
    assert policy.groups == (
        Group("X-witnesses", 2, ("X1", "X2", "X3")),
        Group("Y-witnesses", 1, ("Y1", "Y2", "Y3")),
        Group("X-and-Y", 2, ("X-witnesses", "Y-witnesses")),
    )
    assert policy.quorum == "X-and-Y"
    assert len(policy.verifiers) == 7
    assert Policy.parse(policy.encode()) == policy


def test_a_checkpoint_is_believed_if_the_quorum_cosigned_and_only_then() -> None:
    policy = Policy.parse(EXAMPLE)
    for count in range(7):
        for names in combinations(WITNESSES, count):
            houses = "".join(sorted(name[0] for name in names))
            is_enough = houses.count("X") >= 2 and houses.count("Y") >= 1
            assert policy.is_met_by(names) == is_enough
            note = sign_note(TEXT, [LOG, *(WITNESSES[name] for name in names)], time=9)
            if is_enough:
                accepted = accept(note, policy)
                assert tuple(each.witness.name for each in accepted.witnessed) == names
                assert {each.time for each in accepted.witnessed} == {9}
            else:
                said = ", ".join(names) or "nobody"
                with pytest.raises(PolicyError, match=f"X-and-Y is not reached: the checkpoint is cosigned by {said}$"):
                    accept(note, policy)


def test_a_quorum_of_none_asks_for_no_witness() -> None:
    policy = Policy.parse(f"{LOG_LINE}quorum none\n")
    assert policy == Policy((Log(LOG.verifier),))
    assert accept(sign_note(TEXT, [LOG]), policy).witnessed == ()


def test_one_witness_may_be_the_quorum() -> None:
    policy = Policy.parse(f"{LOG_LINE}witness X1 {KEY['X1']}\nwitness X2 {KEY['X2']}\nquorum X1\n")
    accept(sign_note(TEXT, [LOG, WITNESSES["X1"]], time=0), policy)
    with pytest.raises(PolicyError, match="cosigned by X2"):
        accept(sign_note(TEXT, [LOG, WITNESSES["X2"]], time=0), policy)


def test_each_log_is_believed_in_its_own_name_only() -> None:
    other = Signer.from_seed("other.example/log", bytes(32))
    policy = Policy((Log(other.verifier), Log(LOG.verifier)))
    assert accept(sign_note(TEXT, [LOG]), policy).log == Log(LOG.verifier)
    with pytest.raises(PolicyError, match=r"no known key of the log mail\.example/log"):
        accept(sign_note(TEXT, [other]), policy)


def test_a_policy_without_logs_believes_nothing_but_is_one() -> None:
    policy = Policy.parse(f"witness X1 {KEY['X1']}\nquorum X1\n")
    with pytest.raises(PolicyError, match="no known key of the log"):
        accept(sign_note(TEXT, [WITNESSES["X1"]], time=0), policy)


def test_a_signed_text_that_is_no_checkpoint_is_not_believed() -> None:
    with pytest.raises(NoteError, match="three lines"):
        accept(sign_note("hello\n", [LOG]), Policy((Log(LOG.verifier),)))


W1, W2 = f"witness X1 {KEY['X1']}\n", f"witness X2 {KEY['X2']}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "one quorum line, not 0"),
        (LOG_LINE, "one quorum line, not 0"),
        ("quorum none\nquorum none\n", "one quorum line, not 2"),
        ("quorum none", "not ended"),
        ("# cut off", "not ended"),
        ("quorum none\r\n", "control character"),
        ("quorum none\0\n", "control character"),
        ("quorum\x7fnone\n", "control character"),
        ("quorum\n", "not understood: 'quorum'"),
        ("quorum none none\n", "not understood"),
        ("Quorum none\n", "not understood"),
        ("quorum\u00a0none\n", "not understood"),
        ("log\nquorum none\n", "not understood"),
        (f"log {LOG.verifier.vkey} https://a https://b\nquorum none\n", "not understood"),
        (f"witness {KEY['X1']}\nquorum none\n", "not understood"),
        (f"witness X1 {KEY['X1']} a b\nquorum none\n", "not understood"),
        (f"{LOG_LINE}{LOG_LINE}quorum none\n", "same key for two of kind log"),
        (f"{W1}witness again {KEY['X1']}\nquorum none\n", "same key for two of kind witness"),
        (f"{W1}witness X1 {KEY['X2']}\nquorum none\n", "says twice what 'X1' is"),
        (f"witness none {KEY['X1']}\nquorum none\n", "says twice what 'none' is"),
        (f"{W1}group X1 any X1\nquorum none\n", "says twice what 'X1' is"),
        (f"{W1}group a any X1\ngroup a any X1\nquorum a\n", "says twice what 'a' is"),
        (f"log {KEY['X1']}\nquorum none\n", "not of the type of a log's"),
        (f"witness X1 {LOG.verifier.vkey}\nquorum X1\n", "not of the type of a witness's"),
        ("quorum X1\n" + W1, "names 'X1' before"),
        (f"group a any X1\n{W1}quorum a\n", "names 'X1' before"),
        ("group a any a\nquorum a\n", "names 'a' before"),
        (f"{W1}group a any X1 none\nquorum a\n", "names 'none', which is not a free member"),
        (f"{W1}group a any X1 X1\nquorum a\n", "names 'X1', which is not a free member"),
        (f"{W1}{W2}group a any X1\ngroup b any X1 X2\nquorum b\n", "names 'X1', which is not a free member"),
        (f"{W1}group a any\nquorum a\n", "not understood"),
        (f"{W1}group a 0 X1\nquorum a\n", "asks for 0 of 1"),
        (f"{W1}group a 2 X1\nquorum a\n", "asks for 2 of 1"),
        (f"{W1}group a 01 X1\nquorum a\n", "not a plain decimal number"),
        (f"{W1}group a All X1\nquorum a\n", "not a plain decimal number"),
    ],
)
def test_what_is_not_a_policy_is_refused_and_why_is_said(text: str, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        Policy.parse(text)


def test_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(NoteError, match="a verifier key is"):
        Policy.parse("log nothing\nquorum none\n")
    with pytest.raises(PolicyError, match="not UTF-8"):
        Policy.parse(b"# caf\xe9\nquorum none\n")


def test_a_policy_that_could_not_be_written_is_refused_when_it_is_made() -> None:
    witness = WITNESSES["X1"].verifier
    with pytest.raises(PolicyError, match="'y' is not said to be anything"):
        Policy((), quorum="y")
    for name in ("", "a b", "a\tb", "a\n", "\x7f"):
        with pytest.raises(PolicyError, match="not a word of a policy"):
            Policy((), (Witness(name, witness),))
    for url in ("https://a b", "a\n"):
        with pytest.raises(PolicyError, match="not a word of a policy"):
            Policy((Log(LOG.verifier, url),))
        with pytest.raises(PolicyError, match="not a word of a policy"):
            Policy((), (Witness("a", witness, url),))


def test_it_takes_as_many_as_every_implementation_should() -> None:
    logs = tuple(Log(Signer.from_seed(f"log{n}.example", bytes([n] * 32)).verifier) for n in range(32))
    witnesses = tuple(
        Witness(f"w{n}", Signer.from_seed(f"w{n}.example", bytes([n] * 32), KeyType.COSIGNATURE).verifier)
        for n in range(32)
    )
    groups = [Group("g0", 1, ("w0",))]
    groups += [Group(f"g{n}", 2, (f"w{n}", f"g{n - 1}")) for n in range(1, 32)]
    policy = Policy(logs, witnesses, tuple(groups), "g31")
    assert Policy.parse(policy.encode()) == policy
    assert policy.is_met_by(f"w{n}" for n in range(32))
    assert not policy.is_met_by(f"w{n}" for n in range(1, 32))
