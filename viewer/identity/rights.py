"""Rights as forms say them: scopes, permissions, and who may give what. Does not read or write the archive.

A scope in a form is some shares, each three lines of text: `applications-0`, `senders-0`, `tags-0`, `applications-1` …,
their values separated by commas. A share left empty is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from aiohttp import web
from multidict import MultiMapping

from relay.config.values import names_author
from relay.model.access import BUILT_IN, EVERYTHING, NOTHING, PARTS, Grant, Group, Permission, Role, Scope, Share, grant
from viewer.errors import FieldError, refusal
from viewer.identity.people import Person
from viewer.translation import say

MOST_SHARES = 20
MOST_VALUES = 200
LONGEST = 10_000
PERMISSION_WORDS: Mapping[Permission, str] = {
    Permission.READ: say("find and open messages: addresses, status, header fields"),
    Permission.BODY: say("see what messages say"),
    Permission.ATTACHMENTS: say("open and save attachments"),
    Permission.RESEND: say("send messages again, retry what waits"),
    Permission.EDIT: say("send changed copies, write messages"),
    Permission.RELEASE: say("approve what is held, cancel, reroute, pause sending"),
    Permission.TAG: say("put tags on messages"),
    Permission.EXPORT: say("take many messages away at once"),
    Permission.DELETE: say("delete contents"),
    Permission.ERASE: say("have a person erased from everything that is kept; only where all messages are seen"),
    Permission.SUPPRESS: say("change the suppression list"),
    Permission.AUDIT: say("see what people did"),
    Permission.USERS: say("manage users, groups and roles"),
    Permission.SECRETS: say("see reset links and codes that rules hide"),
    Permission.ADMINISTER: say("change applications, endpoints, modes and settings"),
}
ROLE_WORDS: Mapping[str, str] = {
    "administrator": say("everything, with users and applications"),
    "operator": say("read messages and send them again"),
    "auditor": say("read messages and export them, see what people did"),
    "member": say("read messages of their own scope; without a scope, nothing"),
}


def scope_in(form: MultiMapping[object]) -> Scope:
    """The scope of a form; EVERYTHING where no share is given. Raises FieldError."""
    if form.get("seen") == "nothing":
        return NOTHING
    shares = tuple(share for share in (_share(form, n) for n in range(MOST_SHARES)) if share.is_asking)
    return Scope(shares) if shares else EVERYTHING


def _share(form: MultiMapping[object], n: int) -> Share:
    applications, senders, tags = (values(str(form.get(f"{part}-{n}", "")), f"{part}-{n}") for part in PARTS)
    senders = tuple(sender.lower() for sender in senders)
    for sender in senders:
        if not names_author(sender):
            raise FieldError(
                f"senders-{n}", say("%(sender)s is no address, and no domain such as @example.com", sender=sender[:100])
            )
    return Share(applications, senders, tags)


def values(text: str, field: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(filter(None, (one.strip() for one in text.replace("\n", ",").split(",")))))
    if len(text) > LONGEST or len(found) > MOST_VALUES:
        raise FieldError(field, say("at most %(most_values)s values", most_values=MOST_VALUES))
    return found


def permissions_in(names: Iterable[object]) -> frozenset[Permission]:
    """Raises FieldError for one that there is not."""
    try:
        return frozenset(Permission(str(name)) for name in names)
    except ValueError:
        raise FieldError("permission", say("must be one of %(known)s", known=", ".join(Permission))) from None


def check_giver(person: Person, given: Grant) -> None:
    """Raises 403 if the person would give what they do not have: nobody lifts themselves by making a user."""
    if not given.permissions <= person.grant.permissions:
        missing = ", ".join(sorted(given.permissions - person.grant.permissions))
        raise refusal(
            web.HTTPForbidden, say("You cannot give what you do not have yourself: %(missing)s.", missing=missing)
        )


def check_role(name: str, roles: Sequence[Role], *, may_be_none: bool = False) -> str:
    """Raises FieldError for a role that there is not."""
    if name in {role.name for role in (*BUILT_IN, *roles)} or (may_be_none and not name):
        return name
    raise FieldError("role", say("must be one of the roles"))


def all_that(role: str, groups: Iterable[Group], roles: Sequence[Role]) -> Grant:
    """What a role and groups give together, whatever the scope."""
    return grant(role, EVERYTHING, groups, roles)
