"""The shape of the tree: short files with one noun each, an opening paragraph, and a README that tells the truth."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.support.nursery import ran

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(path for package in ("relay", "viewer") for path in (ROOT / package).rglob("*.py"))
SOURCES = [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))]
MOST_LINES = {"relay": 400, "viewer": 400, "tests": 500}
NO_NOUNS = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "tools", "base"}
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b|raise NotImplemented" r"Error")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


# One test for all files, of which there are a thousand.
def test_a_file_is_short_and_named_after_what_it_is() -> None:
    lines = {path: len(path.read_text().splitlines()) for path in SOURCES}
    most = {path: MOST_LINES[path.relative_to(ROOT).parts[0]] for path in SOURCES}
    assert [f"{_name(path)}: {lines[path]} lines" for path in SOURCES if lines[path] >= most[path]] == []
    assert [_name(path) for path in SOURCES if path.stem in NO_NOUNS] == []


def test_a_module_opens_with_what_it_is_for() -> None:
    texts = {path: path.read_text() for path in MODULES}
    assert [_name(path) for path, text in texts.items() if text and not ast.get_docstring(ast.parse(text))] == []


def test_nothing_is_left_unfinished() -> None:
    assert [_name(path) for path in SOURCES if UNFINISHED.search(path.read_text())] == []


def test_every_command_in_the_readme_exists() -> None:
    words = r"(?:^|`|bin/|\$ )mailwitness ([a-z]+(?: (?:add|list|remove|passwd|revoke|new|check)\b(?!-))?)"
    named = set(re.findall(words, _pages(), re.MULTILINE))
    assert named
    for command in named:
        first, _, second = command.partition(" ")
        assert first in _commands(""), command
        if second:
            assert second in _commands(first), command


def test_every_make_target_in_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`make ([a-z]+)`", _pages())):
        assert re.search(rf"^{target}\b.*:", makefile, re.MULTILINE), target


def test_every_file_the_pages_link_to_is_there() -> None:
    for page in [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} -> {target}"


def _pages() -> str:
    return "\n".join(path.read_text() for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")))


def _commands(group: str) -> set[str]:
    """The commands that `mailwitness [group] --help` lists."""
    if group not in _KNOWN:
        text = ran(*([group] if group else []), "--help", check=True).stdout
        _KNOWN[group] = set(re.findall(r"^  ([a-z]+)  ", text.partition("Commands:")[2], re.MULTILINE))
    return _KNOWN[group]


_KNOWN: dict[str, set[str]] = {}
