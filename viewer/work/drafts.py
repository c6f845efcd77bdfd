"""Edited copies that somebody looks at before they are sent: inert documents, for the frame of a page.

Kept in memory for whoever made them, the newest MOST of all; one that went, or a restart, costs a press on a button,
for the form that is sent carries the edit itself. Never sent from here.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from aiohttp import web

from viewer.keys import NEW_SECRET
from viewer.message.preview import Preview
from viewer.security import signed_in_user
from viewer.translation import say

MOST = 40
MOST_TEXT = 40_000_000
"""Characters of all documents together."""


@dataclass(frozen=True, slots=True)
class Draft:
    owner: str
    message_id: str
    made: Preview


DRAFTS: web.AppKey[OrderedDict[str, Draft]] = web.AppKey("drafts")


def setup(app: web.Application) -> None:
    app[DRAFTS] = OrderedDict()


def keep(request: web.Request, message_id: str, made: Preview) -> str:
    """The name under which the document can be asked for."""
    drafts, name = request.app[DRAFTS], request.app[NEW_SECRET]()
    drafts[name] = Draft(signed_in_user(request).name, message_id, made)
    while len(drafts) > 1 and (
        len(drafts) > MOST or sum(len(one.made.document) for one in drafts.values()) > MOST_TEXT
    ):
        drafts.popitem(last=False)
    return name


def find(request: web.Request, message_id: str, name: str) -> Preview:
    """The document; 404 for one that went, that is another person's, or of another message."""
    draft = request.app[DRAFTS].get(name)
    if draft is None or (draft.owner, draft.message_id) != (signed_in_user(request).name, message_id):
        raise web.HTTPNotFound(text=say("This preview is no longer kept. Go back, and look at the edited copy again."))
    return draft.made
