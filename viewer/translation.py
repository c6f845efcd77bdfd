"""The words of the pages in the reader's language: GNU gettext.

English is the language of the code; every other has `locale/<language>/LC_MESSAGES/messages.po`, read when it is first
needed (nothing is compiled beforehand). Which language a request has says `tongue.py`.

- In templates: `{{ _('Text') }}`, `{{ _('%(n)s of %(all)s', n=1, all=2) }}`, `{{ ngettext('%(num)s message',
  '%(num)s messages', count) }}`, `{% trans who=name %}Made by <b>{{ who }}</b>.{% endtrans %}`.
- In Python: `say("Sent to %(who)s.", who=name)` is English as a text (JSON, logs, the journal) and becomes the reader's
  language when a template shows it. It may be kept in constants. `%` itself is written `%%` in both.
- What programs get stays English: `/api`, the journal, logs; so do the words of `viewer/api/` and `viewer/mailpit/`.
- `make words` brings the .po files up to date; a test says which words are not translated.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path

from babel.dates import format_date, get_month_names
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import get_group_symbol
from markupsafe import Markup, escape

from viewer import tongue
from viewer.templating import Environment

LOCALE = Path(__file__).parent / "locale"


def install(environment: Environment) -> None:
    """Gives the templates `_`, `gettext`, `ngettext`, `language()` and the filters `grouped` and `sentence`."""
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(translated, translated_plural, newstyle=True)  # type: ignore[attr-defined]
    environment.fixed |= {"_": _in_a_template, "gettext": _in_a_template, "language": tongue.language}
    environment.globals |= {"language": tongue.language, "languages": lambda: tongue.LANGUAGES, "zones": tongue.zones}
    environment.filters |= {"grouped": grouped, "sentence": sentence}


@lru_cache(maxsize=len(tongue.LANGUAGES))
def catalogue(language: str) -> gettext.NullTranslations:
    """The words of a language; those of English are the words themselves."""
    path = LOCALE / language / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return gettext.NullTranslations()
    with path.open("rb") as file:
        catalog = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def translated(text: str) -> str:
    """`text` in the language of this request; itself where there is no translation."""
    if isinstance(text, Saying):
        return text.shown()
    return catalogue(tongue.language()).gettext(text) if text else text


def _in_a_template(text: str) -> Markup:
    """As Jinja's own `_` does it for a text alone: a translation is HTML of ours, `%%` a per cent sign."""
    return Markup(translated(text)) % {}  # noqa: S704


def translated_plural(one: str, many: str, number: int) -> str:
    return catalogue(tongue.language()).ngettext(one, many, number)


class Saying(str):
    """English as a text; in a template, the same in the reader's language."""

    __slots__ = ("is_small", "many", "number", "values", "words")
    is_small: bool
    many: str
    number: int
    values: dict[str, object]
    words: str

    def __new__(
        cls, words: str, many: str, number: int, values: dict[str, object], *, is_small: bool = False
    ) -> Saying:
        english = _filled(words if number == 1 or not many else many, values)
        self = super().__new__(cls, str.lower(english) if is_small else english)
        self.words, self.many, self.number, self.values, self.is_small = words, many, number, values, is_small
        return self

    def __html__(self) -> Markup:
        return escape(self.shown())

    def shown(self) -> str:
        """In the language of this request."""
        words = translated_plural(self.words, self.many, self.number) if self.many else translated(self.words)
        text = _filled(words, {name: shown(value) for name, value in self.values.items()})
        return str.lower(text) if self.is_small else text

    def lower(self) -> Saying:
        """In small letters, for the middle of a sentence."""
        return Saying(self.words, self.many, self.number, self.values, is_small=True)


class _Sentence(Saying):
    """A capital letter first, a full stop last."""

    __slots__ = ()

    def shown(self) -> str:
        return _as_sentence(str(shown(self.values["text"])))


def sentence(text: str) -> Saying:
    """`must be a day` -> `Must be a day.`, in whatever language it is shown."""
    return _Sentence("%(whole)s", "", 1, {"whole": _as_sentence(text), "text": text})


def _as_sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _filled(words: str, values: dict[str, object]) -> str:
    return words % values if values else words.replace("%%", "%")


def shown(value: object) -> object:
    """A Saying in the language of this request; anything else as it is."""
    return value.shown() if isinstance(value, Saying) else value


def say(words: str, **values: object) -> Saying:
    """Words for readers, with `%(name)s` for the values; a value may be another saying."""
    return Saying(words, "", 1, values)


def say_n(one: str, many: str, number: int, **values: object) -> Saying:
    """The same where the words depend on a number, which is `%(num)s` in them."""
    return Saying(one, many, number, {"num": thousands(number), **values})


class _Thousands(Saying):
    """A number: `1,234` as a text."""

    __slots__ = ()

    def shown(self) -> str:
        return grouped(self.number)


def thousands(number: int) -> Saying:
    """`1,234` as a text; in a template with the separator of the reader's language."""
    return _Thousands("%(number)s", "", number, {"number": f"{number:,}"})


def known(text: str) -> str:
    """`text` as a saying: what was kept in English, such as the name of a deed, found again among the words."""
    return text if isinstance(text, Saying) or not text else Saying(text.replace("%", "%%"), "", 1, {})


def joined(separator: str, parts: Sequence[str]) -> Saying:
    """Several sayings as one."""
    values: dict[str, object] = {f"part{number}": part for number, part in enumerate(parts)}
    return Saying(separator.replace("%", "%%").join(f"%({name})s" for name in values), "", 1, values)


class _Day(Saying):
    __slots__ = ()

    def shown(self) -> str:
        given = self.values["date"]
        return format_date(given, "EEE d MMM y", locale=tongue.language()) if isinstance(given, date) else str(given)


def day(value: date) -> Saying:
    """`Tue 24 Nov 2026`."""
    return _Day("%(english)s", "", 1, {"english": f"{value:%a} {value.day} {value:%b %Y}", "date": value})


def month(number: int) -> str:
    """`Nov`, in the language of this request."""
    return _months(tongue.language())[number]


@lru_cache(maxsize=len(tongue.LANGUAGES))
def _months(language: str) -> dict[int, str]:
    return dict(get_month_names("abbreviated", locale=language))


def grouped(number: int) -> str:
    """`1,234`, with the separator of the language of this request."""
    return f"{number:,}".replace(",", _separator(tongue.language()))


@lru_cache(maxsize=len(tongue.LANGUAGES))
def _separator(language: str) -> str:
    return str(get_group_symbol(language))
