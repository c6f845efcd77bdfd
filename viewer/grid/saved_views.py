"""Saved views: whose they are, and who may change them. Used by the pages and by the API."""

from __future__ import annotations

from aiohttp import web

from relay.archive.api import NotFound
from relay.archive.api.view import View
from relay.model.access import Permission
from viewer.errors import FieldError
from viewer.security import archive_of, require, signed_in_user
from viewer.translation import say

MOST_VIEWS = 100
"""Of one person."""
LONGEST_NAME = 60


def may_change(request: web.Request, view: View) -> bool:
    """One's own, and as an administrator those that are shared."""
    person = signed_in_user(request)
    return view.owner == person.name or (view.is_shared and person.may(Permission.ADMINISTER))


async def changeable(request: web.Request, view_id: str) -> View:
    """The view, if it may be changed. Raises NotFound."""
    person = require(request, Permission.READ)
    for view in await archive_of(request).views(person.name):
        if view.id == view_id and may_change(request, view):
            return view
    raise NotFound(view_id)


async def check_room(request: web.Request) -> None:
    """Raises FieldError when the person has as many views as one may."""
    name = signed_in_user(request).name
    if sum(view.owner == name for view in await archive_of(request).views(name)) >= MOST_VIEWS:
        raise FieldError("name", say("you have %(most_views)s views; remove some", most_views=MOST_VIEWS))
