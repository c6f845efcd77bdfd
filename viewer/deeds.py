"""What people did, each in a sentence, and the groups by which it is looked for. Pure.

A sentence names who, what and the facts of the event; it says no more than is in the event.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from relay.model.event import Event, Kind
from viewer import present
from viewer.message.happenings import KINDS
from viewer.translation import Saying, joined, known, say, say_n

MOST_FACTS = 20
LONGEST_FACT = 200
"""Characters."""

GROUPS: Mapping[str, tuple[str, frozenset[Kind]]] = {
    "views": (say("Looked at and saved"), frozenset({Kind.VIEWED, Kind.DOWNLOADED})),
    "exports": (say("Exports"), frozenset({Kind.EXPORTED})),
    "sending": (
        say("Sent again, released, cancelled"),
        frozenset({Kind.RESENT, Kind.QUEUED, Kind.RETRIED, Kind.REROUTED, Kind.CANCELLED, Kind.CAPTURED}),
    ),
    "deletions": (
        say("Deletions"),
        frozenset(
            {
                Kind.DELETED,
                Kind.DELETION_ASKED,
                Kind.DELETION_REFUSED,
                Kind.RETENTION_RUN,
                Kind.ERASURE_ASKED,
                Kind.ERASURE_DECIDED,
                Kind.ERASED,
            }
        ),
    ),
    "holds": (
        say("Legal holds"),
        frozenset({Kind.HOLD_MADE, Kind.HOLD_PLACED, Kind.HOLD_LIFTED, Kind.HOLD_ENDED}),
    ),
    "tags": (say("Tags"), frozenset({Kind.TAGGED})),
    "imports": (say("Imports and restored copies"), frozenset({Kind.IMPORTED, Kind.RESTORED})),
    "people": (
        say("Sign-ins and people"),
        frozenset(
            kind for kind in Kind if kind.value.startswith(("sign", "account", "user-", "role", "group", "token"))
        ),
    ),
    "settings": (
        say("Settings, switches, suppression"),
        frozenset(
            {
                *(Kind.SETTING_CHANGED, Kind.MODE_CHANGED, Kind.PAUSED, Kind.RESUMED, Kind.REPLAYED),
                *(Kind.SUPPRESSION_ADDED, Kind.SUPPRESSION_REMOVED, Kind.KEY_CHANGED, Kind.ENCRYPTION_CHANGED),
            }
        ),
    ),
    "alerts": (say("Alerts"), frozenset({Kind.ALERT_RAISED, Kind.ALERT_CLEARED})),
}
"""By name, as in the address: the words, and the kinds of events."""


def sentence(event: Event) -> Saying:
    """`anna exported 12 messages that "status:bounced" finds, as zip.`"""
    make = _SENTENCES.get(event.kind)
    who = present.actor(event.actor)
    if make is not None:
        return make(who, event)
    what, note = KINDS[event.kind][0], present.event_note(event)
    if note:
        return say("%(who)s: %(what)s (%(note)s)", who=who, what=what, note=note)
    return say("%(who)s: %(what)s", who=who, what=what)


def _viewed(who: str, event: Event) -> Saying:
    if event.data.get("what") == "remote pictures":
        return say("%(who)s loaded the remote pictures of a message in their browser", who=who)
    return say("%(who)s opened a message", who=who)


def _downloaded(who: str, event: Event) -> Saying:
    return say("%(who)s saved a file: %(what)s", who=who, what=known(str(event.data.get("what", ""))))


def _exported(who: str, event: Event) -> Saying:
    form, query = str(event.data.get("format", "")), str(event.data.get("query", ""))
    if event.data.get("what"):
        return say("%(who)s exported the %(what)s as %(form)s", who=who, what=known(str(event.data["what"])), form=form)
    if event.data.get("failed"):
        name, why = str(event.data.get("schedule", "")), str(event.data["failed"])
        return say("The export %(name)s could not be made: %(why)s", name=name, why=why)
    count = int(event.data.get("count", 0) or 0)
    if not query:
        return say_n(
            "%(who)s exported all messages, %(num)s, as %(form)s",
            "%(who)s exported all messages, %(num)s, as %(form)s",
            count,
            who=who,
            form=form,
        )
    return say_n(
        "%(who)s exported %(num)s message found by “%(query)s” as %(form)s",
        "%(who)s exported %(num)s messages found by “%(query)s” as %(form)s",
        count,
        who=who,
        form=form,
        query=query,
    )


def _resent(who: str, event: Event) -> Saying:
    to = ", ".join(map(str, list(event.data.get("recipients", ()))[:5]))
    if event.data.get("how") == "edited":
        return say("%(who)s sent an edited copy of a message to %(to)s", who=who, to=to)
    return say("%(who)s sent a message again to %(to)s", who=who, to=to)


def _deleted(who: str, event: Event) -> Saying:
    return say("%(who)s deleted the content of a message: “%(why)s”", who=who, why=str(event.data.get("reason", "")))


def _asked(who: str, event: Event) -> Saying:
    why = str(event.data.get("reason", ""))
    return say("%(who)s asked for the deletion of a message: “%(why)s”", who=who, why=why)


def _refused(who: str, event: Event) -> Saying:
    why = str(event.data.get("reason", ""))
    return say("%(who)s refused the deletion of a message: “%(why)s”", who=who, why=why)


def _erasure_asked(who: str, event: Event) -> Saying:
    why = str(event.data.get("reason", ""))
    return say("%(who)s asked for a person to be erased: “%(why)s”", who=who, why=why)


def _erasure_decided(who: str, event: Event) -> Saying:
    answer = str(event.data.get("answer", ""))
    if event.data.get("standing") == "approved":
        return say("%(who)s approved the erasure of a person", who=who)
    if event.data.get("withdrawn"):
        words = say("%(who)s withdrew a request to erase a person", who=who)
    else:
        words = say("%(who)s refused the erasure of a person", who=who)
    return joined(": ", [words, f"“{answer}”"]) if answer else words


def _erased(who: str, event: Event) -> Saying:
    """The end of an erasure, or a step of it; or what is told of one message was erased."""
    if "erasure" not in event.data:
        why = str(event.data.get("reason", ""))
        return say("%(who)s erased what was kept about a message: “%(why)s”", who=who, why=why)
    if "messages" not in event.data:
        return say_n(
            "%(who)s had a person taken out of %(num)s fact: what it was can be proven no more",
            "%(who)s had a person taken out of %(num)s facts: what they were can be proven no more",
            len(event.data.get("leaves", ())),
            who=who,
        )
    done = say_n(
        "%(who)s had a person erased from %(num)s message",
        "%(who)s had a person erased from %(num)s messages",
        int(event.data["messages"]),
        who=who,
    )
    kept = int(event.data.get("kept", 0))
    stays = say_n("%(num)s had to stay as it is", "%(num)s had to stay as they are", kept)
    return joined("; ", [done, stays]) if kept else done


def _went_through(who: str, event: Event) -> Saying:
    """A run of retention, summed up; before there were facts to erase it told of contents alone."""
    rules = event.data.get("rules")
    counts = list(rules.values()) if isinstance(rules, Mapping) else []
    deleted, kept, erased, stayed = (
        sum(int(one.get(name, 0)) for one in counts) for name in ("deleted", "kept", "erased", "stayed")
    )
    return say(
        "%(who)s went through the rules of retention: contents deleted %(deleted)s, kept %(kept)s; facts erased"
        " %(erased)s, kept %(stayed)s",
        who=who,
        deleted=deleted,
        kept=kept,
        erased=erased,
        stayed=stayed,
    )


def _tagged(who: str, event: Event) -> Saying:
    added, removed = (", ".join(map(str, event.data.get(name, ()))) for name in ("added", "removed"))
    if added and removed:
        return say("%(who)s put %(added)s on a message and took %(removed)s off", who=who, added=added, removed=removed)
    if added:
        return say("%(who)s put %(added)s on a message", who=who, added=added)
    return say("%(who)s took %(removed)s off a message", who=who, removed=removed)


def _setting(who: str, event: Event) -> Saying:
    return say(
        "%(who)s changed %(key)s from %(before)s to %(after)s",
        who=who,
        key=str(event.data.get("key", "")),
        before=_value(event.data.get("before")),
        after=_value(event.data.get("after")),
    )


def _value(value: object) -> str:
    if value is None:
        return say("nothing")
    if isinstance(value, Mapping):
        facts = [joined(": ", [name, _short(_plain(inner))]) for name, inner in list(value.items())[:MOST_FACTS]]
        return joined(", ", facts)
    return _short(_plain(value))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_FACT else text[: LONGEST_FACT - 1] + "…"


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _account(who: str, event: Event) -> Saying:
    facts = {name: value for name, value in event.data.items() if name not in ("address", "standing")}
    if isinstance(change := facts.get("change"), str):
        facts["change"] = known(change)
    return say("%(who)s changed who may come in: %(facts)s", who=who, facts=_value(facts))


def _raised(who: str, event: Event) -> Saying:
    return say("Alert: %(what)s", what=str(event.data.get("words", "")))


def _cleared(who: str, event: Event) -> Saying:
    return say("Alert over: %(what)s", what=str(event.data.get("words", "")))


def _signed_in(who: str, event: Event) -> Saying:
    return say("%(who)s signed in from %(address)s", who=who, address=str(event.data.get("address", "")))


_SENTENCES: Mapping[Kind, Callable[[str, Event], Saying]] = {
    Kind.VIEWED: _viewed,
    Kind.DOWNLOADED: _downloaded,
    Kind.EXPORTED: _exported,
    Kind.RESENT: _resent,
    Kind.DELETED: _deleted,
    Kind.DELETION_ASKED: _asked,
    Kind.DELETION_REFUSED: _refused,
    Kind.ERASURE_ASKED: _erasure_asked,
    Kind.ERASURE_DECIDED: _erasure_decided,
    Kind.ERASED: _erased,
    Kind.RETENTION_RUN: _went_through,
    Kind.TAGGED: _tagged,
    Kind.SETTING_CHANGED: _setting,
    Kind.ALERT_RAISED: _raised,
    Kind.ALERT_CLEARED: _cleared,
    Kind.SIGNED_IN: _signed_in,
    Kind.ACCOUNT_CHANGED: _account,
}
