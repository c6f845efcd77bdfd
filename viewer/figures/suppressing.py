"""Putting all recipients of one line of the bounce desk on the suppression list, in portions, each in one commit."""

from __future__ import annotations

from aiohttp import web

from relay.model.suppression import Cause, Suppressed
from relay.rendition import suppression_list
from viewer.errors import FieldError
from viewer.figures.asked import Asked
from viewer.figures.bounces import Kind, addresses, class_word
from viewer.keys import CLOCK, NEW_ID
from viewer.security import signed_in_user
from viewer.translation import say
from viewer.work import suppressions


async def suppress(request: web.Request, asked: Asked, kind: Kind, application: str) -> int:
    """How many said something new. `application`: whose mail is kept off them, '' for all. Raises FieldError."""
    try:
        whose = suppression_list.checked_application(application, await suppressions.applications(request))
    except ValueError as error:
        raise FieldError("whose", str(error)) from None
    now, actor = request.app[CLOCK](), signed_in_user(request).actor
    reason = str(say("from the bounce desk (%(word)s): %(reason)s", word=class_word(kind.bounce), reason=kind.reason))
    entries = [
        Suppressed(request.app[NEW_ID](), address, whose, Cause.MANUAL, reason[:500], now, actor)
        for address in await addresses(asked, kind)
    ]
    return await suppressions.import_entries(request, entries)
