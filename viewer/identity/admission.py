"""Whom a provider sends may come in, and as what. Pure: claims and configuration in, a decision out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relay.config import Oidc
from viewer.identity.people import NAME


@dataclass(frozen=True, slots=True)
class Admission:
    """Someone who may come in. `name`: for a new user. `role`: '' for who has only what the groups give."""

    subject: str
    name: str
    role: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why someone may not, in words for the event."""

    reason: str


def admit(
    table: Oidc, claims: Mapping[str, Any], roles: Collection[str], groups: Collection[str]
) -> Admission | Refusal:
    """The decision. `roles`, `groups`: those there are; what the file maps to anything else does not count."""
    if table.allowed_domains and not _is_of_allowed_domain(table.allowed_domains, claims):
        return Refusal("no verified email address of an allowed domain")
    theirs = _texts(claims.get(table.groups_claim))
    mapped = [target for group, target in table.groups.items() if group in theirs]
    role = next((target for target in mapped if target in roles), "")
    ours = tuple(dict.fromkeys(target for target in mapped if target in groups and target not in roles))
    if not role and not ours:
        role = table.default_role if table.default_role in roles else ""
        if not role:
            return Refusal("no group of theirs maps to a role or group")
    return Admission(str(claims["sub"]), _name(claims, table.name_claim), role, ours)


def groups_after(table: Oidc, before: Sequence[str], admission: Admission) -> tuple[str, ...]:
    """A user's groups: those that the file maps are the provider's to give and take, others an administrator's."""
    mapped = set(table.groups.values())
    kept = (group for group in before if group not in mapped)
    return tuple(dict.fromkeys((*kept, *admission.groups)))


def _is_of_allowed_domain(domains: Sequence[str], claims: Mapping[str, Any]) -> bool:
    address = claims.get("email")
    if not isinstance(address, str) or claims.get("email_verified") is not True:
        return False
    return address.rpartition("@")[2].lower() in {domain.lower() for domain in domains}


def _texts(value: object) -> frozenset[str]:
    """Providers give a list, or a single text."""
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return frozenset(one for one in values if isinstance(one, str))


def _name(claims: Mapping[str, Any], claim: str) -> str:
    """'' if no claim makes a name that users may have."""
    for given in (claims.get(claim), claims.get("email")):
        if isinstance(given, str) and NAME.fullmatch(given):
            return given
    return ""
