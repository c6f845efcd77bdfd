"""DKIM-Signature fields: verified by dkimpy, folded, over-signed; refused where verifiers would not agree."""

from __future__ import annotations

import contextlib
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.model.signature import Algorithm, Alignment, Signature
from relay.rendition.canonical import Canonical
from relay.rendition.edit import splice
from relay.rendition.keyring import Keyring
from relay.rendition.signing import Manner, Signer, SigningFailed, read_header, sign, signed_names
from relay.rendition.trace import transit_edits
from tests.support.corpus import corpus_files
from tests.support.signatures import NOW, ed25519_key, rsa_key, verdicts

WIRE = (
    b"Received: by relay.example\r\nFrom: Jo <jo@example.com>\r\nTo: ann@example.net\r\n"
    b"Subject:  a \r\n\tfolded   one\r\nDate: Tue, 24 Nov 2026 13:46:38 +0000\r\nMessage-ID: <1@example.com>\r\n"
    b"List-Unsubscribe: <https://example.com/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"Feedback-ID: 1:2:3:example\r\nX-Mailgun-Tag: a\r\n\r\nHello,  \t world\t\r\n\r\n.\r\n\r\n"
)
MANNERS = [Manner(header, body) for header in Canonical for body in Canonical]
NAMES = re.compile(rb"h=([^;]*);")


def keys():
    return [rsa_key(), ed25519_key()]


def names_of(field: bytes) -> list[str]:
    match = NAMES.search(field)
    assert match is not None
    return re.sub(rb"\s", b"", match[1]).decode().split(":")


@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: f"{manner.header}-{manner.body}")
def test_both_signatures_of_a_message_are_verified_by_dkimpy(manner: Manner) -> None:
    fields = sign(WIRE, keys(), at=NOW, manner=manner)
    assert fields.count(b"DKIM-Signature:") == 2
    assert f"c={manner.header}/{manner.body};".encode() in fields
    assert verdicts(fields + WIRE, keys()) == [True, True]


@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: f"{manner.header}-{manner.body}")
def test_all_of_the_corpus_that_can_be_signed_is_verified_by_dkimpy(manner: Manner) -> None:
    for path in corpus_files():
        content = path.read_bytes()
        wire = splice(content, transit_edits(content))
        if len(wire) > 300_000:
            continue
        try:
            fields = sign(wire, [ed25519_key(selector="corpus")], at=NOW, manner=manner)
        except SigningFailed:
            continue
        assert verdicts(fields + wire, [ed25519_key(selector="corpus")]) == [True], path


names = st.sampled_from(
    [b"From", b"To", b"to", b"SUBJECT", b"Subject", b"X-Other", b"List-Unsubscribe", b"Date", b"Cc"]
)
texts = st.binary(max_size=12).map(lambda octets: re.sub(rb"[\r\n\x00\x0b\x0c]", b" ", octets))
folded = st.lists(texts, min_size=1, max_size=3).map(b"\r\n\t".join)
headers = st.lists(st.tuples(names, folded), max_size=10)
bodies = st.lists(texts, max_size=6).map(lambda lines: b"".join(line + b"\r\n" for line in lines))


@given(fields=headers, body=bodies, manner=st.sampled_from(MANNERS))
@settings(max_examples=100, deadline=None)
def test_whatever_is_signed_is_verified_by_dkimpy(fields, body: bytes, manner: Manner) -> None:
    wire = b"".join(name + b":" + value + b"\r\n" for name, value in fields) + b"\r\n" + body
    if sum(name == b"From" for name, _ in fields) != 1:
        with pytest.raises(SigningFailed, match="From field"):
            sign(wire, [ed25519_key()], at=NOW, manner=manner)
        return
    signature = sign(wire, [ed25519_key()], at=NOW, manner=manner)
    assert verdicts(signature + wire, [ed25519_key()]) == [True]


@pytest.mark.parametrize("key", [rsa_key, ed25519_key])
def test_lines_are_folded_at_78_columns(key) -> None:
    field = sign(WIRE, [key()], at=NOW)
    assert field.endswith(b"\r\n")
    first, *others = field[:-2].split(b"\r\n")
    assert first.startswith(b"DKIM-Signature: v=1; ")
    assert all(line.startswith(b" ") and line.strip() for line in others)
    assert max(map(len, (first, *others))) <= 78


def test_a_name_longer_than_a_line_stands_alone() -> None:
    key = ed25519_key(domain=".".join(["a" * 60] * 4))
    field = sign(WIRE, [key], at=NOW)
    assert b"\r\n d=" + key.domain.encode() + b";\r\n" in field
    assert verdicts(field + WIRE, [key]) == [True]


def test_the_time_is_the_one_given() -> None:
    assert b" t=1795000000;" in sign(WIRE, [ed25519_key()], at=1_795_000_000)


def test_the_algorithm_is_named() -> None:
    assert b" a=rsa-sha256;" in sign(WIRE, [rsa_key()], at=NOW)
    assert b" a=ed25519-sha256;" in sign(WIRE, [ed25519_key()], at=NOW)


def test_fields_are_signed_once_more_than_they_are_there() -> None:
    found = names_of(sign(WIRE, [ed25519_key()], at=NOW))
    twice = ("from", "to", "subject", "date", "message-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id")
    assert {name: found.count(name) for name in twice} == dict.fromkeys(twice, 2)
    once = ("cc", "reply-to", "mime-version", "content-type", "content-transfer-encoding")
    assert {name: found.count(name) for name in once} == dict.fromkeys(once, 1)
    assert set(found) == {*twice, *once}


@pytest.mark.parametrize(
    "added",
    [b"From: x@example.org", b"To: x@example.org", b"Cc: x@example.org", b"Subject: x", b"Reply-To: x@example.org",
     b"Date: x", b"Message-ID: <x@y>", b"MIME-Version: 1.0", b"Content-Type: text/html", b"List-Unsubscribe: <x:y>"],
)  # fmt: skip
def test_no_field_can_be_added_on_the_way(added: bytes) -> None:
    signed = sign(WIRE, [ed25519_key()], at=NOW) + WIRE
    assert verdicts(added + b"\r\n" + signed, [ed25519_key()]) == [False]


def test_a_provider_may_add_its_own_fields_and_what_is_missing() -> None:
    wire = b"From: a@example.com\r\nSubject: x\r\n\r\nx\r\n"
    signed = sign(wire, [ed25519_key()], at=NOW) + wire
    added = b"Received: x\r\nDate: x\r\nMessage-ID: <1@x>\r\nFeedback-ID: 1\r\nX-SES-Outgoing: 1\r\n"
    assert verdicts(added + signed, [ed25519_key()]) == [True]


def test_fields_left_out_may_be_replaced() -> None:
    field = sign(WIRE, [ed25519_key()], at=NOW, manner=Manner(left_out=frozenset({"date", "message-id"})))
    assert not {"date", "message-id"} & set(names_of(field))
    replaced = re.sub(rb"(Date|Message-ID): [^\r]*", rb"\1: other", WIRE)
    assert verdicts(field + replaced, [ed25519_key()]) == [True]


def test_a_field_that_is_there_several_times_is_signed_from_the_last() -> None:
    wire = b"From: a@example.com\r\nSubject: 1\r\nSubject: 2\r\nResent-To: 1\r\nResent-To: 2\r\n\r\nx\r\n"
    field = sign(wire, [ed25519_key()], at=NOW)
    assert names_of(field).count("subject") == 3
    assert names_of(field).count("resent-to") == 2
    assert verdicts(field + wire, [ed25519_key()]) == [True]
    assert verdicts(field + wire.replace(b"Subject: 1", b"Subject: 3"), [ed25519_key()]) == [False]


def test_a_changed_body_is_noticed() -> None:
    signed = sign(WIRE, keys(), at=NOW) + WIRE
    with pytest.raises(Exception, match="body hash mismatch"):
        verdicts(signed.replace(b"Hello", b"Hallo"), keys())


def test_a_header_without_a_body_is_signed() -> None:
    wire = b"From: a@example.com\r\nSubject: x\r\n"
    assert read_header(wire)[1] == len(wire)
    assert verdicts(sign(wire, [ed25519_key()], at=NOW) + wire, [ed25519_key()]) == [True]


@pytest.mark.parametrize(
    ("wire", "why"),
    [
        (b"", "there is no From field"),
        (b"\r\nFrom: a@example.com\r\n", "there is no From field"),
        (b"To: a@example.com\r\n\r\n", "there is no From field"),
        (b"From: a@example.com\r\nfrom: b@example.com\r\n\r\n", "there are 2 From fields"),
        (b"From: a@example.com\r\nTo    : b\r\n\r\n", "header field 2 has white space before its colon"),
        (b"From: a@example.com\r\njunk\r\nTo: b\r\n\r\n", "after 1 header fields there is a line that is no field"),
        (b"From: a@example.com\r\n: b\r\n\r\n", "after 1 header fields there is a line that is no field"),
        (b"From: a@example.com\r\n\xe4: b\r\n\r\n", "after 1 header fields there is a line that is no field"),
        (
            b"From jo Tue Nov 24\r\nFrom: a@example.com\r\n\r\n",
            "after 0 header fields there is a line that is no field",
        ),
        (b" folded\r\nFrom: a@example.com\r\n\r\n", "after 0 header fields there is a line that is no field"),
        (b"From: a@example.com\r\nTo: a\rb\r\n\r\n", "after 1 header fields there is a line that is no field"),
        (b"From: a@example.com\r\nTo: a\nb\r\n\r\n", "after 1 header fields there is a line that is no field"),
        (b"From: a@example.com", "after 0 header fields there is a line that is no field"),
        (b"\xef\xbb\xbfFrom: a@example.com\r\n\r\n", "the header begins with a byte order mark"),
        (b"From: a@example.com\r\nTo: \x0bb\r\n\r\n", "there is a control character in header field 2"),
        (b"From: a@example.com\r\nX-Y: a\x00b\r\n\r\n", "there is a control character in header field 2"),
    ],
)
def test_a_header_that_verifiers_read_differently_is_refused(wire: bytes, why: str) -> None:
    with pytest.raises(SigningFailed) as failure:
        sign(wire, [ed25519_key()], at=NOW)
    assert str(failure.value) == why


def test_a_folded_line_of_white_space_is_no_reason_to_refuse() -> None:
    wire = b"From: a@example.com\r\nSubject:\r\n \r\n\r\nx\r\n"
    assert verdicts(sign(wire, [ed25519_key()], at=NOW) + wire, [ed25519_key()]) == [True]


def test_names_beyond_those_that_are_signed_do_not_count() -> None:
    assert signed_names([(b"X-Other", b""), (b"Received", b"")]) == signed_names([])


@pytest.mark.parametrize(
    "wire",
    {
        "a folded value of 1 MB": b"From: a@example.com\r\nSubject:" + b"\r\n " * 300_000 + b"x\r\n\r\n",
        "a value of 1 MB of spaces": b"From: a@example.com\r\nSubject:" + b" " * 1_000_000 + b"x\r\n\r\n",
        "50,000 To fields": b"From: a@example.com\r\n" + b"To: b\r\n" * 50_000 + b"\r\n",
        "a name of 1 MB": b"From: a@example.com\r\n" + b"x" * 1_000_000 + b" \r\n\r\n",
        "26 MB": b"From: a@example.com\r\n\r\n" + b"some words and  more\t\r\n" * 1_200_000,
    }.values(),
    ids=lambda wire: f"{len(wire)}",
)
def test_no_message_takes_more_than_linear_time(wire: bytes) -> None:
    began = time.process_time()
    with contextlib.suppress(SigningFailed):
        sign(wire, [ed25519_key()], at=NOW)
    assert time.process_time() - began < 2.0


class TestSigner:
    def signer(self) -> Signer:
        return Signer(Keyring(keys()))

    def test_without_keys_nothing_is_signed(self) -> None:
        assert Signer().sign(b"anything", at=NOW) == (b"", ())

    def test_all_keys_of_the_domain_sign_and_are_recorded(self) -> None:
        fields, facts = self.signer().sign(WIRE, at=NOW)
        assert verdicts(fields + WIRE, keys()) == [True, True]
        assert facts == (
            Signature("example.com", "r1", Algorithm.RSA, rsa_key().public_key, Alignment.STRICT),
            Signature("example.com", "e1", Algorithm.ED25519, ed25519_key().public_key, Alignment.STRICT),
        )

    def test_a_domain_without_a_key_is_not_signed(self) -> None:
        assert self.signer().sign(WIRE.replace(b"jo@example.com", b"jo@example.org"), at=NOW) == (b"", ())

    def test_of_several_authors_the_first_with_a_key_counts(self) -> None:
        wire = WIRE.replace(b"Jo <jo@example.com>", b"x@example.org, jo@mail.example.com")
        _, facts = self.signer().sign(wire, at=NOW)
        assert {fact.alignment for fact in facts} == {Alignment.RELAXED}

    @pytest.mark.parametrize("author", [b"", b"root", b"<>", b"@"])
    def test_a_message_that_is_nobodys_is_not_sent_unsigned(self, author: bytes) -> None:
        with pytest.raises(SigningFailed, match="no From field with an address"):
            self.signer().sign(WIRE.replace(b"Jo <jo@example.com>", author), at=NOW)

    def test_a_second_from_field_does_not_hide_the_first(self) -> None:
        with pytest.raises(SigningFailed, match="2 From fields"):
            self.signer().sign(b"From: x@example.org\r\n" + WIRE, at=NOW)
