"""The bounce desk: what did not arrive, by domain, class and reason, with what to do; and who to keep off for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from relay.archive.api.figure import MOST_LOST, Loss, LossChoice
from relay.archive.query import quoted
from relay.model.bounce import BounceClass
from relay.model.figure import By, Facet
from relay.rendition.diagnosis import classify
from viewer.figures.asked import Asked, count, lag
from viewer.figures.table import Cell, Column, Form, Report, Table, rate
from viewer.message.standing import BOUNCES, KINDS_OF_BOUNCE
from viewer.translation import say

DROPPED = "dropped"
"""The class of what a provider did not try."""
CLASSES = (*(one.value for one in BounceClass), DROPPED)
MOST_DOMAINS, MOST_ROWS = 50, 100
"""Lines of a page: those with the most recipients."""
MOST_SUPPRESSED = 5000
"""Addresses put on the list at once."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One line of the desk."""

    domain: str
    bounce: str
    """A class, or `dropped`."""
    reason: str
    action: str


def kind_of(loss: Loss) -> Kind:
    """What the reply or report comes to. A direct refusal is read by the same rules as a bounce."""
    if loss.explanation and loss.bounce:
        return Kind(loss.domain, loss.bounce, loss.explanation, loss.action)
    if loss.state == DROPPED:
        reason = loss.explanation or loss.text[:200] or str(say("The provider did not try to deliver it."))
        return Kind(loss.domain, DROPPED, reason, loss.action or str(say("Look at the provider's own list.")))
    found = classify(loss.code, loss.enhanced, loss.text)
    bounce = BounceClass(loss.bounce) if loss.bounce else found.bounce
    return Kind(loss.domain, bounce.value, loss.explanation or found.explanation, loss.action or found.action)


async def bounces(asked: Asked, domain: str = "") -> Report:
    choice = LossChoice(asked.period.first, asked.period.stop, asked.application, domain.lower())
    losses = await asked.archive.losses(choice)
    kinds: dict[Kind, int] = {}
    for loss in losses:
        kind = kind_of(loss)
        kinds[kind] = kinds.get(kind, 0) + loss.count
    shown = tuple(sorted(name for name, _ in _by_domain(asked, kinds)))
    places = await asked.archive.figures(
        replace(asked.choice, by=(By.VALUE,), facet=Facet.PLACE, values=shown, author="")
    )
    taken = {str(figure.keys[0]): figure.sums.ended for figure in places.figures}
    total = sum(kinds.values())
    return Report(
        "bounces",
        say("Bounce desk"),
        say("What did not arrive, why, and what to do about it. Refused at once or sent back later: both are here."),
        asked.period,
        tables=(
            _classes(asked, kinds, total, domain),
            _domains(asked, kinds, taken, domain),
            _reasons(asked, kinds),
        ),
        filters=asked.filters | ({"domain": domain} if domain else {}),
        **lag(places) | ({"counted": MOST_LOST} if total >= MOST_LOST else {}),
    )


def class_word(bounce: str) -> str:
    return say("dropped") if bounce == DROPPED else KINDS_OF_BOUNCE[BounceClass(bounce)]


def _classes(asked: Asked, kinds: dict[Kind, int], total: int, domain: str) -> Table:
    columns = [
        Column("class", say("Class"), Form.TEXT),
        Column("count", say("Recipients")),
        Column("share", say("Share"), Form.RATE),
        Column("meaning", say("What it means"), Form.TEXT),
        Column("action", say("What to do"), Form.TEXT),
    ]
    rows = []
    for bounce in CLASSES:
        found = sum(value for kind, value in kinds.items() if kind.bounce == bounce)
        if found:
            meaning, action = (
                (say("the provider did not try"), say("Look at the provider's own list."))
                if bounce == DROPPED
                else BOUNCES[BounceClass(bounce)]
            )
            q = asked.search(_class_term(bounce), _place_term(domain))
            rows.append([Cell(class_word(bounce)), count(found, q), rate(found, total), Cell(meaning), Cell(action)])
    return Table("classes", say("By class"), columns, rows, empty=say("Nothing came back in this period."))


def _domains(asked: Asked, kinds: dict[Kind, int], taken: dict[str, int], domain: str) -> Table:
    columns = [
        Column("domain", say("Domain of the recipient"), Form.TEXT),
        Column("count", say("Recipients")),
        Column("lost_rate", say("Failed"), Form.RATE, say("Of all that was taken for or refused by that domain.")),
        Column("hard", say("Hard")),
    ]
    rows = []
    for name, (lost, hard) in _by_domain(asked, kinds):
        q = asked.search("(status:failed OR status:bounced OR status:dropped)", _place_term(name))
        all_of_it = max(taken.get(name, 0), lost)
        rows.append([Cell(name), count(lost, q), rate(lost, all_of_it), Cell(hard)])
    return Table("domains", say("By domain"), columns, rows, most=MOST_DOMAINS)


def _by_domain(asked: Asked, kinds: dict[Kind, int]) -> list[tuple[str, list[int]]]:
    """(domain, [lost, of these for good]) of those that lost most."""
    counts: dict[str, list[int]] = {}
    for kind, value in kinds.items():
        one = counts.setdefault(kind.domain, [0, 0])
        one[0] += value
        one[1] += value if kind.bounce == BounceClass.HARD else 0
    return sorted(counts.items(), key=lambda item: (-item[1][0], item[0]))[: asked.limit(MOST_DOMAINS)]


def _reasons(asked: Asked, kinds: dict[Kind, int]) -> Table:
    columns = [
        Column("domain", say("Domain"), Form.TEXT),
        Column("class", say("Class"), Form.TEXT),
        Column("reason", say("Reason"), Form.TEXT),
        Column("action", say("What to do"), Form.TEXT),
        Column("count", say("Recipients")),
    ]
    rows = [
        [
            Cell(kind.domain),
            Cell(class_word(kind.bounce), note=kind.bounce),
            Cell(kind.reason),
            Cell(kind.action),
            count(value, asked.search(_class_term(kind.bounce), _place_term(kind.domain))),
        ]
        for kind, value in sorted(kinds.items(), key=lambda item: (-item[1], item[0].domain, item[0].reason))
    ]
    return Table("reasons", say("By reason"), columns, rows[: asked.limit(MOST_ROWS)], most=MOST_ROWS)


def _class_term(bounce: str) -> str:
    return "status:dropped" if bounce == DROPPED else f"(bounce:{bounce} OR status:failed)"


def _place_term(domain: str) -> str:
    return f"recipient:{quoted('@' + domain)}" if domain else ""


async def addresses(asked: Asked, wanted: Kind) -> Sequence[str]:
    """The recipients of one line, each once, in order; at most MOST_SUPPRESSED."""
    choice = LossChoice(asked.period.first, asked.period.stop, asked.application, wanted.domain)
    found = await asked.archive.lost_recipients(choice, MOST_LOST)
    chosen = {
        address.lower(): address
        for address, loss in found
        if (kind := kind_of(loss)).bounce == wanted.bounce and kind.reason == wanted.reason
    }
    return [chosen[key] for key in sorted(chosen)][:MOST_SUPPRESSED]
