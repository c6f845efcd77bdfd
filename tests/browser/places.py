"""Every page of the viewer, once: for the pictures, for axe, and for the time it takes until a page can be used.

A path may hold `{names}` of what `showroom.furnish` made. A page that is missing here fails `test_browser_places.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from playwright.sync_api import Page, expect


def _nothing(page: Page) -> None:
    """The page as it opens."""


@dataclass(frozen=True, slots=True)
class Place:
    """One page. `name` is that of its picture; `then` leads on to what has no address of its own."""

    name: str
    path: str
    then: Callable[[Page], None] = _nothing
    is_public: bool = False
    """Seen by who is not signed in."""
    is_plain: bool = False
    """A document without the viewer's frame: no header, no script."""
    status: int = 200

    def visit(self, page: Page, names: Mapping[str, str]) -> None:
        answer = page.goto(self.path.format_map(names))
        assert answer is not None
        assert answer.status == self.status, answer.url
        self.then(page)
        page.wait_for_load_state()


def _live(page: Page) -> None:
    expect(page.locator(".live")).to_have_attribute("data-state", "on")


def _filters(page: Page) -> None:
    page.get_by_text("Filter", exact=True).click()


def _views(page: Page) -> None:
    page.locator(".views > summary").click()


def _account_menu(page: Page) -> None:
    page.get_by_label("Account menu").click()


def _how_to_search(page: Page) -> None:
    page.locator("summary[aria-label='How to search']").click()


def _completions(page: Page) -> None:
    page.get_by_label("Search messages").fill("")
    page.get_by_label("Search messages").press_sequentially("status:s")
    expect(page.get_by_role("listbox")).to_be_visible()


def _keys(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.locator("dialog.keys")).to_be_visible()


def _palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("EST-2207")
    expect(page.locator("dialog.palette li").nth(2)).to_be_visible()


def _panel(page: Page) -> None:
    page.locator("a.open").first.click()
    expect(page.frame_locator(".panel iframe").get_by_text("Pay this invoice")).to_be_visible()


def _chosen(page: Page) -> None:
    page.evaluate("sessionStorage.clear()")
    page.reload()
    page.locator("input.tick").nth(0).click()
    page.locator("input.tick").nth(2).click(modifiers=["Shift"])


def _bulk(button: str) -> Callable[[Page], None]:
    def press(page: Page) -> None:
        _chosen(page)
        page.get_by_role("button", name=f"{button}…").click()
        expect(page.locator("form[action='/bulk/do']")).to_be_visible()

    return press


def _edited(page: Page) -> None:
    page.get_by_label("Edited").check()


def _look(page: Page) -> None:
    _edited(page)
    page.get_by_label("Subject").fill("Quote EST-2207, corrected")
    page.get_by_role("button", name="Look at it before sending").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("This is what will be sent")


def _confirmed(page: Page) -> None:
    page.locator("tbody input[type=checkbox]").first.check()
    page.get_by_role("button", name="Cancel…").click()
    expect(page.locator("form[action='/queue/do']")).to_be_visible()


def _mode(page: Page) -> None:
    form = page.locator("form[action='/applications/mode']").first
    form.locator("select").select_option("hold")
    form.locator("button").click()
    expect(page.locator("form[action='/applications/mode/do']")).to_be_visible()


def _suppress(page: Page) -> None:
    page.get_by_role("button", name="Suppress those at").first.click()
    expect(page.locator("form[action^='/reports/bounces/suppress/do']")).to_be_visible()


def _wrong_reference(page: Page) -> None:
    page.get_by_label("Name", exact=True).fill("ticket")
    page.get_by_label("Pattern", exact=True).fill("TCK-(")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()


def _compared(page: Page) -> None:
    for subject in ("Spring sale: all desks reduced", "Your desk is waiting for you"):
        page.get_by_role("checkbox", name=subject).check()
    page.get_by_role("button", name="Compare those chosen").click()
    expect(page.get_by_role("heading", name="Compared", exact=True)).to_be_visible()


def _dns(page: Page) -> None:
    page.locator("form[action*='/check'] button").first.click()
    page.wait_for_load_state()


def _refused(page: Page) -> None:
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill("a wrong password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()


MESSAGE = "/messages/{invoice}"
FEW = "/?q=application:crm"
"""Some rows and not a page full, where it is not the rows that are looked at: axe takes its time for each."""
PLACES = (
    # The list.
    Place("grid", "/", _live),
    Place("grid-recipients", "/?q=EST-2207&rows=recipients"),
    Place("grid-mailings", "/?q=&rows=mailings"),
    Place("grid-sorted", "/?q=application:crm&sort=subject"),
    Place("grid-nothing-found", "/?q=zzz"),
    Place("grid-search-in-error", "/?q=from:ann (foo", status=400),
    Place("grid-filters", "/?q=status:failed overdue", _filters),
    Place("grid-views", FEW, _views),
    Place("grid-menu", FEW, _account_menu),
    Place("grid-how-to-search", FEW, _how_to_search),
    Place("grid-completions", FEW, _completions),
    Place("grid-keys", FEW, _keys),
    Place("grid-palette", FEW, _palette),
    Place("grid-panel", "/?q=INV-10482", _panel),
    Place("grid-chosen", FEW, _chosen),
    Place("columns", "/columns"),
    Place("views", "/views"),
    Place("mailing", "/mailings/{mailing}"),
    # One message.
    Place("message", MESSAGE),
    *(
        Place(f"message-{tab}", f"{MESSAGE}?tab={tab}")
        for tab in ("text", "headers", "structure", "source", "attachments", "smtp", "related")
    ),
    Place("message-failed", "/messages/{quote}"),
    Place("message-reported", "/messages/{reported}"),
    Place("message-held", "/messages/{held}"),
    Place("message-to-many", "/messages/{news}"),
    Place("message-deleted", "/messages/{gone}"),
    Place("as-sent", "/messages/{invoice}/sent/{delivery}"),
    Place("attachment", MESSAGE + "/parts/{part}"),
    Place("report-as-it-came", "/payloads/{payload}"),
    Place("print", "/print?message={invoice}", is_plain=True),
    Place("print-many", "/print?q=application:crm", is_plain=True),
    Place("resend", "/messages/{quote}/resend"),
    Place("resend-edited", "/messages/{quote}/resend", _edited),
    Place("resend-look", "/messages/{quote}/resend", _look),
    Place("delete", "/messages/{held}/delete"),
    # Work on many.
    *(
        Place(f"bulk-{button.lower().replace(' ', '-')}", FEW, _bulk(button))
        for button in ("Tags", "Export", "Send again", "Delete")
    ),
    Place("tasks", "/tasks"),
    Place("task", "/tasks/{task}"),
    Place("exports", "/exports"),
    Place("export", "/exports/{export}"),
    Place("queue", "/queue"),
    Place("queue-deferred", "/queue?state=deferred"),
    Place("queue-nothing", "/queue?q=zzz"),
    Place("queue-confirm", "/queue", _confirmed),
    # Reports.
    Place("reports", "/reports"),
    Place("report-volume", "/reports/volume?compare=1"),
    Place("report-senders", "/reports/senders"),
    Place("report-compare", "/reports/compare"),
    Place("report-compared", "/reports/compare", _compared),
    Place("report-bounces", "/reports/bounces"),
    Place("report-suppress", "/reports/bounces", _suppress),
    Place("report-domains", "/reports/domains"),
    Place("report-domain", "/reports/domains/shop.example.com"),
    Place("report-domain-checked", "/reports/domains/shop.example.com", _dns),
    Place("recipient", "/recipients/ann.keller@example.com"),
    Place("application", "/applications/billing"),
    # Those who want no more.
    Place("suppressions", "/suppressions"),
    Place("suppression", "/suppressions/{entry}"),
    Place("suppressions-import", "/suppressions/import"),
    # The house.
    Place("audit", "/audit"),
    Place("deletions", "/deletions?all=1"),
    Place("holds", "/holds?all=1"),
    Place("erasures", "/erasures?all=1"),
    Place("erasure-look", "/erasures/looks/{look}"),
    Place("erasure", "/erasures/{erasure}"),
    Place("alerts", "/alerts"),
    Place("settings", "/settings?all=1"),
    Place("references", "/settings/references"),
    Place("references-refused", "/settings/references", _wrong_reference),
    Place("applications", "/applications"),
    Place("application-mode", "/applications", _mode),
    Place("application-settings", "/applications/settings?application=erp"),
    Place("endpoints", "/endpoints"),
    Place("endpoint", "/endpoints/crm"),
    Place("users", "/users"),
    Place("user-rights", "/users/ben/rights"),
    Place("user-sign-in", "/users/ann/sign-in"),
    Place("groups", "/groups"),
    Place("roles", "/roles"),
    Place("account", "/account"),
    Place("second-factor-set-up", "/account/second-factor"),
    Place("help", "/help"),
    *(
        Place(f"help-{name}", f"/help/{name}")
        for name in (
            "statuses",
            "waiting",
            "search",
            "sending-again",
            "evidence",
            "preview",
            "figures",
            "people",
            "deletion",
        )
    ),
    Place("not-found", "/nothing-here", status=404),
    # Who is not signed in.
    Place("sign-in", "/sign-in", is_public=True),
    Place("sign-in-refused", "/sign-in", _refused, is_public=True),
)

ELSEWHERE = {
    "/account/recovery-codes": "shown once, in answer to a form: test_browser_sign_in",
    "/second-factor": "asked of who has one: test_browser_sign_in",
    "/sign-in/{token}": "the first sign-in, which every browser test begins with",
    "/queue/jobs/{id}": "the same template as /tasks/{id}",
}
"""Pages that tests reach in another way."""
NO_PAGES = frozenset(
    {
        "/audit.csv",
        "/erasures/{id}/progress",
        "/exports/{id}/file",
        "/exports/{id}/progress",
        "/filter",
        "/healthz",
        "/live",
        "/messages/{id}/parts/{number}/picture",
        "/messages/{id}/parts/{number}/preview",
        "/messages/{id}/preview",
        "/messages/{id}/resend/drafts/{name}",
        "/metrics",
        "/oidc/return",
        "/oidc/start",
        "/panel/{id}",
        "/payloads/{id}/body",
        "/print.pdf",
        "/queue/jobs/{id}/progress",
        "/readyz",
        "/recipients",
        "/suppressions/export",
        "/tasks/{id}/progress",
        "/view/{id}.html",
        "/view/{id}.txt",
    }
)
"""Files, events, pieces of a page, frames with other people's mail, forwardings, words for machines."""


def shows(place: Place, route: str) -> bool:
    """Whether the place is a page of the route, as `tests/support/route_table.py` writes it."""
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(route))
    return re.fullmatch(pattern, place.path.partition("?")[0]) is not None
