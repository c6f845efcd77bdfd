"""How a preview is looked at, all of it in the address; and light and dark written into its styles."""

from __future__ import annotations

import pytest

from viewer.message.preview import POLICY, POLICY_WITH_IMAGES, Look, make_preview
from viewer.pages.looking import looking

DARK, LIGHT = Look("dark"), Look()
WITH_IMAGES = Look(images=True)


def document(html: str, look: Look = LIGHT) -> str:
    return make_preview(html, lambda _: None, look).document


def test_nothing_asked_for_is_the_usual_look() -> None:
    way = looking({})
    assert (way.width, way.look, way.frame, way.address) == ("fit", LIGHT, "", "?tab=preview")


def test_what_is_asked_for_stands_in_the_address_of_page_and_frame() -> None:
    way = looking({"width": "phone", "scheme": "dark", "images": "1"}, "to:ann")
    assert way.address == "?tab=preview&width=phone&scheme=dark&images=1&q=to%3Aann"
    assert way.frame == "?scheme=dark&images=1"
    assert way.turned.address == "?tab=preview&width=phone&scheme=dark&q=to%3Aann"
    assert way.turned.turned == way


def test_nonsense_is_as_if_it_were_not_there() -> None:
    assert looking({"width": "mile", "scheme": "pink", "images": "yes"}) == looking({})


def test_images_are_not_to_be_had_where_the_house_says_so() -> None:
    assert not looking({"images": "1"}, allows_images=False).look.images


def test_each_choice_is_a_link_and_one_is_chosen() -> None:
    way = looking({"width": "tablet"})
    assert [choice.value for choice in way.widths if choice.is_chosen] == ["tablet"]
    assert [choice.value for choice in way.schemes if choice.is_chosen] == ["light"]
    assert way.schemes[1].address == "?tab=preview&width=tablet&scheme=dark"


STYLE = (
    "<style>@media (prefers-color-scheme: dark){p{color:red}}"
    "@media ( PREFERS-color-scheme : light ){p{color:blue}}</style>"
)


def test_the_style_sheets_question_is_answered_by_the_choice() -> None:
    assert "@media (min-width:0){p{color:red}}@media (max-width:0)" in document(STYLE, DARK)
    assert "@media (max-width:0){p{color:red}}@media (min-width:0)" in document(STYLE)
    assert "(min-width:0)" in document("<style>@media (prefers-color-scheme){p{}}</style>")


def test_a_style_elements_own_question_is_answered_too() -> None:
    html = '<style media="(prefers-color-scheme: dark)">p{}</style><style media="a;{}">q{}</style>'
    assert 'media="(min-width:0)"' in document(html + STYLE, DARK)
    assert 'media="not all"' in document(html)


@pytest.mark.parametrize(
    "html",
    [
        STYLE,
        '<meta name="supported-color-schemes" content="light dark">',
        "<style>:root{color-scheme:light dark}</style>",
    ],
)
def test_a_message_that_knows_the_dark_is_shown_in_it(html: str) -> None:
    made = make_preview(html, lambda _: None, DARK)
    assert made.knows_dark
    assert 'name="color-scheme" content="dark"' in made.document


def test_one_that_does_not_stays_light() -> None:
    made = make_preview("<p>hi</p>", lambda _: None, DARK)
    assert not made.knows_dark
    assert 'content="light"' in made.document


def test_the_body_keeps_its_own_colours_on_a_box_in_its_place() -> None:
    assert '<div bgcolor="#eee" style="margin:0">hi</div>' in document(
        '<html><BODY bgcolor="#eee" style="margin:0">hi</body>'
    )


REMOTE = (
    '<img src="https://x.example/a.png"><img src="http://x.example/b.png"><table background="https://x.example/c.png">'
    "<tr><td style=\"background:url('https://x.example/d.png')\">t</td></tr></table>"
    "<style>p{background:url(https://x.example/e.png)}@import url(https://x.example/f.css);</style>"
)


def test_without_being_asked_no_remote_picture_is_named() -> None:
    assert "x.example" not in document(REMOTE)
    assert LIGHT.policy == POLICY


def test_asked_for_pictures_are_named_over_https_alone() -> None:
    made = document(REMOTE, WITH_IMAGES)
    for kept in "acde":
        assert f"https://x.example/{kept}.png" in made
    assert "http://x.example" not in made
    assert WITH_IMAGES.policy == POLICY_WITH_IMAGES
    assert "script-src" not in WITH_IMAGES.policy
    assert WITH_IMAGES.policy.startswith("default-src 'none'; img-src data: https:;")


@pytest.mark.parametrize("address", ["https://x.example/'),url(//y", 'https://x"y', "https://x/<b>", "javascript:x"])
def test_an_address_that_could_end_its_place_is_not_kept(address: str) -> None:
    made = document(f"<style>p{{background:url({address})}}</style>", WITH_IMAGES)
    assert address not in made
    assert "url(//y" not in made
