"""The list of places is whole: each page that the viewer has is in it, and named once."""

from __future__ import annotations

from tests.browser.places import ELSEWHERE, NO_PAGES, PLACES, shows
from tests.support.route_table import ROUTES

PAGES = {route.removeprefix("GET ") for route in ROUTES if route.startswith("GET ") and "/api/" not in route}


def test_every_page_is_a_place() -> None:
    exact = {place.path.partition("?")[0] for place in PLACES}
    for route in sorted(PAGES - NO_PAGES - set(ELSEWHERE)):
        others = exact & PAGES - {route}
        shown = [place for place in PLACES if shows(place, route) and place.path.partition("?")[0] not in others]
        assert shown, route


def test_what_is_left_out_is_a_route_still() -> None:
    assert set(ELSEWHERE) | NO_PAGES <= PAGES


def test_every_place_has_a_name_of_its_own() -> None:
    names = [place.name for place in PLACES]
    assert len(set(names)) == len(names)
