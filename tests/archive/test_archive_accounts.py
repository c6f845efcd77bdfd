from __future__ import annotations

from dataclasses import replace

import pytest

from relay.archive.api import ApiToken, ApplicationRecord, ArchiveError, User, WebSession
from tests.support.archive_values import NOON, SECOND, an_event, make_id

ANN = User("ann", "admin", "$argon2id$a", NOON)
BOB = User("bob", "viewer", "", NOON + 1)
SESSION = WebSession(b"s" * 32, "ann", NOON, NOON + 100 * SECOND, "127.0.0.1")
TOKEN = ApiToken(make_id(1), "ci", "ann", b"t" * 32, NOON, NOON + SECOND)
SHOP = ApplicationRecord("shop", "shop-1", b"a" * 32, NOON, "hold", ("@example.com",), ("web",))


async def test_users_are_listed_by_name(archive):
    assert await archive.users() == []
    await archive.put_user(BOB, an_event(1))
    await archive.put_user(ANN, an_event(2))
    assert await archive.users() == [ANN, BOB]
    assert await archive.user("ann") == ANN
    assert await archive.user("eve") is None
    assert [event.id for _, event in await archive.events()] == [an_event(1).id, an_event(2).id]


@pytest.mark.parametrize("changed", [replace(ANN, role="viewer"), replace(ANN, password_hash="$argon2id$b")])
async def test_a_changed_user_is_signed_out_everywhere(archive, changed: User):
    await archive.put_user(ANN, an_event(1))
    await archive.add_session(SESSION, an_event(2))
    await archive.put_user(ANN, an_event(3))
    assert await archive.session(SESSION.token_hash, NOON) == SESSION
    await archive.put_user(changed, an_event(4))
    assert await archive.session(SESSION.token_hash, NOON) is None


async def test_the_day_a_user_was_made_is_kept_when_it_changes(archive):
    await archive.put_user(ANN, an_event(1))
    await archive.put_user(replace(ANN, role="viewer", created_at=NOON * 2), an_event(2))
    assert await archive.user("ann") == replace(ANN, role="viewer")


async def test_a_removed_user_leaves_no_session_and_no_token(archive):
    await archive.put_user(ANN, an_event(1))
    await archive.add_session(SESSION, an_event(2))
    await archive.add_token(TOKEN, an_event(3))
    await archive.remove_user("ann", an_event(4))
    assert await archive.user("ann") is None
    assert await archive.session(SESSION.token_hash, NOON) is None
    assert await archive.token(TOKEN.token_hash, NOON) is None
    assert await archive.tokens() == []


async def test_sessions_and_tokens_run_out(archive):
    await archive.put_user(ANN, an_event(1))
    await archive.add_session(SESSION, an_event(2))
    await archive.add_token(TOKEN, an_event(3))
    assert await archive.session(SESSION.token_hash, SESSION.expires_at - 1) == SESSION
    assert await archive.session(SESSION.token_hash, SESSION.expires_at) is None
    assert await archive.token(TOKEN.token_hash, NOON + SECOND - 1) == TOKEN
    assert await archive.token(TOKEN.token_hash, NOON + SECOND) is None
    lasting = replace(TOKEN, id=make_id(2), token_hash=b"u" * 32, expires_at=None)
    await archive.add_token(lasting, an_event(4))
    assert await archive.token(lasting.token_hash, NOON * 9) == lasting
    assert await archive.tokens() == [TOKEN, lasting]


async def test_signing_in_cleans_up_sessions_that_ran_out(archive):
    await archive.put_user(ANN, an_event(1))
    await archive.add_session(SESSION, an_event(2))
    later = replace(SESSION, token_hash=b"l" * 32, created_at=SESSION.expires_at, expires_at=NOON * 2)
    await archive.add_session(later, an_event(3))
    assert await archive.session(SESSION.token_hash, NOON) is None
    assert await archive.session(later.token_hash, NOON) == later


async def test_signing_out_ends_one_session(archive):
    await archive.put_user(ANN, an_event(1))
    other = replace(SESSION, token_hash=b"o" * 32)
    await archive.add_session(SESSION, an_event(2))
    await archive.add_session(other, an_event(3))
    await archive.remove_session(SESSION.token_hash, an_event(4))
    assert await archive.session(SESSION.token_hash, NOON) is None
    assert await archive.session(other.token_hash, NOON) == other


async def test_a_removed_token_is_no_more(archive):
    await archive.put_user(ANN, an_event(1))
    await archive.add_token(TOKEN, an_event(2))
    await archive.remove_token(TOKEN.id, an_event(3))
    assert await archive.token(TOKEN.token_hash, NOON) is None


async def test_a_disabled_user_has_no_token_until_enabled(archive):
    await archive.put_user(ANN, an_event(1))
    token = replace(TOKEN, applications=("shop", "crm"))
    await archive.add_token(token, an_event(2))
    await archive.put_user(replace(ANN, disabled_at=NOON), an_event(3))
    assert (await archive.user("ann")).disabled_at == NOON
    assert await archive.token(TOKEN.token_hash, NOON) is None
    assert await archive.tokens() == [token]
    await archive.put_user(ANN, an_event(4))
    assert await archive.token(TOKEN.token_hash, NOON) == token


async def test_applications_are_added_replaced_and_removed(archive):
    await archive.put_application(SHOP, an_event(1))
    changed = replace(SHOP, secret_hash=b"b" * 32, mode=None, senders=(), tags=())
    news = replace(SHOP, name="news", username="news-1")
    await archive.put_application(changed, an_event(2))
    await archive.put_application(news, an_event(3))
    assert await archive.applications() == [news, changed]
    await archive.remove_application("news", an_event(4))
    assert await archive.applications() == [changed]


async def test_two_applications_never_share_a_user_name(archive):
    await archive.put_application(SHOP, an_event(1))
    with pytest.raises(ArchiveError, match="shop already has the user name shop-1"):
        await archive.put_application(replace(SHOP, name="other"), an_event(2))


@pytest.mark.parametrize("value", [None, 0, "", [], {}, {"a": [1, "é", None]}, True, 1.5])
async def test_a_setting_is_any_json_value(archive, value: object):
    assert await archive.setting("key") is None
    await archive.put_setting("key", value)
    assert await archive.setting("key") == value
