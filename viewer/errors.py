"""Every refusal and failure as an answer: a page for people, `{"error": {…}}` under /api.

The public half is a fixed sentence or one made by us; the cause of a failure goes to the log only.
"""

from __future__ import annotations

from http import HTTPStatus

import aiohttp_jinja2
from aiohttp import web

from relay import maillog
from relay.archive.api import ArchiveUnavailable, Gone, NobodyLeft, NotFound, OutOfReach, TooSlow
from relay.archive.query import QuerySyntaxError
from viewer.context import template_context
from viewer.keys import Handler
from viewer.translation import Saying, joined, known, say, sentence

SENTENCES = {
    401: say("Sign in first."),
    403: say("Your role does not allow this."),
    404: say("There is nothing here. It may have been mistyped."),
    405: say("This address does not do that."),
    410: say("The content of this message was deleted. Its page says by whom, when and why."),
    413: say("That is more than this address takes."),
    500: say("Something went wrong on our side. It has been logged."),
    503: say("The archive does not answer at the moment. Nothing was changed; try again."),
}

TITLES = {
    400: say("This cannot be asked so"),
    401: say("Not signed in"),
    403: say("Not allowed"),
    404: say("Not found"),
    405: say("Not done here"),
    409: say("Not possible now"),
    410: say("Deleted"),
    413: say("Too large"),
    415: say("Not understood"),
    421: say("Not our name"),
    422: say("Too much at once"),
    429: say("Too often"),
    500: say("Something went wrong"),
    503: say("Not available at the moment"),
}

SLOW = say("This search took more than five seconds and was stopped. Add a word, a date or a recipient to narrow it.")


NOBODY_LEFT = say("Nobody would be left who may manage people. Make somebody else an administrator first.")


class FieldError(Exception):
    """One named part of a request is not what it must be: 400. `message` is shown to whoever asked."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's answer, or the page or JSON that says why there is none."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer = await _answer(request, error.status, _own_text(error))
        answer.headers.update({name: error.headers[name] for name in KEPT_HEADERS if name in error.headers})
        return answer
    except FieldError as error:
        return await _answer(request, 400, error.message, error.field)
    except QuerySyntaxError as error:
        return await _answer(request, 400, str(error), "q")
    except Gone:
        return await _answer(request, 410)
    except NotFound:
        return await _answer(request, 404)
    except NobodyLeft:
        return await _answer(request, 409, NOBODY_LEFT)
    except OutOfReach as error:
        return await _answer(request, 403, str(error))
    except TooSlow:
        return await _answer(request, 503, SLOW)
    except ArchiveUnavailable as error:
        maillog.room_failed("viewer", error)
        return await _answer(request, 503)
    except Exception as error:  # the top of a web request
        maillog.room_failed("viewer", error)
        return await _answer(request, 500)


KEPT_HEADERS = ("Allow", "WWW-Authenticate", "Retry-After", "Set-Cookie")


SAYING = web.ResponseKey("saying", Saying)


def refusal(kind: type[web.HTTPException], words: Saying) -> web.HTTPException:
    """An error whose sentence has values in it; aiohttp keeps octets only, so the sentence goes along."""
    error = kind(text=words)
    error[SAYING] = words
    return error


def _own_text(error: web.HTTPException) -> str:
    """The sentence a handler gave, or '' for aiohttp's standard text. One without values is found by its English."""
    if SAYING in error:
        return error[SAYING]
    return "" if error.text == f"{error.status}: {error.reason}" else known(error.text or "")


async def _answer(request: web.Request, status: int, message: str = "", field: str | None = None) -> web.Response:
    message = message or SENTENCES.get(status, HTTPStatus(status).phrase)
    if request.path.startswith("/api/"):
        error = {"status": status, "message": message} | ({"field": field} if field else {})
        return web.json_response({"error": error}, status=status)
    context = await template_context(request) | {
        "status": status,
        "title": TITLES.get(status, HTTPStatus(status).phrase),
        "message": joined(": ", [field, sentence(message)]) if field else message,
    }
    return aiohttp_jinja2.render_template("error.html", request, context, status=status)
