"""Names and addresses as rows show them, and where they lead. Pure."""

from __future__ import annotations

from urllib.parse import quote

from relay.archive import query


def short_person(shown: str) -> str:
    """The name in `Ann <ann@example.com>`, else the address."""
    if shown.endswith(">") and "<" in shown:
        name = shown[: shown.rindex("<")].strip(' "')
        return name or shown[shown.rindex("<") + 1 : -1]
    return shown


def address_of(shown: str) -> str:
    """`Ann <ann@example.com>` -> `ann@example.com`."""
    return shown[shown.rindex("<") + 1 : -1] if shown.endswith(">") and "<" in shown else shown


def recipient_page(shown: str) -> str:
    """The address of the page of everything sent to one person."""
    return f"/recipients/{quote(address_of(shown), safe='@')}"


def quoted(value: str) -> str:
    """A value for the search language, in quotes where it needs them."""
    if value and all(char.isalnum() or char in "-_.@+" for char in value):
        return value
    return query.quoted(value)
