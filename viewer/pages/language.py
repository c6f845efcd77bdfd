"""The language and the time zone in which a person reads the pages."""

from __future__ import annotations

from aiohttp import web

from viewer import tongue
from viewer.errors import FieldError
from viewer.flash import flash
from viewer.keys import ARCHIVE, CONFIG
from viewer.security import is_https, signed_in_user
from viewer.translation import say

routes = web.RouteTableDef()
A_YEAR = 365 * 24 * 3600


@routes.post("/account/language")
async def choose(request: web.Request) -> web.Response:
    """Keeps both; an empty one means: as the browser says. The cookie is for the sign-in page."""
    form, person = await request.post(), signed_in_user(request)
    language, zone = str(form.get("language", "")), str(form.get("zone", ""))
    if language and language not in tongue.LANGUAGES:
        raise FieldError("language", say("is none that we have"))
    if zone and tongue.zone_named(zone) is None:
        raise FieldError("zone", say("is no time zone such as Europe/Berlin"))
    archive = request.app[ARCHIVE]
    await archive.put_preference(person.name, "language", language or None)
    await archive.put_preference(person.name, "zone", zone or None)
    tongue.prefer(language, zone)
    flash(request, say("The pages are shown as you chose."))
    answer = web.HTTPSeeOther("/account")
    secure = is_https(request.app[CONFIG])
    if language:
        answer.set_cookie(
            tongue.LANGUAGE_COOKIE, language, max_age=A_YEAR, path="/", samesite="Lax", httponly=True, secure=secure
        )
    else:
        answer.del_cookie(tongue.LANGUAGE_COOKIE, path="/")
    raise answer
