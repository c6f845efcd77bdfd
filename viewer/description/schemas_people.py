"""The schemas of people and of what is set in the browser. The values are in `schemas.py`."""

from __future__ import annotations

from relay.model.access import PARTS, Permission
from relay.model.alert import Rule
from viewer.description.schemas import COUNT, FLAG, TEXT, TIME, Json, list_of, object_of, or_null, ref
from viewer.identity.rights import MOST_SHARES, MOST_VALUES

_NAMES = {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": MOST_VALUES}
_PLACES = {"type": "array", "items": {"enum": ["subject", "headers", "body"]}}
_SETTABLE: dict[str, Json] = {
    "opens": {**or_null(FLAG), "description": "Null: as the table [tracking] says."},
    "clicks": {**or_null(FLAG), "description": "Null: as the table [tracking] says."},
    "unsubscribe": FLAG,
    "priority": {"enum": ["urgent", "normal", "bulk"]},
    "max_messages_per_hour": {**COUNT, "maximum": 999_999_999, "description": "0: no limit."},
    "senders": {**_NAMES, "description": "Allowed reverse-paths: an address, or `@domain`; empty: any."},
    "tags": _NAMES,
}


def asking(*required: str, **properties: Json) -> Json:
    """The body of a request: an object of some of these and nothing else."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


_RIGHTS: dict[str, Json] = {
    "role": {**TEXT, "description": "A role's name; empty: none of their own, in some group only."},
    "groups": {**_NAMES, "description": "Names of groups."},
    "scope": or_null(ref("Scope")),
    "disabled": FLAG,
}

PEOPLE_SCHEMAS: dict[str, Json] = {
    "Scope": {
        "type": "array",
        "maxItems": MOST_SHARES,
        "items": {
            "type": "object",
            "properties": dict.fromkeys(PARTS, _NAMES),
            "additionalProperties": False,
            "minProperties": 1,
        },
        "description": "Messages within any of the shares; a share has those that match each of its conditions. "
        "Empty: none. Null instead: as the role says, all or nothing.",
    },
    "User": object_of(
        name=TEXT,
        role=TEXT,
        groups=list_of(TEXT),
        scope=or_null(ref("Scope")),
        created_at=TIME,
        disabled_at=or_null(TIME),
        has_password=FLAG,
    ),
    "Users": object_of(users=list_of(ref("User"))),
    "NewUser": asking("name", name=TEXT, password={**TEXT, "description": "A first one."}, **_RIGHTS),
    "UserChange": asking(**_RIGHTS),
    "Role": object_of(name=TEXT, is_built_in=FLAG, permissions=list_of({"enum": list(Permission)}), needs_scope=FLAG),
    "Roles": object_of(roles=list_of(ref("Role"))),
    "RoleChange": asking(
        permissions={"type": "array", "items": {"enum": list(Permission)}},
        needs_scope={**FLAG, "description": "Whoever has it sees nothing until a scope says what; true by default."},
    ),
    "Group": object_of(name=TEXT, role=TEXT, scope=or_null(ref("Scope")), users=list_of(TEXT)),
    "Groups": object_of(groups=list_of(ref("Group"))),
    "GroupChange": asking("role", role=TEXT, scope=or_null(ref("Scope"))),
    "Reference": object_of(name=TEXT, pattern=TEXT, link=TEXT, where=_PLACES, in_file=FLAG),
    "References": object_of(references=list_of(ref("Reference"))),
    "ReferenceChange": asking(
        "pattern",
        pattern={**TEXT, "description": "In RE2's syntax; group 1, or all of it, is the code."},
        link={**TEXT, "description": "Address of the record; {code} stands for the code."},
        where=_PLACES,
    ),
    "AlertRule": object_of(
        name=TEXT,
        rule={"enum": [rule.value for rule in Rule]},
        application=TEXT,
        above={"type": "number"},
        window={**TEXT, "description": "A duration, such as 1h."},
        at_least=COUNT,
        mail_to=list_of(TEXT),
        in_file=FLAG,
    ),
    "AlertRules": object_of(rules=list_of(ref("AlertRule"))),
    "AlertRuleChange": asking(
        "rule",
        rule={"enum": [rule.value for rule in Rule]},
        application=TEXT,
        above={"type": "number", "exclusiveMinimum": 0},
        window={**TEXT, "description": "A duration, such as 1h."},
        at_least=COUNT,
        mail_to=list_of(TEXT),
    ),
    "ApplicationSettings": object_of(
        name=TEXT, **_SETTABLE, in_file={**list_of(TEXT), "description": "Keys that the file has: not changed here."}
    ),
    "ApplicationSettingsChange": asking(**_SETTABLE),
}
