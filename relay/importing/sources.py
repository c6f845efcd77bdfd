"""A path and everything under it, told apart: what is a message, a file of messages, or neither.

Links are not followed, and files that mail programs keep beside mail (indexes, lists) are passed over. What is neither
mail nor known is a problem, so that nothing is left out in silence.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from fnmatch import translate
from pathlib import Path

from relay.archive import mailpit
from relay.importing import mbox, postfix
from relay.importing.claims import is_message
from relay.importing.found import Claim, Found, Problem, Unreadable, file_chunks, shown

FORMATS = ("auto", "mbox", "mboxrd", "maildir", "eml", "mailpit", "postfix")
BESIDE = (
    "*.msf",
    "dovecot*",
    "courier*",
    "maildirfolder",
    "maildirsize",
    "subscriptions",
    "Thumbs.db",
    "*-wal",
    "*-shm",
)
"""Names of files that mail programs keep beside mail."""
_BESIDE = re.compile("|".join(map(translate, BESIDE)))
HEAD = 4096


def walk(path: Path, format_: str = "auto") -> Iterator[Found | Problem]:
    """Everything that the path leads to, by name. `format_`: one of FORMATS; what is of another is a problem then."""
    path = path.absolute()
    if not path.exists():
        yield Problem(shown(path), "", "there is no such file")
    elif not path.is_dir():
        yield from _guarded(path, format_, is_named=True)
    else:
        yield from _folder(path, format_)


def _folder(top: Path, format_: str) -> Iterator[Found | Problem]:
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            entries = _entries(folder)
            # The folder that was named may be a link; of those in it none is followed.
            folders = [Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError as error:
            yield Problem(shown(folder), "", error.strerror or str(error))
            continue
        if {"cur", "new"} <= {entry.name for entry in folders}:
            if format_ in ("auto", "maildir"):
                for part in ("cur", "new"):
                    yield from _maildir(folder / part)
            folders = [entry for entry in folders if entry.name not in ("cur", "new", "tmp")]
        else:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    yield from _beside_or_mail(Path(entry), format_)
        waiting += reversed(folders)


def _beside_or_mail(entry: Path, format_: str) -> Iterator[Found | Problem]:
    if not entry.name.startswith(".") and not _BESIDE.match(entry.name):
        yield from _guarded(entry, format_, is_named=False)


def _maildir(folder: Path) -> Iterator[Found | Problem]:
    try:
        entries = _entries(folder)
    except OSError as error:
        yield Problem(shown(folder), "", error.strerror or str(error))
        return
    for entry in entries:
        if not entry.name.startswith("."):
            yield from _guarded(Path(entry), "maildir", is_named=True)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, by name."""
    with os.scandir(folder) as found:
        return sorted(found, key=lambda entry: entry.name)


def _guarded(path: Path, format_: str, *, is_named: bool) -> Iterator[Found | Problem]:
    """What is in the file; what cannot be read is a problem, and the next file is looked at."""
    try:
        yield from _file(path, format_, is_named=is_named)
    except (Unreadable, mailpit.NotMailpit) as error:
        yield Problem(shown(path), "", str(error))
    except OSError as error:
        yield Problem(shown(path), "", error.strerror or str(error))


def _file(path: Path, format_: str, *, is_named: bool) -> Iterator[Found]:
    facts = path.stat() if is_named and format_ != "maildir" else path.lstat()
    if not stat.S_ISREG(facts.st_mode):
        raise Unreadable("it is no regular file; links are not followed")
    with path.open("rb") as file:
        head = file.read(HEAD)
    kind = _kind(path, head, format_, is_named=is_named)
    at = facts.st_mtime_ns // 1000
    if kind in ("mbox", "mboxrd"):
        yield from mbox.messages(path, is_mboxrd=kind == "mboxrd")
    elif kind == "mailpit":
        yield from _mailpit(path)
    elif kind == "postfix":
        yield postfix.message(path)
    else:
        notes = {"flags": path.name.rpartition(":2,")[2]} if kind == "maildir" and ":2," in path.name else {}
        claim = Claim(at if at >= 0 else None, "file", notes=notes)
        yield Found(shown(path), kind, file_chunks(path), claim=claim)


def _kind(path: Path, head: bytes, wanted: str, *, is_named: bool) -> str:
    """The format of the file. Raises Unreadable: it is none that is known, or not the one that is wanted."""
    if wanted == "maildir":
        if not is_message(head):
            raise Unreadable("it is no message: it does not begin with a field" if head else "it is empty")
        return wanted
    if not head and wanted in ("auto", "mbox", "mboxrd") and path.suffix.lower() != ".eml":
        return "mbox"
    kind = _guess(path, head, is_named=is_named or wanted == "eml")
    if kind == "mbox" and wanted == "mboxrd":
        return wanted
    if wanted not in ("auto", kind):
        raise Unreadable(f"it is no {wanted}" + (f", but looks like {kind}" if kind else ""))
    if not kind:
        raise Unreadable("it is neither a message nor a file of messages" if head else "it is empty")
    return kind


def _guess(path: Path, head: bytes, *, is_named: bool) -> str:
    if head.startswith(mailpit.MAGIC):
        return "mailpit"
    if head.startswith(b"From "):
        return "mbox"
    if postfix.is_queue_file(head):
        return "postfix"
    return "eml" if is_message(head) and (is_named or path.suffix.lower() == ".eml") else ""


def _mailpit(path: Path) -> Iterator[Found]:
    for one in mailpit.kept(path):
        claim = Claim(
            one.created,
            "Mailpit" if one.created is not None else "",
            notes={"username": one.username} if one.username else {},
        )
        yield Found(
            shown(path),
            "mailpit",
            lambda one=one: mailpit.octets(path, one),  # type: ignore[misc]
            place=one.id,
            name=one.id,
            claim=claim,
        )
