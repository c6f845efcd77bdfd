"""How a provider named a message, in its reply to the final dot: its reports do too. Pure.

    ses         250 Ok 010201815c5b2cd1-d9d4c53f-5d4e-4a6e-a0ad-d0b8ad0d5b7b-000000
    sendgrid    250 Ok: queued as vXr5kZ4wTf6bZ0pJq3y7Sg
    others      250 2.0.0 Ok: queued as 4QkXj52Wz9z, 250 Great success <20261124.1@mg.example.com>, 250 OK id=1abc

What is no identifier is none: a wrong one would lead reports to nobody, but a word such as `message` to anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 200

_WORD = r"[A-Za-z0-9][A-Za-z0-9._@=+/$-]{5,199}"
_NAMED = re.compile(
    rf"\b(?:queued as|queued for delivery as|message accepted with id|accepted as|message-?id|email[_ -]?id|id)"
    rf"\s*[:=]?\s*[<\"'(]?({_WORD})",
    re.IGNORECASE,
)
_ENCLOSED = re.compile(rf"<({_WORD})>")
_SES = re.compile(r"\b([0-9a-f]{16}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9]{6})\b")
_UUID = re.compile(r"\b([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b", re.IGNORECASE)
_FORMS: dict[str, tuple[re.Pattern[str], ...]] = {
    "ses": (_SES, _NAMED),
    "mailgun": (_ENCLOSED, _NAMED),
    "postmark": (_UUID, _NAMED),
    "resend": (_UUID, _NAMED),
}
_COMMON = (_NAMED, _ENCLOSED, _UUID)


def provider_id(provider: str, text: str) -> str | None:
    """The identifier in `text`, of the final 250 (without codes); None if there is none.

    >>> provider_id("sendgrid", "Ok: queued as vXr5kZ4wTf6bZ0pJq3y7Sg")
    'vXr5kZ4wTf6bZ0pJq3y7Sg'
    """
    return _first(_FORMS.get(provider, _COMMON), text[:2000])


def _first(forms: Iterable[re.Pattern[str]], text: str) -> str | None:
    for form in forms:
        for match in form.finditer(text):
            found = match[1].rstrip(".=,;")
            if any(character.isdigit() for character in found) and len(found) >= 6:
                return found
    return None
