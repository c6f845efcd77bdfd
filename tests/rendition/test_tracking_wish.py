"""Who switches tracking on and off: the application, our own field, and the fields of the providers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.rendition.wish import REFUSALS, TrackingWish, wished

ON = TrackingWish(opens=True, clicks=True, text_links=True, honeypot=True, excluded_domains=frozenset({"example.com"}))


def left(name: str, value: str, settings: TrackingWish = ON) -> str:
    wish = wished(settings, [("Subject", "x"), (name, value)])
    assert wish.excluded_domains == settings.excluded_domains
    return " ".join(word for word in ("opens", "clicks", "text_links") if getattr(wish, word))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("X-Mailwitness-Track", "none", ""),
        ("x-mailwitness-track", " Opens , Clicks", "opens clicks text_links"),
        ("X-Mailwitness-Track", "opens", "opens"),
        ("X-Mailwitness-Track", "clicks", "clicks text_links"),
        ("X-Mailwitness-Track", "opens,none", ""),
        ("X-Mailwitness-Track", "nonsense", ""),
        ("X-PM-TrackOpens", "false", "clicks text_links"),
        ("X-PM-TrackOpens", "true", "opens clicks text_links"),
        ("X-PM-TrackLinks", "None", "opens"),
        ("X-PM-TrackLinks", "HtmlOnly", "opens clicks"),
        ("X-PM-TrackLinks", "TextOnly", "opens text_links"),
        ("X-PM-TrackLinks", "HtmlAndText", "opens clicks text_links"),
        ("X-Mailgun-Track", "no", ""),
        ("X-Mailgun-Track", "yes", "opens clicks text_links"),
        ("X-Mailgun-Track-Opens", "False", "clicks text_links"),
        ("X-Mailgun-Track-Clicks", "no", "opens"),
        ("X-Mailgun-Track-Clicks", "htmlonly", "opens clicks"),
        ("X-Mailgun-Track-Clicks", "yes", "opens clicks text_links"),
        ("X-MC-Track", "opens, clicks_all", "opens clicks text_links"),
        ("X-MC-Track", "opens,clicks_htmlonly", "opens clicks"),
        ("X-MC-Track", "clicks_textonly", "text_links"),
        ("X-MC-Track", "none", ""),
        ("X-SMTPAPI", '{"filters":{"opentrack":{"settings":{"enable":0}}}}', "clicks text_links"),
        ("X-SMTPAPI", '{"filters":{"clicktrack":{"settings":{"enable":"0"}}}}', "opens"),
        ("X-SMTPAPI", '{"filters":{"clicktrack":{"settings":{"enable":1}},"opentrack":[]}}', "opens clicks text_links"),
        ("X-SMTPAPI", '{"filters":', "opens clicks text_links"),
        ("X-SMTPAPI", "[" * 100_000, "opens clicks text_links"),
        ("X-SMTPAPI", "[]", "opens clicks text_links"),
        ("X-MSYS-API", '{"options":{"open_tracking":false}}', "clicks text_links"),
        ("X-MSYS-API", '{"options":{"click_tracking":false,"open_tracking":true}}', "opens"),
        ("X-MSYS-API", "{}", "opens clicks text_links"),
    ],
)
def test_a_field_leaves_switched_on(name: str, value: str, expected: str) -> None:
    assert left(name, value) == expected


def test_our_own_field_switches_on_what_the_application_does_not_ask_for() -> None:
    off = TrackingWish()
    assert not off.is_any
    assert left("X-Mailwitness-Track", "opens,clicks", off) == "opens clicks"
    assert left("X-PM-TrackOpens", "true", off) == ""


def test_whoever_says_no_wins() -> None:
    wish = wished(TrackingWish(), [("X-Mailwitness-Track", "opens,clicks"), ("X-Mailgun-Track", "no")])
    assert not wish.is_any


def test_text_links_belong_to_clicks() -> None:
    assert not wished(TrackingWish(opens=True, text_links=True), []).text_links
    assert wished(ON, []) == ON


@given(st.sampled_from(sorted(REFUSALS)), st.text())
def test_no_value_of_a_field_is_a_failure(name: str, value: str) -> None:
    wished(ON, [(name, value)])
