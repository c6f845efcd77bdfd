"""Which route a recipient's copy takes, and which upstream of the route carries it. Pure.

The first route whose conditions all hold is taken. What no route takes, and everything where there is none, goes by
all upstreams in the order of the file. An operator's choice of an upstream stands before every route.

A *lane* is what deliveries wait in together: a route's name, or `>NAME` for what an operator sent by that upstream.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from relay.config import Route
from relay.model.address_rule import any_names
from relay.model.delivery import Delivery
from relay.model.message import Message
from relay.model.operation import DEFAULT_LANE, lane_of_choice


@dataclass(frozen=True, slots=True)
class Heading:
    """What routes may ask of a content: its header fields, names and values decoded, and the tags in them."""

    fields: tuple[tuple[str, str], ...] = ()
    tags: frozenset[str] = frozenset()


NO_HEADING = Heading()


@dataclass(frozen=True, slots=True)
class Lane:
    """A way out. `weights`: as many as upstreams where these share the mail, none where the first is the best."""

    name: str
    upstreams: tuple[str, ...]
    weights: tuple[int, ...] = ()
    route: Route | None = None
    """Whose retry schedule holds; None: the common one."""


class Router:
    """The routes of one configuration."""

    def __init__(self, routes: Sequence[Route], upstreams: Sequence[str]) -> None:
        known = set(upstreams)
        self._routes = [
            (route, _lane(route)) for route in routes if known.issuperset(one.name for one in route.upstreams)
        ]
        self.default = Lane(DEFAULT_LANE, tuple(upstreams))
        self._chosen = {name: Lane(lane_of_choice(name), (name,)) for name in upstreams}
        self.reads_header = any(route.header or route.tags for route in routes)
        """Whether a route asks for a heading; without, none need be read."""
        self.lanes = (*(lane for _, lane in self._routes), self.default, *self._chosen.values())

    def lane(self, message: Message, delivery: Delivery, heading: Heading = NO_HEADING) -> Lane:
        """Where the delivery goes. An upstream that was chosen and is no longer configured is no choice."""
        if delivery.wanted_upstream in self._chosen:
            return self._chosen[delivery.wanted_upstream]
        for route, lane in self._routes:
            if _holds(route, message, delivery.recipient.address, heading):
                return lane
        return self.default


def _lane(route: Route) -> Lane:
    is_shared = any("weight" in choice.model_fields_set for choice in route.upstreams)
    weights = tuple(choice.weight for choice in route.upstreams) if is_shared else ()
    return Lane(route.name, tuple(choice.name for choice in route.upstreams), weights, route)


def _holds(route: Route, message: Message, recipient: str, heading: Heading) -> bool:
    if route.applications and message.application not in route.applications:
        return False
    if route.senders and not any_names(route.senders, message.envelope.sender):
        return False
    if route.recipients and not any_names(route.recipients, recipient):
        return False
    if route.tags and heading.tags.isdisjoint(route.tags) and not set(message.tags) & set(route.tags):
        return False
    return not route.header or _has_field(route.header, heading)


def _has_field(condition: str, heading: Heading) -> bool:
    """`Name: pattern`; case is ignored in both, `*` and `?` stand for any octets and for one."""
    name, _, pattern = condition.partition(":")
    name, pattern = name.casefold(), pattern.strip().casefold().replace("[", "[[]")
    return any(
        field.casefold() == name and fnmatchcase(value.strip().casefold(), pattern) for field, value in heading.fields
    )


def pick(lane: Lane, is_up: Callable[[str], bool], has_room: Callable[[str], bool], spread: float) -> str | None:
    """The upstream of the lane that carries what comes next; None if none is up. `spread` is random in [0, 1).

    Of a list the first that is up: the next ones stand in for it when it rests, not when it is busy. Of shares one of
    those that are up, by weight; what is busy leaves its share to the others while they have room.
    """
    up = [n for n, name in enumerate(lane.upstreams) if is_up(name)]
    if not up:
        return None
    if not lane.weights:
        return lane.upstreams[up[0]]
    free = [n for n in up if has_room(lane.upstreams[n])] or up
    place = spread * sum(lane.weights[n] for n in free)
    for n in free:
        place -= lane.weights[n]
        if place < 0:
            return lane.upstreams[n]
    return lane.upstreams[free[-1]]
