"""Messages found in files: which files are messages, which are mboxes, and the octets of each message in them.

Pure. Knows nothing of packages or archives (`collect.py`). Octets are never changed: a message is a slice of its file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

LARGEST = 40 * 1024 * 1024
SURE = frozenset({".eml", ".mbox", ".mbx", ".msg", ".mail", ".email", ".rfc822", ".mime", ".mml", ".out_mail", ".spam"})
"""Endings under which even a file that looks like nothing is a message: those are the ones worth sending."""
_NEVER = """
    .py .pyc .pl .pm .rb .c .h .cc .cpp .hpp .java .js .ts .go .rs .php .sh .el .lua .sql .po .pot .mo .html .htm .xml
    .css .md .rst .tex .pod .texi .json .yml .yaml .toml .ini .cfg .conf .patch .diff .png .jpg .jpeg .gif .svg .ico
    .pdf .doc .xls .rtf .gz .bz2 .xz .zip .tar .tgz .so .o .a .exe .dll .ui .qrc .cmake .am .ac .in .m4 .1 .3 .5 .7 .8
    .csv .tsv .db .sqlite .pem .crt .key .asc .sig .changes .dsc .control .install .t .vcf .ics .svtest .sieve .sample
    """
NEVER = frozenset(_NEVER.split())
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
_KNOWN_TEXT = b"""
    from to cc bcc subject date received message-id mime-version content-type return-path delivered-to reply-to sender
    x-mailer references in-reply-to content-transfer-encoding status x-status errors-to precedence resent-from
    dkim-signature arc-seal authentication-results list-id x-spam-status envelope-to
    """
_KNOWN = frozenset(_KNOWN_TEXT.split())
_POSTMARK = re.compile(rb"^From [^\r\n]*\d\d:\d\d[^\r\n]*\d{4}[^\r\n]*\r?\n", re.MULTILINE)


def messages(name: str, octets: bytes) -> Iterator[bytes]:
    """The messages in the file `name`: itself, the members of an mbox, or none."""
    ending = PurePosixPath(name).suffix.lower()
    if not octets or len(octets) > LARGEST or octets.startswith(b"\xd0\xcf\x11\xe0") or ending in NEVER:
        return
    if _POSTMARK.match(octets):
        yield from (part for part in split_mbox(octets) if is_like_a_message(part) or ending in SURE)
    elif ending in SURE or is_like_a_message(octets):
        yield octets


def split_mbox(octets: bytes) -> list[bytes]:
    """The slices between the `From ` lines that follow an empty line (or begin the file), without those lines."""
    marks = [
        mark
        for mark in _POSTMARK.finditer(octets)
        if mark.start() == 0 or octets[: mark.start()][-4:].endswith((b"\n\n", b"\r\n\r\n"))
    ]
    stops = [mark.start() for mark in marks[1:]] + [len(octets)]
    return [octets[mark.end() : stop] for mark, stop in zip(marks, stops, strict=True) if stop > mark.end()]


def is_like_a_message(octets: bytes) -> bool:
    """At least two known header fields among the first lines, and a header field (or a postmark) first of all."""
    lines = octets[:4096].splitlines()[:25]
    if not lines or not (_FIELD.match(lines[0]) or lines[0].startswith((b"From ", b">From "))):
        return False
    names = {match[1].lower() for line in lines if (match := _FIELD.match(line))}
    return len(names & _KNOWN) >= 2
