"""The translations fit the words that they translate, and the words are still there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

from viewer import tongue
from viewer.present import STATES
from viewer.translation import LOCALE

VIEWER = LOCALE.parent
LANGUAGES = [language for language in tongue.LANGUAGES if language != "en"]
KEYWORDS = {**DEFAULT_KEYWORDS, "say": None, "say_n": (1, 2)}
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]


@cache
def words() -> frozenset[str]:
    """All that templates and code say; of a plural its singular."""
    options = {"templates/**.html": {"trimmed": "true", "silent": "false"}}
    found = extract_from_dir(VIEWER, METHODS, options, keywords=KEYWORDS)
    return frozenset(said if isinstance(said, str) else said[0] for _, _, said, _, _ in found)


@cache
def catalogue(language: str) -> Catalog:
    with (LOCALE / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def both(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_translation_fits_its_words(language: str) -> None:
    for message in catalogue(language):
        if not message.id:
            continue
        said = both(message.id)
        assert said[0] in words(), said[0]
        for text in both(message.string):
            assert text, said[0]
            assert set(re.findall(r"%\(\w+\)s|%%", text)) == set(re.findall(r"%\(\w+\)s|%%", said[-1])), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_status_is_said_in_every_language(language: str) -> None:
    translated = {message.id for message in catalogue(language) if message.string}
    assert {str(part) for word in STATES.values() for part in (word.text, word.meaning)} <= translated


def test_there_is_a_folder_for_each_language() -> None:
    assert sorted(path.name for path in Path(LOCALE).iterdir()) == sorted(LANGUAGES)
