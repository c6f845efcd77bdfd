"""The text of attached files: plain text, HTML, PDF and Word documents. Gives what can be read and skips the rest.

Runs in `confined.py`, which bounds its time and memory. What a file unpacks to is bounded here all the same: most zip
bombs end at a size that is told, not at a process that is killed.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator

import defusedxml.ElementTree
import pypdf

from relay.rendition.decode import decode_body, decode_text, filename
from relay.rendition.mime import Part, parse
from relay.rendition.parts import is_body, leaves
from relay.rendition.text import html_to_text

MOST_FILES = 50
LARGEST = 30 * 1024 * 1024
"""Octets of a file, and of what a part of a document unpacks to."""
MOST_PAGES = 1000
_PLAIN = frozenset({"txt", "csv", "tsv", "md", "log", "json", "xml", "ics", "vcf"})
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_PARTS = ("word/document.xml", "word/header", "word/footer", "word/footnotes.xml", "word/endnotes.xml")
_SPACE = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def attached_texts(content: bytes, room: int) -> Iterator[str]:
    """The texts of a message's attached files, `room` characters in all, in pieces."""
    files = [part for part in leaves(parse(content)) if not is_body(part)]
    for part in files[:MOST_FILES]:
        try:
            for piece in _pieces(part, content, room):
                yield piece[:room] + "\n"
                room -= len(piece)
                if room <= 0:
                    return
        except MemoryError:
            raise
        except Exception:  # noqa: S112 - whatever a library makes of this file, the next one may be readable
            continue


def _pieces(part: Part, content: bytes, room: int) -> Iterator[str]:
    name = filename(part) or ""
    extension = name.rpartition(".")[2].lower()
    kind = part.content_type
    if kind == "text/html" or extension in ("html", "htm", "xhtml"):
        yield html_to_text(decode_text(part, content, 4 * room), room)
    elif kind == "application/pdf" or extension == "pdf":
        yield from _bounded(part, content, pdf_texts)
    elif kind == _WORD or extension == "docx":
        yield from _bounded(part, content, word_texts)
    elif kind.startswith("text/") or extension in _PLAIN:
        yield decode_text(part, content, room)


def _bounded(part: Part, content: bytes, read: Callable[[bytes], Iterator[str]]) -> Iterator[str]:
    data = decode_body(part, content)
    if len(data) <= LARGEST:
        yield from read(data)


def pdf_texts(data: bytes) -> Iterator[str]:
    """The text of each page; of an encrypted file, if it opens without a password."""
    reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted and not reader.decrypt(""):
        return
    for number in range(min(len(reader.pages), MOST_PAGES)):
        yield reader.pages[number].extract_text()


def word_texts(data: bytes) -> Iterator[str]:
    """The text of body, headers, footers and notes of a .docx file, a paragraph a line."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        for entry in packed.infolist():
            if not entry.filename.startswith(_PARTS):
                continue
            with packed.open(entry) as file:
                xml = file.read(LARGEST + 1)
            if len(xml) <= LARGEST:
                yield _paragraphs(xml)


def _paragraphs(xml: bytes) -> str:
    pieces: list[str] = []
    for element in defusedxml.ElementTree.fromstring(xml).iter():
        if element.tag == f"{_SPACE}t":
            pieces.append(element.text or "")
        elif element.tag == f"{_SPACE}p":
            pieces.append("\n")
        elif element.tag in (f"{_SPACE}tab", f"{_SPACE}br"):
            pieces.append(" ")
    return "".join(pieces)
