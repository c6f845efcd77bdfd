"""Many messages as one file: ZIP of .eml files, mbox, CSV, or a single .eml.

Each writer gets a record and its content piece by piece and returns the octets to write so far, so memory stays flat.
Does no I/O and reads no archive. ZIP keeps each content verbatim and proves it in a manifest; mbox cannot (mboxrd
quoting, LF line ends; RFC 4155), and is for mail programs. CSV: RFC 4180, safe to open in a spreadsheet.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OLDEST_ZIP_DATE = datetime(1980, 1, 1, tzinfo=UTC)
_NEWEST_ZIP_DATE = datetime(2107, 12, 31, tzinfo=UTC)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The full-width forms too: spreadsheets of some locales take them for the plain ones."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is said of one message beside its content. `number` counts from 1 within the export."""

    number: int
    id: str
    received_at: int
    """UTC microseconds."""
    sender: str
    """The reverse-path, '' for the null one."""
    author: str
    recipients: tuple[str, ...]
    subject: str
    application: str
    status: str
    references: tuple[str, ...]
    tags: tuple[str, ...]
    attachment_count: int
    size: int
    sha256: str
    header_message_id: str
    parent_id: str
    deleted: str = ""
    """When, by whom and why its content was deleted; '' while there is one."""

    @property
    def filename(self) -> str:
        """`000001.eml`; never a text out of the message, which could name a path."""
        return f"{self.number:06}.eml"


COLUMNS: dict[str, Callable[[Record], str]] = {
    "number": lambda record: str(record.number),
    "file": lambda record: "" if record.deleted else record.filename,
    "id": lambda record: record.id,
    "received_at": lambda record: moment(record.received_at).isoformat(timespec="microseconds"),
    "sender": lambda record: record.sender,
    "author": lambda record: record.author,
    "recipients": lambda record: ", ".join(record.recipients),
    "subject": lambda record: record.subject,
    "application": lambda record: record.application,
    "status": lambda record: record.status,
    "references": lambda record: ", ".join(record.references),
    "tags": lambda record: ", ".join(record.tags),
    "attachments": lambda record: str(record.attachment_count),
    "size": lambda record: str(record.size),
    "sha256": lambda record: record.sha256,
    "message_id": lambda record: record.header_message_id,
    "parent_id": lambda record: record.parent_id,
    "deleted": lambda record: record.deleted,
}


class Writer(Protocol):
    """Call for each message `begin`, `feed` for each piece of its content, `end`; at last `finish`.

    `note` instead for a message whose content was deleted: it is told of where the format has room for that.

    `abandon` instead, or afterwards: nothing more will come.
    """

    wants_content: bool

    def begin(self, record: Record) -> bytes: ...
    def note(self, record: Record) -> bytes: ...
    def feed(self, piece: bytes) -> bytes: ...
    def end(self) -> bytes: ...
    def finish(self) -> bytes: ...
    def abandon(self) -> None: ...


class EmlWriter:
    """One content, as it is. The caller sees to it that there is only one."""

    wants_content = True

    def begin(self, record: Record) -> bytes:
        return b""

    def note(self, record: Record) -> bytes:
        return b""

    def feed(self, piece: bytes) -> bytes:
        return piece

    def end(self) -> bytes:
        return b""

    def finish(self) -> bytes:
        return b""

    def abandon(self) -> None:
        pass


class CsvWriter:
    """A line a message, with a header line; UTF-8 with the byte order mark that spreadsheets look for."""

    wants_content = False

    def __init__(self) -> None:
        self._is_begun = False

    def begin(self, record: Record) -> bytes:
        line = csv_line([column(record) for column in COLUMNS.values()])
        return self._header() + line

    def note(self, record: Record) -> bytes:
        return self.begin(record)

    def feed(self, piece: bytes) -> bytes:
        return b""

    def end(self) -> bytes:
        return b""

    def finish(self) -> bytes:
        return self._header()

    def abandon(self) -> None:
        pass

    def _header(self) -> bytes:
        if self._is_begun:
            return b""
        self._is_begun = True
        return b"\xef\xbb\xbf" + csv_line(list(COLUMNS))


class MboxWriter:
    """mboxrd: a `From ` line before each message, `>` before each `>*From ` line of it, LF line ends.

    What matters at the seam of two pieces: a CR that may belong to a CRLF, and the beginning of `From `.
    """

    wants_content = True

    def __init__(self) -> None:
        self._held = b""
        self._is_at_line_start = True
        """Only `>` have been seen in this line."""
        self._last = b""

    def begin(self, record: Record) -> bytes:
        self._held, self._is_at_line_start, self._last = b"", True, b""
        sender = re.sub(r"[^!-~]", "_", record.sender) or "MAILER-DAEMON"
        return f"From {sender} {_asctime(moment(record.received_at))}\n".encode("ascii")

    def note(self, record: Record) -> bytes:
        return b""

    def feed(self, piece: bytes) -> bytes:
        data = self._held + piece
        held = _UNDECIDED.search(data[-5:])
        self._held = held[0] if held is not None else b""
        return self._quoted(data[: len(data) - len(self._held)])

    def end(self) -> bytes:
        is_line_open = bool(self._held) or self._last not in (b"", b"\n")
        return self._held + (b"\n\n" if is_line_open else b"\n")

    def finish(self) -> bytes:
        return b""

    def abandon(self) -> None:
        pass

    def _quoted(self, data: bytes) -> bytes:
        data = data.replace(b"\r\n", b"\n")
        self._last = data[-1:] or self._last
        first = b""
        if not self._is_at_line_start:
            line_end = data.find(b"\n") + 1 or len(data)
            first, data = data[:line_end], data[line_end:]
        if first.endswith(b"\n") or data:
            last_line = data[data.rfind(b"\n") + 1 :]
            self._is_at_line_start = not last_line.strip(b">")
        return first + _FROM_LINE.sub(rb"\1>From ", data)


_UNDECIDED = re.compile(rb"(?:From|Fro|Fr|F)?\r?\Z")
_FROM_LINE = re.compile(rb"^(>*+)From ", re.MULTILINE)


class ZipWriter:
    """`000001.eml`, `000002.eml` …, each verbatim, and `manifest.csv` with their hashes."""

    wants_content = True

    def __init__(self) -> None:
        self._sink = Sink()
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._manifest = CsvWriter()
        self._lines: list[bytes] = []
        self._entry: io.BufferedIOBase = io.BytesIO()
        self._newest = _EPOCH

    def begin(self, record: Record) -> bytes:
        self._lines.append(self._manifest.begin(record))
        received = moment(record.received_at)
        self._newest = max(self._newest, received)
        self._entry = self._open(record.filename, received, record.size)
        return self._sink.take()

    def note(self, record: Record) -> bytes:
        self._lines.append(self._manifest.note(record))
        return b""

    def feed(self, piece: bytes) -> bytes:
        self._entry.write(piece)
        return self._sink.take()

    def end(self) -> bytes:
        self._entry.close()
        return self._sink.take()

    def finish(self) -> bytes:
        manifest = b"".join([*self._lines, self._manifest.finish()])
        with self._open("manifest.csv", self._newest, len(manifest)) as entry:
            entry.write(manifest)
        self._zip.close()
        return self._sink.take()

    def abandon(self) -> None:
        """zipfile complains of an entry left open."""
        self._entry.close()
        self._zip.close()
        self._sink.take()

    def _open(self, name: str, at: datetime, size: int) -> io.BufferedIOBase:
        at = min(max(at, _OLDEST_ZIP_DATE), _NEWEST_ZIP_DATE)
        entry = zipfile.ZipInfo(name, at.timetuple()[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o600 << 16
        entry.file_size = size
        return self._zip.open(entry, "w")  # type: ignore[return-value]  # a private class of zipfile


class Sink(io.RawIOBase):
    """Where zipfile writes to: what was written since the last `take`. Cannot seek, so zipfile streams."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces = []
        return taken


WRITERS: dict[str, Callable[[], Writer]] = {
    "eml": EmlWriter,
    "mbox": MboxWriter,
    "zip": ZipWriter,
    "csv": CsvWriter,
}
CONTENT_TYPES = {
    "eml": "message/rfc822",
    "mbox": "application/mbox",
    "zip": "application/zip",
    "csv": "text/csv; charset=utf-8",
}


def moment(microseconds: int) -> datetime:
    """UTC microseconds as a datetime; the epoch for what no datetime can hold."""
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return _EPOCH


def safe_cell(text: str) -> str:
    """`text` on one line, with an apostrophe before what a spreadsheet would run as a formula.

    >>> safe_cell("=HYPERLINK(…)")
    "'=HYPERLINK(…)"
    """
    text = _CONTROL.sub(" ", text).strip()
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def has_control(text: str) -> bool:
    """Whether there is a control character, a line end of any kind or half a character in `text`."""
    return _CONTROL.search(text) is not None


def csv_line(cells: list[str]) -> bytes:
    """A line of a CSV table, no cell of which is a formula."""
    line = io.StringIO()
    csv.writer(line).writerow([safe_cell(cell) for cell in cells])
    return line.getvalue().encode("utf-8", "replace")


def _asctime(at: datetime) -> str:
    """`Tue Nov 24 13:46:39 2026`, whatever the locale."""
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[at.weekday()]
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{day} {months[at.month - 1]} {at.day:2} {at:%H:%M:%S} {at.year}"
