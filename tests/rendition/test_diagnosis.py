"""Why mail was refused: each row of the table of words has its line, and codes and words stand in their order."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.model.bounce import BounceClass
from relay.rendition import diagnosis
from relay.rendition.diagnosis import classify, code_in, exact_status
from relay.rendition.findings import Finding
from relay.rendition.wording_strong import STRONG
from relay.rendition.wording_weak import WEAK

LINES = [line.split("\t") for line in (Path(__file__).with_name("wording.tsv")).read_text().splitlines()]


@pytest.mark.parametrize(("finding", "line"), LINES)
def test_a_line_leads_to_its_finding(finding: str, line: str) -> None:
    assert classify(None, "", line).finding.name == finding


def test_each_row_of_the_table_has_a_line() -> None:
    texts = [line.lower() for _, line in LINES]
    assert [w.row for w in STRONG + WEAK if not any(w.pattern.search(text) for text in texts)] == []


@pytest.mark.parametrize("table", [diagnosis.EXACT, diagnosis.VAGUE])
def test_each_enhanced_code_of_the_tables_leads_to_its_finding(table: dict[str, Finding]) -> None:
    for detail, finding in table.items():
        assert classify(None, f"5.{detail}", "").finding is finding


@pytest.mark.parametrize(("code", "finding"), diagnosis.CODES.items())
def test_a_code_alone_leads_to_its_finding(code: int, finding: Finding) -> None:
    assert classify(code, "", "").finding is finding


@pytest.mark.parametrize("finding", Finding)
def test_each_finding_is_explained_in_sentences(finding: Finding) -> None:
    assert finding.value.explanation.endswith(".")
    assert finding.value.action.endswith(".")


@pytest.mark.parametrize(
    ("code", "enhanced", "text", "finding"),
    [
        (550, "5.1.1", "blocked using zen.spamhaus.org", Finding.BLOCKLIST),
        (550, "5.1.1", "the request was rejected", Finding.NO_MAILBOX),
        (550, "5.7.1", "No such user here", Finding.NO_MAILBOX),
        (550, "5.7.1", "go away", Finding.NOT_PERMITTED),
        (550, "5.7.999", "go away", Finding.NOT_PERMITTED),
        (550, "", "5.2.2 go away", Finding.FULL),
        (552, "", "go away", Finding.FULL),
        (550, "", "go away", Finding.UNKNOWN),
        (499, "", "go away", Finding.TEMPORARY),
        (None, "", "", Finding.UNKNOWN),
        (550, "", "550 <junkmail@example.com> go away", Finding.UNKNOWN),
    ],
)
def test_exact_codes_then_words_then_vague_codes(code: int | None, enhanced: str, text: str, finding: Finding) -> None:
    assert classify(code, enhanced, text).finding is finding


@pytest.mark.parametrize(("code", "enhanced"), [(450, ""), (450, "4.1.1"), (None, "4.1.1"), (550, "4.1.1")])
def test_what_is_only_for_now_is_never_hard(code: int | None, enhanced: str) -> None:
    assert classify(code, enhanced, "no such user").bounce is BounceClass.SOFT
    assert classify(550, "", "no such user").bounce is BounceClass.HARD


@pytest.mark.parametrize(
    ("enhanced", "text", "status"),
    [
        ("5.1.1", "5.2.2", "5.1.1"),
        ("5.0.0", "550 5.1.1 unknown", "5.1.1"),
        ("5.0.0", "", "5.0.0"),
        ("", "host 5.6.7.8 said 550 no", ""),
        ("", "(#5.7.1)", "5.7.1"),
        ("", "see 5.1.1.", "5.1.1"),
    ],
)
def test_the_status_that_says_most_is_used(enhanced: str, text: str, status: str) -> None:
    assert exact_status(enhanced, text) == status
    assert classify(None, enhanced, text).status == status


@pytest.mark.parametrize(
    ("text", "code"),
    [("550 no", 550), ("host 1.2.3.4 said: 452-full", 452), ("250 ok", None), ("port 25", None), ("", None)],
)
def test_the_code_is_found_in_the_text(text: str, code: int | None) -> None:
    assert code_in(text) == code


@given(st.none() | st.integers(), st.text(max_size=40), st.text())
def test_any_text_has_a_class(code: int | None, enhanced: str, text: str) -> None:
    assert classify(code, enhanced, text).explanation
