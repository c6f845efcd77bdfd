"""What relay/ says in English has its sentence for other languages."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from relay.archive.query import QuerySyntaxError, parse_query
from relay.feedback.classify import Circumstances, classify
from relay.model.token import TokenKind
from relay.rendition import untouched
from relay.rendition.findings import Finding
from viewer import retelling, tongue
from viewer.retelling import retold
from viewer.translation import Saying

CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36"
FETCHES = (
    Circumstances(TokenKind.OPEN, "GET", CHROME),
    Circumstances(TokenKind.UNSUBSCRIBE, "POST", CHROME),
    Circumstances(TokenKind.HONEYPOT, "GET", CHROME),
    Circumstances(TokenKind.OPEN, "HEAD", CHROME),
    Circumstances(TokenKind.OPEN, "GET", CHROME, signals=(("Purpose", "prefetch"),)),
    Circumstances(TokenKind.OPEN, "GET", "GoogleImageProxy"),
    Circumstances(TokenKind.CLICK, "GET", "Mimecast"),
    Circumstances(TokenKind.OPEN, "GET", "Mozilla/5.0"),
    Circumstances(TokenKind.CLICK, "GET", ""),
    Circumstances(TokenKind.CLICK, "GET", CHROME, is_near_trap=True),
    Circumstances(TokenKind.CLICK, "GET", CHROME, links=9, links_at_once=3),
    Circumstances(TokenKind.CLICK, "GET", CHROME, links=2, links_at_once=2),
    Circumstances(TokenKind.CLICK, "GET", CHROME, since_sent=1),
)
FAULTS = (
    *("x" * 5000, "a)", "colour:red", '"open', "from:", "(a OR )", "OR a", "((a", "(" * 60 + "a", "a " * 400),
    *("status:odd", "header:X", "larger:many", "after:soon", "on:soon", "--" * 60 + "a"),
)
RENDITION = Path(untouched.__file__).parent


@pytest.mark.parametrize("finding", list(Finding))
def test_findings_are_retold(finding: Finding) -> None:
    for text in (finding.value.explanation, finding.value.action):
        assert isinstance(retold(text), Saying), text
        assert retold(text) == text


@pytest.mark.parametrize("fetch", FETCHES)
def test_opinions_are_retold(fetch: Circumstances) -> None:
    reason = classify(fetch).reason
    assert isinstance(retold(reason), Saying), reason
    assert retold(reason) == reason


@pytest.mark.parametrize("text", FAULTS, ids=lambda text: text[:20])
def test_faults_of_a_search_are_retold(text: str) -> None:
    with pytest.raises(QuerySyntaxError) as raised:
        parse_query(text, now=0)
    assert isinstance(retold(str(raised.value)), Saying), str(raised.value)
    assert retold(str(raised.value)) == str(raised.value)


@pytest.mark.parametrize("file", ["untouched.py", "leaf.py", "leaf_base64.py", "leaf_quoted.py"])
def test_reasons_to_leave_a_part_alone_are_retold(file: str) -> None:
    """Each text there that is said of a part: `it …` or `its …`."""
    said = [
        "".join(part.value if isinstance(part, ast.Constant) else "x" for part in node.values)  # type: ignore[misc]
        if isinstance(node, ast.JoinedStr)
        else str(node.value)
        for node in ast.walk(ast.parse((RENDITION / file).read_text()))
        if isinstance(node, ast.JoinedStr | ast.Constant)
    ]
    reasons = [text for text in said if re.match(r"its? [a-z]", text) and not text.endswith("(")]
    assert reasons
    for reason in reasons:
        if any(other != reason and other.startswith(reason) for other in reasons) or reason.endswith(": "):
            continue
        told = retold(f"part 1 left alone: {reason}")
        assert isinstance(told, Saying)
        assert isinstance(told.values["why"], Saying), reason


def test_values_within_are_retold_and_what_is_not_known_stays() -> None:
    tongue.prefer("de", "UTC")
    try:
        told = retold("2 links left alone: to unsubscribe")
        assert isinstance(told, Saying)
        assert told.shown() == "2 Links in Ruhe gelassen: zum Abmelden"
    finally:
        tongue.prefer("en", "UTC")
    assert retold("550 5.1.1 User unknown") == "550 5.1.1 User unknown"
    assert not isinstance(retold("550 5.1.1 User unknown"), Saying)
    assert not isinstance(retold("fetched by " + "x" * retelling.LIMIT), Saying)
    assert retold(retold("to unsubscribe")) is retold("to unsubscribe")
