from __future__ import annotations

from relay.model.access import (
    BUILT_IN,
    EVERYTHING,
    NOTHING,
    ROLES,
    Grant,
    Group,
    Permission,
    Role,
    Scope,
    Share,
    grant,
    narrowed,
    union,
)

SHOP, LAB = Scope((Share(applications=("shop",)),)), Scope((Share(tags=("lab",)),))
READ = frozenset({Permission.READ})


def test_a_member_without_a_scope_sees_nothing():
    assert grant("member", EVERYTHING, (), ()) == Grant(ROLES["member"], NOTHING)
    assert grant("member", SHOP, (), ()).scope == SHOP


def test_other_roles_without_a_scope_see_everything():
    for role in BUILT_IN:
        assert grant(role.name, EVERYTHING, (), ()).scope.is_everything is not role.needs_scope


def test_an_unknown_role_gives_nothing_and_adds_no_scope():
    assert grant("gone", EVERYTHING, (), ()) == Grant()
    assert grant("gone", EVERYTHING, [Group("g", "member", SHOP)], ()) == Grant(ROLES["member"], SHOP)
    assert grant("empty", EVERYTHING, [Group("g", "member", SHOP)], [Role("empty", frozenset(), False)]).scope == SHOP


def test_groups_add_permissions_and_scopes():
    groups = [Group("a", "own", LAB), Group("b", "member")]
    given = grant("member", SHOP, groups, [Role("own", READ | {Permission.EXPORT})])
    assert given.permissions == ROLES["member"] | {Permission.EXPORT}
    assert given.scope == union([SHOP, LAB])
    assert grant("member", SHOP, [Group("c", "auditor")], ()).scope == EVERYTHING


def test_a_role_that_people_made_cannot_stand_for_one_that_is_always_there():
    assert grant("member", SHOP, (), [Role("member", frozenset(Permission), False)]).permissions == ROLES["member"]


def test_a_union_has_each_share_once():
    assert union([]) == NOTHING
    assert union([SHOP, LAB, SHOP]) == Scope((*(SHOP.shares or ()), *(LAB.shares or ())))
    assert union([SHOP, EVERYTHING]) == EVERYTHING


def test_a_scope_is_narrowed_to_some_applications():
    wide = Scope((Share(("shop", "crm"), ("@example.com",)), Share(("lab",)), Share(tags=("red",)), Share()))
    assert narrowed(wide, ()) == wide
    assert narrowed(wide, ("crm", "hr")) == Scope(
        (Share(("crm",), ("@example.com",)), Share(("crm", "hr"), tags=("red",)))
    )
    assert narrowed(EVERYTHING, ("crm",)) == Scope((Share(("crm",)),))
    assert narrowed(SHOP, ("crm",)) == NOTHING
    assert narrowed(NOTHING, ("crm",)) == NOTHING


def test_a_scope_is_the_same_after_a_journey_as_json():
    for scope in (EVERYTHING, NOTHING, SHOP, LAB, Scope((Share(("a",), ("b@c.d", "@e.f"), ("g",)),))):
        assert Scope.of_json(scope.as_json()) == scope


def test_roles_and_groups_can_be_told_in_json():
    assert Role("own", READ).as_json() == {"permissions": ["read"], "needs_scope": True}
    assert Group("g", "own").as_json() == {"role": "own", "scope": None}
    assert Group("g", "own", SHOP).as_json()["scope"] == [{"applications": ["shop"], "senders": [], "tags": []}]


def test_a_share_that_asks_for_nothing_is_known():
    assert not Share().is_asking
    assert Share(senders=("a@b.c",)).is_asking


def test_only_administrators_manage_people():
    assert [role.name for role in BUILT_IN if Permission.USERS in role.permissions] == ["administrator"]


def test_people_are_kept_by_who_sees_everything():
    people = frozenset({Permission.USERS})
    assert Grant(people, EVERYTHING).keeps_people
    assert not Grant(people, SHOP).keeps_people
    assert not Grant(READ, EVERYTHING).keeps_people
