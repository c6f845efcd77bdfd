"""What every sent copy may need: our Received field, and line ends made CRLF. All as edits; nothing is re-encoded.

RFC 5321 section 4.4 (trace), section 2.3.8 (lines). Takes plain values: rendition knows no configuration and no clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from relay.model.edit import Edit
from relay.rendition.edit import merge
from relay.rendition.mime import header_fields

MAX_LINE_END_EDITS = 10_000
"""Beyond this many in all, the content between two other edits is replaced as a whole: still exact, cheap to store."""

OWN_PREFIX = "x-mailwitness-"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNSAFE = re.compile(r"[^A-Za-z0-9.:_\[\]-]")
_NOT_IN_COMMENT = re.compile(r"[^A-Za-z0-9.:_\[\]/@ -]")
_PEER = re.compile(r"\[?([0-9A-Fa-f:.]+?)\]?(?::[0-9]{1,5})?")

# A broken line end: CRs before a CRLF are one line end together with it, see mime.LINE_END.
_BROKEN_LINE_END = re.compile(rb"\r{2,8}\n|(?<!\r)\n|\r(?!\r{0,7}\n)")


def date_time(at: int) -> str:
    """`at` (UTC microseconds) as RFC 5322 section 3.3 writes it: `Tue, 24 Nov 2026 13:46:38 +0000`."""
    return _second(at // 1_000_000)


@lru_cache(maxsize=64)
def _second(at: int) -> str:
    when = _EPOCH + timedelta(seconds=at)
    day, month = _DAYS[when.weekday()], _MONTHS[when.month - 1]
    return f"{day}, {when.day} {month} {when.year:04} {when:%H:%M:%S} +0000"


def received_edit(
    kind: str,
    *,
    hostname: str,
    protocol: str,
    message_id: str,
    received_at: int,
    helo: str = "",
    peer: str = "",
    application: str = "",
    tls: str = "",
) -> tuple[Edit, ...]:
    """The edit that puts our Received field on top; none for kind `none`.

    `minimal` says by whom, how, under which id and when; `full` also from where: `helo`, `peer` (as in
    `Reception.peer`), `application`, `tls`. Whatever a client chose is reduced to harmless characters.
    There is no `for` clause: it would tell one recipient of another (Bcc).

        Received: from app.example ([192.0.2.7]) (billing, TLSv1.3)
         by relay.example with ESMTPSA id 01J...;
         Tue, 24 Nov 2026 13:46:38 +0000
    """
    if kind == "none":
        return ()
    clauses = [f"by {_word(hostname)} with {_word(protocol)} id {_word(message_id)};", date_time(received_at)]
    if kind == "full":
        clauses.insert(0, _from_clause(helo, peer, application, tls))
    field = "Received: " + "\r\n ".join(clauses) + "\r\n"
    return (Edit(0, 0, field.encode("ascii"), "trace"),)


def own_header_edits(content: bytes) -> tuple[Edit, ...]:
    """The edits that take our own fields, `X-Mailwitness-*`, out of the message's header section.

    They speak to us alone (tags, metadata); the recipient has no use for them. Fields of others are never touched.
    """
    return tuple(
        Edit(field.start, field.stop, b"", "own-headers")
        for field in header_fields(content)
        if field.key.startswith(OWN_PREFIX)
    )


def transit_edits(content: bytes, received: tuple[Edit, ...] = (), tracking: tuple[Edit, ...] = ()) -> tuple[Edit, ...]:
    """All edits of a sent copy: the Received field, our own fields out, `tracking`, line ends made CRLF.

    A clean content without our fields needs none, so what is sent then is what came.
    """
    around = merge(own_header_edits(content), tracking)
    return merge(received, around, line_end_edits(content, around))


def line_end_edits(content: bytes, around: Sequence[Edit] = ()) -> tuple[Edit, ...]:
    """The edits that make every line end of `content` a CRLF, and give the last line one if it has none.

    `around`: edits of other steps, in order, whose ranges are left alone; they never begin or end within a line end.
    More than MAX_LINE_END_EDITS in all become one for each stretch between two others, which replaces it.
    """
    gaps = [(start, stop, _broken(content, start, stop)) for start, stop in _gaps(len(content), around)]
    are_many = sum(broken for _, _, broken in gaps) > MAX_LINE_END_EDITS
    edits = [edit for gap in gaps for edit in _gap_edits(content, *gap, as_one=are_many)]
    if _lacks_end(content, around):
        edits.append(Edit(len(content), len(content), b"\r\n", "line-ends"))
    return tuple(edits)


def _broken(content: bytes, start: int, stop: int) -> int:
    pairs = content.count(b"\r\n", start, stop)
    return content.count(b"\r", start, stop) + content.count(b"\n", start, stop) - 2 * pairs


def _gap_edits(content: bytes, start: int, stop: int, broken: int, *, as_one: bool) -> list[Edit]:
    if not broken:
        return []
    if as_one:
        return [Edit(start, stop, _with_crlf(content[start:stop]), "line-ends")]
    return [
        Edit(match.start(), match.end(), b"\r\n", "line-ends")
        for match in _BROKEN_LINE_END.finditer(content, start, stop)
    ]


def _with_crlf(octets: bytes) -> bytes:
    """The same line ends as _BROKEN_LINE_END finds, by whole-string steps that stay cheap for millions of them."""
    for _ in range(7):
        octets = octets.replace(b"\r\r\n", b"\r\n")
    return octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def _lacks_end(content: bytes, around: Sequence[Edit]) -> bool:
    """What comes out at the end, with the edits `around`, is no line end. (A field taken out leaves the one before.)"""
    if not around or around[-1].stop < len(content):
        return bool(content) and content[-1] not in b"\r\n"
    return bool(around[-1].replacement) and around[-1].replacement[-1] not in b"\r\n"


def _gaps(size: int, around: Sequence[Edit]) -> Iterator[tuple[int, int]]:
    position = 0
    for edit in around:
        if edit.start > position:
            yield position, edit.start
        position = edit.stop
    if position < size:
        yield position, size


def _from_clause(helo: str, peer: str, application: str, tls: str) -> str:
    match = _PEER.fullmatch(peer)
    if match is None:
        address = _comment(peer) or "unknown"
    else:
        address = f"[IPv6:{match[1]}]" if ":" in match[1] else f"[{match[1]}]"
    facts = ", ".join(fact for fact in (_comment(application), _comment(tls)) if fact)
    return f"from {_word(helo)} ({address})" + (f" ({facts})" if facts else "")


def _word(text: str) -> str:
    return _UNSAFE.sub("?", text)[:255] or "unknown"


def _comment(text: str) -> str:
    return _NOT_IN_COMMENT.sub("?", text)[:100].strip()
