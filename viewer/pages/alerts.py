"""The alerts page: what stands, what was, and the rules."""

from __future__ import annotations

from typing import Any

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api.deletion import Deeds
from relay.model.access import Permission
from relay.model.alert import RATES, Rule
from viewer import settings
from viewer.alerts import LOOKERS, standing
from viewer.deeds import GROUPS, sentence
from viewer.errors import FieldError
from viewer.flash import flash
from viewer.keys import CLOCK, CONFIG
from viewer.security import archive_of, require, signed_in_user
from viewer.translation import say

routes = web.RouteTableDef()
HISTORY = 50
FIELDS = ("name", "rule", "application", "above", "window", "at_least", "mail_to")
RULES = {
    Rule.BOUNCE_RATE: say("Bounce rate, in percent"),
    Rule.COMPLAINT_RATE: say("Complaint rate, in percent"),
    Rule.FAILURE_RATE: say("Failure rate, in percent"),
    Rule.QUEUE_AGE: say("Oldest waiting delivery is older than the window"),
    Rule.UPSTREAM_DOWN: say("An upstream cannot be reached"),
    Rule.SILENCE: say("No mail came for the window"),
    Rule.SIGN_IN_FAILURES: say("Sign-ins refused in the window"),
}


@routes.get("/alerts")
async def show(request: web.Request) -> web.Response:
    _may_look(request)
    return await _page(request, {})


@routes.post("/alerts")
async def save(request: web.Request) -> web.Response:
    require(request, Permission.ADMINISTER)
    form = await request.post()
    given = {name: str(form.get(name, "")).strip() for name in FIELDS}
    values: dict[str, Any] = {**given, "mail_to": given["mail_to"].split()}
    try:
        if given["above"]:
            values["above"] = _figure(given["above"])
        await settings.put_named(request, "alert", values)
    except FieldError as error:
        return await _page(
            request, given, problem=say("%(field)s: %(message)s.", field=error.field, message=error.message)
        )
    flash(request, say("Saved. It is looked at every minute."))
    raise web.HTTPSeeOther("/alerts")


@routes.post("/alerts/remove")
async def remove(request: web.Request) -> web.Response:
    require(request, Permission.ADMINISTER)
    if await settings.remove_named(request, "alert", str((await request.post()).get("name", ""))):
        flash(request, say("The rule is removed."))
    raise web.HTTPSeeOther("/alerts")


def _figure(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise FieldError("above", say("must be a number")) from None


def _may_look(request: web.Request) -> None:
    person = signed_in_user(request)
    if not any(person.may(permission) for permission in LOOKERS):
        require(request, Permission.AUDIT)


async def _page(request: web.Request, given: dict[str, str], *, problem: str = "") -> web.Response:
    config = request.app[CONFIG]
    which = Deeds(kinds=GROUPS["alerts"][1])
    history = [event for _, event in await archive_of(request).deeds(which, limit=HISTORY)]
    defaults = {"name": "", "rule": "bounce-rate", "application": "", "above": "5", "window": "1h", "at_least": "20"}
    context = {
        "standing": await standing(request),
        "history": [(event, sentence(event)) for event in history],
        "rules": config.alert,
        "words": {rule.value: words for rule, words in RULES.items()},
        "rates": {rule.value for rule in RATES},
        "locked": settings.names_in_file(request, "alert"),
        "applications": sorted(config.application_names(one.name for one in await archive_of(request).applications())),
        "given": {**defaults, "mail_to": "", **given},
        "problem": problem,
        "now": request.app[CLOCK](),
        "span": settings.span,
    }
    return aiohttp_jinja2.render_template("alerts.html", request, context, status=400 if problem else 200)
