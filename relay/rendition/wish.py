"""What tracking a message asks for: the application's settings, and what its header fields say to them.

`X-Mailwitness-Track` switches on or off; the providers' own fields, which applications already send, only switch off.
Whoever says no wins.

    X-Mailwitness-Track: opens,clicks      X-Mailwitness-Track: none
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

OWN_FIELD = "x-mailwitness-track"


@dataclass(frozen=True, slots=True)
class TrackingWish:
    """What to track. All off by default."""

    opens: bool = False
    clicks: bool = False
    """Links in HTML."""
    text_links: bool = False
    """Links in plain text."""
    honeypot: bool = False
    """Where links are tracked, one more that no person can see."""
    excluded_domains: frozenset[str] = field(default_factory=frozenset)
    """Lower case; links to these, and to hosts below them, stay as they are."""
    strip_signatures: bool = False
    """A message that is already DKIM- or ARC-signed loses those fields; otherwise it is left alone."""

    @property
    def is_any(self) -> bool:
        return self.opens or self.clicks or self.text_links


def wished(settings: TrackingWish, fields: Iterable[tuple[str, str]]) -> TrackingWish:
    """`settings` of the application as changed by header `fields`: (name, decoded value). Never raises.

    In `settings`, text_links says whether `clicks` includes plain text.
    """
    given = [(name.lower(), value) for name, value in fields]
    wish = replace(settings, text_links=settings.text_links and settings.clicks)
    own = [value for name, value in given if name == OWN_FIELD]
    if own:
        said = _words(",".join(own))
        clicks = "clicks" in said and "none" not in said
        wish = replace(
            wish,
            opens="opens" in said and "none" not in said,
            clicks=clicks,
            text_links=clicks and settings.text_links,
        )
    off: set[str] = set()
    for name, value in given:
        refusal = REFUSALS.get(name)
        off.update(refusal(value) if refusal else ())
    return replace(
        wish,
        opens=wish.opens and "opens" not in off,
        clicks=wish.clicks and "clicks" not in off,
        text_links=wish.text_links and "text_links" not in off,
    )


_OPENS, _CLICKS, _TEXT = ("opens",), ("clicks",), ("text_links",)
_NO = frozenset({"no", "false", "0", "off", "none", "disabled"})

Refusal = Callable[[str], tuple[str, ...]]
"""A field's value -> the names of what it switches off."""


def _when_no(*refused: str) -> Refusal:
    """`false`, `no` …"""
    return lambda value: refused if value.strip().lower() in _NO else ()


def _postmark_links(value: str) -> tuple[str, ...]:
    """`None`, `HtmlAndText`, `HtmlOnly`, `TextOnly`"""
    return {"none": _CLICKS + _TEXT, "htmlonly": _TEXT, "textonly": _CLICKS}.get(value.strip().lower(), ())


def _mailgun_clicks(value: str) -> tuple[str, ...]:
    """`yes`, `no`, `htmlonly`"""
    return _TEXT if value.strip().lower() == "htmlonly" else _when_no(*_CLICKS, *_TEXT)(value)


def _mandrill(value: str) -> tuple[str, ...]:
    """`opens, clicks_all`: what is not named is off."""
    said = _words(value)
    named = {
        _OPENS: said & {"opens"},
        _CLICKS: said & {"clicks", "clicks_all", "clicks_htmlonly"},
        _TEXT: said & {"clicks_all", "clicks_textonly"},
    }
    return tuple(refused for (refused,), words in named.items() if not words)


def _sendgrid(value: str) -> tuple[str, ...]:
    """`{"filters": {"opentrack": {"settings": {"enable": 0}}, "clicktrack": …}}`"""
    filters = _inner(_object(value), "filters")

    def is_off(name: str) -> bool:
        return _is_no(_inner(_inner(filters, name), "settings").get("enable"))

    return (_OPENS if is_off("opentrack") else ()) + (_CLICKS + _TEXT if is_off("clicktrack") else ())


def _sparkpost(value: str) -> tuple[str, ...]:
    """`{"options": {"open_tracking": false, "click_tracking": false}}`"""
    options = _inner(_object(value), "options")
    refused = _OPENS if _is_no(options.get("open_tracking")) else ()
    return refused + (_CLICKS + _TEXT if _is_no(options.get("click_tracking")) else ())


def _words(value: str) -> set[str]:
    return {word.strip() for word in value.lower().split(",")}


def _is_no(value: Any) -> bool:
    return value is not None and str(value).lower() in _NO


def _object(value: str) -> dict[str, Any]:
    """The JSON object `value`; an empty one if it is none: the provider would not read it, either."""
    try:
        given = json.loads(value)
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def _inner(given: dict[str, Any], key: str) -> dict[str, Any]:
    inner = given.get(key)
    return inner if isinstance(inner, dict) else {}


REFUSALS: dict[str, Refusal] = {
    "x-pm-trackopens": _when_no("opens"),
    "x-pm-tracklinks": _postmark_links,
    "x-mailgun-track": _when_no("opens", "clicks", "text_links"),
    "x-mailgun-track-opens": _when_no("opens"),
    "x-mailgun-track-clicks": _mailgun_clicks,
    "x-mc-track": _mandrill,
    "x-smtpapi": _sendgrid,
    "x-msys-api": _sparkpost,
}
"""Postmark, Mailgun, Mandrill, SendGrid, SparkPost; from what they document of their SMTP servers."""
