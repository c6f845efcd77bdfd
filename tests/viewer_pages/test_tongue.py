"""In which language and zone a request is answered."""

from __future__ import annotations

import re

import pytest

from tests.support.viewer_house import NOON, House
from viewer import tongue
from viewer.present import STATES, exact, in_utc, relative, status
from viewer.translation import Saying, joined, say, say_n


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "de-AT, en;q=0.7", "de"),
        ("", "en;q=0.7, fr-CA;q=0.9", "fr"),
        ("", "ja, *;q=0.5", "en"),
        ("", "de;q=0, fr", "fr"),
        ("", "de;q=x, fr", "fr"),
        ("de", "fr", "de"),
        ("tlh", "fr", "fr"),
        ("../de", "", "en"),
    ],
)
def test_the_choice_goes_before_the_browser_and_english_comes_last(chosen: str, accepted: str, language: str) -> None:
    assert tongue.negotiated(chosen, accepted) == language


def test_only_known_zones_are_looked_up() -> None:
    assert tongue.zone_named("Europe/Berlin") is not None
    for name in ("", "../../etc/passwd", "Europe/Nowhere", "Europe"):
        assert tongue.zone_named(name) is None
    assert {"UTC", "America/New_York"} <= set(tongue.zones())


def test_a_saying_is_english_as_a_text_and_the_readers_language_on_a_page() -> None:
    saying = say("just now")
    assert saying == "just now"
    tongue.prefer("de", "Europe/Berlin")
    try:
        assert saying.shown() == saying.__html__() == "gerade eben"
        assert str(saying) == "just now"
        assert joined(" · ", [saying, "x<"]).__html__() == "gerade eben · x&lt;"
        assert saying.lower().shown() == "gerade eben"
        assert exact(NOON) == "24 Nov. 2026, 13:00:00 CET"
        assert in_utc(NOON) == "24 Nov. 2026, 12:00:00 UTC"
        assert isinstance(relative(NOON, NOON), Saying)
    finally:
        tongue.prefer("en", "UTC")


def test_sayings_fill_in_their_values() -> None:
    assert say("%(n)s of 100 %%", n=5) == "5 of 100 %"
    assert say("100 %%") == "100 %"
    assert say_n("%(num)s message", "%(num)s messages", 1) == "1 message"
    assert say_n("%(num)s message", "%(num)s messages", 3) == "3 messages"
    assert isinstance(status(dict.fromkeys(STATES, 2)).text, Saying)


async def test_pages_say_which_language_they_are_in(house: House) -> None:
    async with house.browser() as stranger:
        for accepted, language in (("de-DE,de;q=0.9", "de"), ("fr", "fr"), ("xx", "en")):
            async with stranger.get("/sign-in", headers={"Accept-Language": accepted}) as answer:
                assert f'<html lang="{language}">' in await answer.text()


async def test_times_are_in_the_browsers_zone_with_utc_on_hover(house: House) -> None:
    await house.add()
    browser = await house.client()
    async with browser.get("/", headers={"Cookie": _cookies(browser, "zone=Asia/Tokyo")}) as answer:
        found = re.search(r'<time datetime="2026-11-24T12:00:00Z" title="([^"]*)"', await answer.text())
    assert found is not None
    assert found.group(1).replace("&#10;", "\n").split("\n") == [
        "24 Nov 2026, 21:00:00 JST",
        "24 Nov 2026, 12:00:00 UTC",
    ]


async def test_a_person_chooses_language_and_zone_for_all_their_browsers(house: House) -> None:
    browser = await house.client()

    async def choose(**form: str) -> tuple[int, str]:
        async with browser.get("/account") as answer:
            csrf = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
        assert csrf is not None
        async with browser.post("/account/language", data={"csrf": csrf[1], **form}) as answer:
            return answer.status, await answer.text()

    status, page = await choose(language="de", zone="Europe/Berlin")
    assert status == 200
    assert '<html lang="de">' in page
    assert 'value="Europe/Berlin"' in page
    other = await house.client()
    async with other.get("/help", headers={"Accept-Language": "fr"}) as answer:
        assert '<html lang="de">' in await answer.text()
    status, page = await choose(language="", zone="")
    assert '<html lang="en">' in page
    assert (await choose(language="xx"))[0] == (await choose(zone="Nowhere"))[0] == 400


def _cookies(browser: object, more: str) -> str:
    jar = browser.cookie_jar  # type: ignore[attr-defined]
    return "; ".join([*(f"{cookie.key}={cookie.value}" for cookie in jar), more])
