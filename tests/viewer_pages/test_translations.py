"""The translations fit the words that they translate, and the words are still there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

from tests.support.unwrapped import unwrapped
from viewer import tongue
from viewer.present import STATES
from viewer.translation import LOCALE

# Those who need all words: to gather them takes three seconds.
gathered = pytest.mark.xdist_group("words")
VIEWER = LOCALE.parent
TEMPLATES = VIEWER / "templates"
LANGUAGES = [language for language in tongue.LANGUAGES if language != "en"]
KEYWORDS = {**DEFAULT_KEYWORDS, "say": None, "say_n": (1, 2)}
_TAG = re.compile(r"<[^>]*>")
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


@gathered
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_translation_fits_its_words(language: str) -> None:
    for message in catalogue(language):
        if not message.id:
            continue
        said = both(message.id)
        assert said[0] in words(), said[0]
        for text in both(message.string):
            assert text, said[0]
            assert _marks(text) == _marks(said[-1]), text
            assert ('"' in _TAG.sub("", text)) <= ('"' in _TAG.sub("", said[-1])), f"{text}: would end an attribute"


@gathered
@pytest.mark.parametrize("language", LANGUAGES)
def test_all_words_are_translated(language: str) -> None:
    translated = {both(message.id)[0] for message in catalogue(language) if message.id and all(both(message.string))}
    assert sorted(words() - translated) == []


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_no_template_says_a_word_that_is_not_marked(path: Path) -> None:
    assert unwrapped(path.read_text()) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Words</p>", ["Words"]),
        ("<p>{{ _('Words') }} · {{ n }}</p>", []),
        ("<p>{% trans %}Words <b>and</b> more{% endtrans %}</p>", []),
        ('<a title="Words" href="/words">{{ name }}</a>', ["Words"]),
        ("<p>{{ name or 'nobody' }}</p>", ["… ['nobody']"]),
        ("<p>{{ 'one' if n == 1 else n ~ ' words' }}</p>", ["… ['one', ' words']"]),
        ("<p class=\"{{ 'tone-bad' if x }}\"></p>", []),
        ("<code>mailwitness serve</code> <kbd>Esc</kbd>", []),
        ("{% set said = 'some words' %}{{ said }}", ["some words"]),
        ("<b>SHA-256</b>: ann@example.com", []),
    ],
)
def test_words_that_are_not_marked_are_found(source: str, found: list[str]) -> None:
    assert unwrapped(source) == found


def _marks(text: str) -> set[str]:
    """What has to be in both: values, a percent sign, elements."""
    return set(re.findall(r"%\(\w+\)s|%%", text)) | set(_TAG.findall(text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_status_is_said_in_every_language(language: str) -> None:
    translated = {message.id for message in catalogue(language) if message.string}
    assert {str(part) for word in STATES.values() for part in (word.text, word.meaning)} <= translated


def test_there_is_a_folder_for_each_language() -> None:
    assert sorted(path.name for path in Path(LOCALE).iterdir()) == sorted(LANGUAGES)
