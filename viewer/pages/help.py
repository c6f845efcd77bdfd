"""The user guide: what each status says and does not say, how to search, what may be done and what that does.

`/help` lists the pages; each is `templates/help/NAME.html`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp_jinja2
from aiohttp import web

from relay.model.access import BUILT_IN, Permission
from viewer import present
from viewer.figures import significance
from viewer.identity import rights
from viewer.message.engagement import CLICKS, OPENS
from viewer.message.standing import BOUNCES, KINDS_OF_BOUNCE, MARKS
from viewer.translation import Saying, say
from viewer.work.operations import OPERATIONS

routes = web.RouteTableDef()


@dataclass(frozen=True, slots=True)
class Guide:
    """A page of the guide in the list of pages."""

    title: Saying
    about: Saying
    icon: str


PAGES: Mapping[str, Guide] = {
    "statuses": Guide(
        say("What a status means, and what it does not"),
        say("Sent is not delivered, delivered is not read. Bounces, opens and clicks."),
        "sent",
    ),
    "evidence": Guide(
        say("Evidence: how we know"),
        say("Grades from A to E; the original and the copy as sent; SHA-256."),
        "lock",
    ),
    "search": Guide(say("How to search"), say("Words, phrases and fields, with examples to try."), "search"),
    "sending-again": Guide(
        say("Sending again"), say("Exactly or edited, to whom, and when somebody gets it twice."), "resend"
    ),
    "waiting": Guide(
        say("What waits, what is held"), say("The queue, approval, pauses, and the suppression list."), "queue"
    ),
    "people": Guide(say("Roles, groups and scopes"), say("Who may do what, and who sees which messages."), "users"),
    "deletion": Guide(say("Deletion"), say("What goes for good, and what stays as a fact."), "deleted"),
    "figures": Guide(
        say("Reports and what their figures are worth"),
        say("What is counted, and when a difference means anything."),
        "chart",
    ),
    "preview": Guide(say("The preview is inert"), say("Why looking at a message never counts as an open."), "view"),
}
"""By name, as in the address."""

SEARCH = (
    ("invoice overdue", say("both words, anywhere")),
    ('"credit note"', say("the phrase")),
    ("-newsletter", say("without the word; works before every term")),
    ("refund OR credit", say("one of them; (…) groups")),
    ("from:billing", say("in the author's name or address")),
    ("to:ann  cc:ann", say("in the To or Cc field as the message shows it")),
    ("recipient:ann@example.com", say("an address the message really went to (Bcc included)")),
    ("sender:bounces@", say("the envelope's reverse-path")),
    ("subject:reminder  body:iban", say("in the subject, in the text")),
    ("header:List-Id=news", say("in a header field")),
    ("ref:INV-1042", say("a business reference")),
    ("tag:billing  application:shop", say("a tag, the application that sent it")),
    ("status:failed", say("the state of at least one recipient")),
    ("status:complained  status:unsubscribed", say("recipients who want no more, whatever the state")),
    ("bounce:hard", say("why it bounced: hard, soft, block, spam, quota, policy")),
    ("has:attachment  filename:pdf", say("attached files")),
    ("after:7d  before:2026-11-01  on:2026-10-31", say("days back, or a date (UTC)")),
    ("larger:1M  smaller:10K", say("size")),
    (
        "opened:human  clicked:no",
        say("who fetched the pixel or a link, as far as can be told: yes, no, human, proxy, scanner"),
    ),
    ("is:held  is:resent  is:edited", say("what people did or must do")),
    ("id:01J…  message-id:…", say("one message, by our id or by its header")),
)


@routes.get("/help")
async def index(request: web.Request) -> web.Response:
    return aiohttp_jinja2.render_template("help/index.html", request, {"guides": PAGES})


@routes.get("/help/{page}")
async def show(request: web.Request) -> web.Response:
    name = request.match_info["page"]
    if name not in PAGES:
        raise web.HTTPNotFound
    names = list(PAGES)
    at = names.index(name)
    context = {
        "guide": PAGES[name],
        "guides": PAGES,
        "earlier": names[at - 1] if at else "",
        "later": names[at + 1] if at + 1 < len(names) else "",
        "states": [*present.STATES.values(), *MARKS],
        "bounces": BOUNCES,
        "kinds_of_bounce": KINDS_OF_BOUNCE,
        "grades": present.GRADES,
        "modes": present.MODES,
        "operations": OPERATIONS,
        "search": SEARCH,
        "engagement": (*OPENS.values(), *CLICKS.values()),
        "roles": [(role, rights.ROLE_WORDS.get(role.name, "")) for role in BUILT_IN],
        "permissions": [(permission.value, rights.PERMISSION_WORDS[permission]) for permission in Permission],
        "fewest": significance.FEWEST,
    }
    return aiohttp_jinja2.render_template(f"help/{name}.html", request, context)
