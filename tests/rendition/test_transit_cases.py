"""Numbered cases, each several files with one stem in `cases/`:

NNN-name.eml     the content as it came
NNN-name.edits   the edits of its plain sent copy, one a line: `start stop step replacement` (a Python bytes literal)
NNN-name.wire    the octets that go out
"""

import ast
from pathlib import Path

import pytest

from relay.model.edit import Edit
from relay.rendition.edit import splice
from relay.rendition.trace import received_edit, transit_edits

CASES = sorted((Path(__file__).parent / "cases").glob("*.eml"))
RECEIVED = received_edit(
    "minimal", hostname="relay.example", protocol="ESMTP", message_id="01J0", received_at=1_795_527_998_000_000
)


def read_edits(path: Path) -> tuple[Edit, ...]:
    edits = []
    for line in path.read_text().splitlines():
        start, stop, step, replacement = line.split(" ", 3)
        edits.append(Edit(int(start), int(stop), ast.literal_eval(replacement), step))
    return tuple(edits)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_a_sent_copy_is_the_content_with_the_expected_edits(case: Path) -> None:
    content = case.read_bytes()
    edits = transit_edits(content, RECEIVED)
    assert edits == read_edits(case.with_suffix(".edits"))
    assert splice(content, edits) == case.with_suffix(".wire").read_bytes()


def test_there_are_cases() -> None:
    assert len(CASES) >= 6
