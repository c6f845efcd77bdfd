from __future__ import annotations

from dataclasses import replace

import pytest

from relay.archive.api import ArchiveError, NobodyLeft, NotFound, User, WebSession
from relay.model.access import EVERYTHING, NOTHING, ROLES, Group, Permission, Role, Scope, Share
from relay.model.event import Event, Kind
from tests.support.archive_values import NOON, new_id

SHOP = Scope((Share(applications=("shop",), senders=("@example.com",), tags=("a", "b")),))
READERS = Role("readers", frozenset({Permission.READ}))
SUPPORT = Group("support", "readers", SHOP)


def said(**data):
    return Event(new_id(), NOON, Kind.ACCOUNT_CHANGED, "user:admin", data=data)


async def last(archive):
    return (await archive.events(after=0))[-1][1].data


async def sign_in(archive, name):
    token = name.encode()
    session = WebSession(token, name, NOON, NOON + 10**12, "127.0.0.1")
    await archive.add_session(session, said())
    return lambda: archive.session(token, NOON)


async def test_scope_and_groups_of_a_user_are_kept(archive):
    user = User("ann", "member", "hash", NOON, SHOP, ("support", "sales"))
    await archive.put_user(user, said())
    assert await archive.user("ann") == user
    assert await archive.users() == [user]
    await archive.put_user(User("bob", "member", "hash", NOON, NOTHING), said())
    assert (await archive.user("bob")).scope == NOTHING


async def test_what_someone_may_is_of_their_own_and_of_their_groups(archive):
    await archive.put_role(READERS, said())
    await archive.put_group(SUPPORT, said())
    await archive.put_user(User("ann", "member", "", NOON, groups=("support", "no such group")), said())
    account = await archive.account("ann")
    assert account.grant.permissions == ROLES["member"]
    assert account.grant.scope == SHOP
    assert account.groups == (SUPPORT,)
    assert await archive.account("bob") is None


@pytest.mark.parametrize(
    "change",
    [
        {"role": "auditor"},
        {"password_hash": "other"},
        {"scope": SHOP},
        {"groups": ("support",)},
        {"disabled_at": NOON},
    ],
)
async def test_a_change_of_rights_ends_sessions_and_is_told_with_what_was_before(archive, change):
    user = User("ann", "operator", "hash", NOON)
    await archive.put_user(user, said())
    assert (await last(archive))["before"] is None
    session = await sign_in(archive, "ann")
    await archive.put_user(user, said())
    assert await session() is not None
    await archive.put_user(replace(user, **change), said(reason="new work"))
    assert await session() is None
    told = await last(archive)
    assert told["reason"] == "new work"
    if "password_hash" in change:
        assert "before" not in told
    else:
        assert told["before"] == {"role": "operator", "scope": None, "groups": []}
        assert told["after"] != told["before"]


async def test_a_changed_group_signs_its_users_out_and_no_others(archive):
    await archive.put_group(SUPPORT, said())
    await archive.put_user(User("ann", "", "", NOON, groups=("support",)), said())
    await archive.put_user(User("bob", "operator", "", NOON, groups=("sales",)), said())
    ann, bob = await sign_in(archive, "ann"), await sign_in(archive, "bob")
    await archive.put_group(SUPPORT, said())
    assert await ann() is not None
    await archive.put_group(Group("support", "operator", SHOP), said())
    assert await ann() is None
    assert await bob() is not None
    told = await last(archive)
    assert (told["before"]["role"], told["after"]["role"]) == ("readers", "operator")
    ann = await sign_in(archive, "ann")
    await archive.remove_group("support", said())
    assert await ann() is None
    assert (await archive.user("ann")).groups == ()
    assert (await last(archive))["before"]["users"] == ["ann"]
    with pytest.raises(NotFound):
        await archive.remove_group("support", said())


async def test_a_changed_role_signs_out_whoever_has_it_also_by_a_group(archive):
    await archive.put_role(READERS, said())
    await archive.put_group(SUPPORT, said())
    await archive.put_user(User("ann", "member", "", NOON, groups=("support",)), said())
    await archive.put_user(User("bob", "readers", "", NOON), said())
    await archive.put_user(User("cid", "operator", "", NOON), said())
    ann, bob, cid = [await sign_in(archive, name) for name in ("ann", "bob", "cid")]
    await archive.put_role(Role("readers", frozenset({Permission.READ, Permission.BODY})), said())
    assert [await ann(), await bob()] == [None, None]
    assert await cid() is not None
    assert (await archive.roles())[0].permissions == {Permission.READ, Permission.BODY}


async def test_a_role_that_somebody_has_cannot_be_removed(archive):
    await archive.put_role(READERS, said())
    await archive.put_group(SUPPORT, said())
    with pytest.raises(ArchiveError, match="somebody"):
        await archive.remove_role("readers", said())
    await archive.remove_group("support", said())
    await archive.put_user(User("bob", "readers", "", NOON), said())
    with pytest.raises(ArchiveError, match="somebody"):
        await archive.remove_role("readers", said())
    await archive.remove_user("bob", said())
    event = said()
    await archive.remove_role("readers", event)
    await archive.remove_role("readers", event)
    assert await archive.roles() == []
    with pytest.raises(NotFound):
        await archive.remove_role("readers", said())


@pytest.mark.parametrize("name", sorted(ROLES))
async def test_the_roles_that_are_always_there_stay_as_they_are(archive, name):
    with pytest.raises(ArchiveError):
        await archive.put_role(Role(name), said())


async def test_removing_a_group_again_with_the_same_event_changes_nothing(archive):
    event = said()
    await archive.put_group(Group("g", "member"), said())
    assert await archive.groups() == [Group("g", "member", EVERYTHING)]
    await archive.remove_group("g", event)
    await archive.put_group(Group("g", "member"), said())
    await archive.remove_group("g", event)
    assert len(await archive.groups()) == 1


ANN = User("ann", "administrator", "", NOON)
KEEPERS = Role("keepers", frozenset({Permission.USERS}), needs_scope=False)


async def test_one_who_may_manage_people_is_always_left(archive):
    await archive.put_user(User("bob", "operator", "", NOON), said())
    await archive.remove_user("bob", said())
    await archive.put_user(ANN, said())
    await archive.put_user(replace(ANN, name="cid", disabled_at=NOON), said())
    await archive.put_user(replace(ANN, name="dan", scope=SHOP), said())
    refused = [replace(ANN, role="operator"), replace(ANN, scope=SHOP), replace(ANN, disabled_at=NOON)]
    for one in refused:
        with pytest.raises(NobodyLeft, match="nobody would be left"):
            await archive.put_user(one, said())
    with pytest.raises(NobodyLeft):
        await archive.remove_user("ann", said())
    assert await archive.user("ann") == ANN
    await archive.put_user(replace(ANN, password_hash="new"), said())
    await archive.put_user(replace(ANN, name="cid"), said())
    event = said()
    await archive.remove_user("ann", event)
    await archive.remove_user("ann", event)


async def test_one_who_manages_people_by_a_group_or_a_role_of_their_own_counts(archive):
    await archive.put_role(KEEPERS, said())
    await archive.put_group(Group("house", "keepers"), said())
    await archive.put_user(ANN, said())
    await archive.put_user(User("bob", "", "", NOON, groups=("house",)), said())
    await archive.remove_user("ann", said())
    for change in (
        archive.put_role(replace(KEEPERS, permissions=frozenset({Permission.READ})), said()),
        archive.put_role(replace(KEEPERS, needs_scope=True), said()),
        archive.put_group(Group("house", "operator"), said()),
        archive.put_group(Group("house", "keepers", SHOP), said()),
        archive.remove_group("house", said()),
        archive.put_user(User("bob", "", "", NOON), said()),
    ):
        with pytest.raises(NobodyLeft):
            await change
    assert (await archive.account("bob")).grant.keeps_people
