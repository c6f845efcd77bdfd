"""Which route and which upstream: pure, no server needed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from relay.config import Route
from relay.courier.routing import Heading, Lane, Router, pick
from relay.model.delivery import Delivery, State
from relay.model.message import Recipient
from tests.support.dispatch import CONTENT, message_of

UPSTREAMS = ("a", "b", "c")


def route(name: str = "r", upstreams: Any = ("b",), **conditions: Any) -> Route:
    return Route.model_validate({"name": name, "upstreams": upstreams, **conditions})


def lane_of(
    routes: list[Route], recipient: str = "b@example.com", heading: Heading | None = None, **fields: Any
) -> str:
    message = replace(message_of(CONTENT), **fields)
    delivery = Delivery("d", message.id, Recipient(recipient), State.SENDING, 0)
    return Router(routes, UPSTREAMS).lane(message, delivery, heading or Heading()).name


def test_without_routes_everything_goes_by_all_upstreams_in_order() -> None:
    router = Router([], UPSTREAMS)
    message = message_of(CONTENT)
    delivery = Delivery("d", message.id, Recipient("b@example.com"), State.SENDING, 0)
    assert router.lane(message, delivery) == Lane("default", UPSTREAMS)
    assert not router.reads_header


@pytest.mark.parametrize(
    ("conditions", "fields", "is_taken"),
    [
        ({}, {}, True),
        ({"applications": ["app"]}, {}, True),
        ({"applications": ["shop"]}, {}, False),
        ({"senders": ["@EXAMPLE.com"]}, {}, True),
        ({"senders": ["a@example.com"]}, {}, True),
        ({"senders": ["b@example.com"]}, {}, False),
        ({"recipients": ["@example.com"]}, {"recipient": "x@Example.COM"}, True),
        ({"recipients": ["@example.com"]}, {"recipient": "x@sub.example.com"}, False),
        ({"recipients": ["@.example.com"]}, {"recipient": "x@sub.example.com"}, True),
        ({"recipients": ["@.example.com"]}, {"recipient": "x@example.com"}, True),
        ({"recipients": ["@.example.com"]}, {"recipient": "x@badexample.com"}, False),
        ({"recipients": ["x@example.com", "@other.example"]}, {"recipient": "y@other.example"}, True),
        ({"tags": ["bulk"]}, {"tags": ("bulk", "x")}, True),
        ({"tags": ["bulk"]}, {"heading": Heading(tags=frozenset({"bulk"}))}, True),
        ({"tags": ["bulk"]}, {"tags": ("other",)}, False),
        ({"header": "X-Stream: bulk*"}, {"heading": Heading((("x-stream", " Bulk-7 "),))}, True),
        ({"header": "X-Stream: bulk*"}, {"heading": Heading((("x-stream", "single"),))}, False),
        ({"header": "X-Stream: bul?"}, {"heading": Heading((("Other", "bulk"), ("X-Stream", "bulk")))}, True),
        ({"header": "X-Stream: [b]*"}, {"heading": Heading((("X-Stream", "b"),))}, False),
        ({"header": "X-Stream: [b]*"}, {"heading": Heading((("X-Stream", "[b] x"),))}, True),
        ({"applications": ["app"], "senders": ["@other.example"]}, {}, False),
    ],
)
def test_a_route_is_taken_when_all_its_conditions_hold(
    conditions: dict[str, Any], fields: dict[str, Any], is_taken: bool
) -> None:
    assert lane_of([route(**conditions)], **fields) == ("r" if is_taken else "default")


def test_the_first_route_that_holds_is_taken() -> None:
    routes = [route("first", applications=["shop"]), route("second"), route("third")]
    assert lane_of(routes) == "second"


def test_recipients_of_one_message_go_by_different_routes() -> None:
    routes = [route("near", recipients=["@near.example"]), route("far", ["c"])]
    assert [lane_of(routes, one) for one in ("x@near.example", "x@far.example")] == ["near", "far"]


@pytest.mark.parametrize(("wanted", "lane"), [("c", ">c"), ("gone", "r"), (None, "r")])
def test_an_operator_s_choice_stands_before_every_route(wanted: str | None, lane: str) -> None:
    message = message_of(CONTENT)
    delivery = Delivery("d", message.id, Recipient("b@example.com"), State.SENDING, 0, wanted_upstream=wanted)
    assert Router([route()], UPSTREAMS).lane(message, delivery).name == lane


@pytest.mark.parametrize("conditions", [{"tags": ["x"]}, {"header": "X: y"}])
def test_only_routes_that_ask_for_it_need_the_header(conditions: dict[str, Any]) -> None:
    assert Router([route(**conditions)], UPSTREAMS).reads_header
    assert not Router([route(applications=["x"])], UPSTREAMS).reads_header


def everything(_: str) -> bool:
    return True


def test_the_next_stands_in_when_the_best_rests_but_not_when_it_is_busy() -> None:
    lane = Router([route(upstreams=["a", "b"])], UPSTREAMS).lanes[0]
    assert pick(lane, everything, everything, 0.9) == "a"
    assert pick(lane, everything, lambda name: name != "a", 0.9) == "a"
    assert pick(lane, lambda name: name != "a", everything, 0.0) == "b"
    assert pick(lane, lambda _: False, everything, 0.0) is None


def test_weights_share_what_comes() -> None:
    lane = Router([route(upstreams=[{"name": "a", "weight": 3}, {"name": "b", "weight": 1}])], UPSTREAMS).lanes[0]
    assert lane.weights == (3, 1)
    shares = Counter(pick(lane, everything, everything, n / 100) for n in range(100))
    assert shares == {"a": 75, "b": 25}
    assert {pick(lane, lambda name: name != "a", everything, n / 10) for n in range(10)} == {"b"}
    assert {pick(lane, everything, lambda name: name != "b", n / 10) for n in range(10)} == {"a"}
    assert {pick(lane, everything, lambda _: False, n / 10) for n in range(10)} == {"a", "b"}
    assert pick(lane, everything, everything, 1.0) == "b"


def test_equal_weights_share_as_well() -> None:
    lane = Router([route(upstreams=[{"name": "a", "weight": 1}, {"name": "b"}])], UPSTREAMS).lanes[0]
    assert [pick(lane, everything, everything, spread) for spread in (0.4, 0.6)] == ["a", "b"]
