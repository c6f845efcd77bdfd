"""The short form of the corpus run (see `run.py`): the awkward messages that this machine has, and some of our own."""

from __future__ import annotations

import os
from pathlib import Path

from tests.corpora.collect import folders_here, members
from tests.corpora.run import Trial, go_all_the_way, trials
from tests.corpora.sift import messages, split_mbox
from tests.support.exactclient import normalised, sendable, stuffed
from tests.support.thoroughness import IS_THOROUGH

OWN = {
    "empty": b"",
    "only a line end": b"\r\n",
    "only a dot": b".\r\n",
    "no header": b"\r\nonly a body\r\n",
    "no body": b"Subject: no body\r\n",
    "dots at every kind of line start": b"Subject: dots\r\n\r\n.\r\n..\r\n\n.\n\r.\r.x\n..\r\r\n.\r\n",
    "NUL and all other octets": b"Subject: octets\r\n\r\n" + bytes(range(256)) * 3,
    "bare CR at the end": b"Subject: cr\r\n\r\nends with a CR\r",
    "CR CR LF": b"Subject: crcrlf\r\r\n\r\r\nbody\r\r\n",
    "LF CR": b"Subject: lfcr\n\r\n\rbody\n\r",
    "one long line": b"Subject: long\r\n\r\n" + b"x" * 300_000,
    "a header field without end": b"X-Endless: " + b"y" * 300_000,
    "deep nesting": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(300)
    ),
    "many parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 5_000,
    "crashing headers": (
        b'To: "\r\nFrom: a@[\r\nMessage-ID: <\r\nCc: =?utf-8?q?a=0d=0ab?= <x@y>\r\nReply-To: ((((((((\r\n'
        b"Date: Mon, 99 Foo 99999 99:99:99 +9999\r\nSubject: =?idna?b?AAAA?= =?zlib?q?x?= =?rot13?q?=00?=\r\n"
        b"Content-Type: text/plain; charset=\"a\\0b\"; name*=''; name*0*=x\r\n\r\nbody\r\n"
    ),
    "8-bit everywhere": "Subject: käse\r\nFrom: Jürgen <j@example.com>\r\n\r\nGrüße\r\n".encode("latin-1"),
    "unpaired surrogate": b"Subject: \xed\xa0\x80 \xff\xfe\r\n\r\n\xed\xa0\x80\r\n",
    "markup": b"Subject: <script>alert(1)</script>\r\nContent-Type: text/html\r\n\r\n<img src=x onerror=alert(1)>\r\n",
    "attachment with a bad name": (
        b'Content-Type: application/pdf; name="../../etc/passwd\r\n\tx"\r\nContent-Disposition: attachment;'
        b" filename*=utf-8''..%2F%00%0D%0Aevil.html\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!not base64\r\n"
    ),
}


def at_hand() -> list[tuple[str, bytes]]:
    """Our own samples, then those of Python's test suite and of a corpus folder, where there are any."""
    named = os.environ.get("MAILWITNESS_CORPUS")
    folders = [*([Path(named)] if named else []), *folders_here()]
    found = list(OWN.items())
    for folder in folders:
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            for inner, octets in members(path.name, path.read_bytes()):
                found += [(f"{path}:{inner}", message) for message in messages(inner, octets)]
    return found


async def test_awkward_messages_go_all_the_way_unchanged_and_nothing_answers_500(tmp_path):
    def is_visited(number: int, trial: Trial) -> bool:
        """All of our own and one in twelve of the others: the long form looks at every one."""
        return trial.origin.partition(" ")[2] in OWN or number % 12 == 0

    evidence = 1 if IS_THOROUGH else 4
    findings = await go_all_the_way(tmp_path, at_hand(), deadline=60.0, is_visited=is_visited, evidence_every=evidence)
    print(findings)
    assert findings.wrong == []
    assert findings.counts["answered 250"] >= len(OWN)
    assert any(what.startswith("GET /messages/{id}") for what in findings.counts)
    assert findings.counts["GET /api/messages/{id}/evidence"] * evidence >= len(OWN)


def test_a_message_is_tried_raw_and_as_crlf_text_and_once_where_both_are_the_same():
    found = trials([("a", b"Subject: a\n\n.\n"), ("b", b"Subject: b\r\n\r\n")])
    assert [(one.origin, one.content) for one in found] == [
        ("crlf a", b"Subject: a\r\n\r\n.\r\n"),
        ("raw a", b"Subject: a\n\n.\n\r\n"),
        ("crlf b", b"Subject: b\r\n\r\n"),
    ]


def test_the_reference_for_upstream_makes_each_bare_line_end_a_crlf():
    trial = Trial("r@example.net", b"a\nb\rc\r\r\nd\n\re\r\n", "")
    assert trial.upstream_digest == Trial("", b"a\r\nb\r\nc\r\nd\r\n\r\ne\r\n", "").digest


def test_only_dots_after_crlf_are_stuffed():
    assert stuffed(b".a\r\n.\r\n\n.\n\r.\r..\r\n") == b"..a\r\n..\r\n\n.\n\r.\r..\r\n.\r\n"
    assert stuffed(b"") == b".\r\n"
    assert sendable(b"x") == b"x\r\n"
    assert normalised(b"a\nb\rc") == b"a\r\nb\r\nc\r\n"


def test_an_mbox_is_split_at_postmarks_after_an_empty_line_only():
    mbox = (
        b"From a@example.com Thu Aug 22 16:37:34 2002\nSubject: 1\n\nFrom here to 2002\n\n"
        b"From b@example.com Thu Aug 22 16:37:34 2002\nSubject: 2\n\nbody\nFrom c Thu Aug 22 16:37:34 2002\n"
    )
    assert split_mbox(mbox) == [
        b"Subject: 1\n\n" + b"From here to 2002\n\n",
        b"Subject: 2\n\nbody\nFrom c Thu Aug 22 16:37:34 2002\n",
    ]
