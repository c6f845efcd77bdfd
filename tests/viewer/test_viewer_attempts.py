"""Counting wrong passwords, checking them, and the sentences kept for the next page."""

from __future__ import annotations

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from tests.support.viewer_house import LIGHT, House, lightly_hashed
from viewer.flash import MOST_EACH, MOST_SESSIONS, flash, take_flashes
from viewer.identity.attempts import WINDOW, Attempts
from viewer.identity.passwords import LONGEST, Passwords
from viewer.identity.people import Person
from viewer.keys import PERSON


def test_the_wait_ends_when_the_oldest_attempt_is_old_enough() -> None:
    counted = Attempts(2)
    assert counted.begin(("a",), 0) == 0
    assert counted.begin(("a",), 60_000_000) == 0
    assert counted.begin(("a",), 120_000_000) == 13 * 60
    assert counted.begin(("b",), 120_000_000) == 0
    assert counted.begin(("b", "a"), WINDOW - 1) == 1
    assert counted.begin(("b", "a"), WINDOW + 1) == 0


def test_a_right_password_takes_its_attempt_back() -> None:
    counted = Attempts(1)
    for now in range(5):
        assert counted.begin(("a",), now) == 0
        counted.forgive(("a", "never seen"))


def test_the_keys_remembered_are_bounded() -> None:
    counted = Attempts(1, most_keys=3)
    for n in range(5):
        counted.begin((f"user {n}",), n)
    assert counted.begin(("user 0",), 5) == 0
    assert counted.begin(("user 4",), 5) > 0


async def test_nobody_has_the_password_that_nobody_has() -> None:
    checked = Passwords(hasher=LIGHT)
    assert not await checked.is_right("", "no one has this password")
    assert not await checked.is_right("not a hash", "x")
    assert not await checked.is_right(lightly_hashed("x" * (LONGEST + 1)), "x" * (LONGEST + 1))
    assert await checked.is_right(await checked.hash("p\udcff"), "p\udcff")


async def test_a_flash_is_shown_once_on_the_next_page(house: House) -> None:
    first = make_mocked_request("GET", "/", app=house.app)

    def page(session: bytes | None) -> web.Request:
        request = first.clone()
        request[PERSON] = Person("ann", "auditor", session)
        return request

    for n in range(MOST_EACH + 2):
        flash(page(b"a"), f"<b>{n}")
    flash(page(None), "to no one")
    assert [one.text for one in take_flashes(page(b"a"))] == [f"<b>{n}" for n in range(2, MOST_EACH + 2)]
    assert take_flashes(page(b"a")) == []
    for n in range(MOST_SESSIONS + 1):
        flash(page(b"%d" % n), "x")
    assert take_flashes(page(b"0")) == []
    assert len(take_flashes(page(b"1"))) == 1
