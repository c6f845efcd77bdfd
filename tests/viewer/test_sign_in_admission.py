"""Who comes in by single sign-on, and as what."""

from __future__ import annotations

from typing import Any

import pytest

from relay.config import Oidc
from viewer.identity.admission import Admission, Refusal, admit, groups_after

ROLES = ("administrator", "operator", "auditor", "member")
TABLE = Oidc(
    issuer="https://id.example.com",
    client_id="mailwitness",
    groups={"mail admins": "administrator", "/support": "operator", "sales": "Sales team", "gone": "no such thing"},
)


def claims(**more: Any) -> dict[str, Any]:
    return {"sub": "1", "preferred_username": "ann", "email": "ann@example.com", **more}


def test_the_first_role_of_the_file_counts_and_groups_of_ours_come_along() -> None:
    found = admit(TABLE, claims(groups=["sales", "/support", "mail admins", "gone", 7]), ROLES, ("Sales team",))
    assert found == Admission("1", "ann", "administrator", ("Sales team",))


def test_a_single_group_may_be_a_text() -> None:
    assert admit(TABLE, claims(groups="/support"), ROLES, ()) == Admission("1", "ann", "operator")


@pytest.mark.parametrize("groups", [None, [], ["other"], ["gone"], {"mail admins": 1}, [7]])
@pytest.mark.parametrize("default", ["", "no such role"])
def test_whom_no_group_maps_is_refused(groups: Any, default: str) -> None:
    table = TABLE.model_copy(update={"default_role": default})
    found = admit(table, claims(groups=groups), ROLES, ("Sales team",))
    assert found == Refusal("no group of theirs maps to a role or group")


def test_a_group_of_ours_is_enough() -> None:
    found = admit(TABLE, claims(groups=["sales"]), ROLES, ("Sales team",))
    assert found == Admission("1", "ann", "", ("Sales team",))


def test_a_default_role_takes_in_the_rest() -> None:
    table = TABLE.model_copy(update={"default_role": "member"})
    assert admit(table, claims(groups=[]), ROLES, ()) == Admission("1", "ann", "member")


def test_groups_that_the_file_does_not_map_stay_as_an_administrator_gave_them() -> None:
    admission = Admission("1", "ann", "operator", ("Sales team",))
    assert groups_after(TABLE, ("Auditors", "no such thing", "Sales team"), admission) == ("Auditors", "Sales team")


@pytest.mark.parametrize(
    ("email", "is_verified", "is_in"),
    [
        ("ann@Example.com", True, True),
        ("ann@example.com", None, False),
        ("ann@example.com", "true", False),
        ("ann@evil.example", True, False),
        ("ann@example.com@evil.example", True, False),
        (None, True, False),
    ],
)
def test_only_verified_addresses_of_allowed_domains_come_in(email: Any, is_verified: Any, is_in: bool) -> None:
    table = TABLE.model_copy(update={"allowed_domains": ("example.com",)})
    found = admit(table, claims(groups="/support", email=email, email_verified=is_verified), ROLES, ())
    assert isinstance(found, Admission) is is_in


@pytest.mark.parametrize(
    ("name", "expected"),
    [("ann", "ann"), ("Ann O.", "ann@example.com"), (None, "ann@example.com"), ("", "ann@example.com")],
)
def test_the_name_is_that_of_the_claim_or_else_the_address(name: Any, expected: str) -> None:
    found = admit(TABLE, claims(groups="/support", preferred_username=name), ROLES, ())
    assert isinstance(found, Admission)
    assert found.name == expected


def test_without_a_usable_name_there_is_none() -> None:
    found = admit(TABLE, claims(groups="/support", preferred_username="a b", email="<x>"), ROLES, ())
    assert isinstance(found, Admission)
    assert found.name == ""
