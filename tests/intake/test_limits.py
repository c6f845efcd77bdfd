"""Connections, errors, junk and sign-ins are counted."""

from __future__ import annotations

import pytest

from relay.config import Smtp
from relay.intake.limits import Budget, Census, client_key, is_too_slow

SMTP = Smtp(max_connections=3, max_connections_per_client=2, max_errors=2, max_junk_commands=2, max_auth_failures=1)


def test_connections_are_limited_in_all_and_for_each_client():
    census = Census()
    for client in ("a", "a", "b"):
        assert census.arrive(SMTP) is None
        assert census.name(client, SMTP) is None
    assert census.arrive(SMTP) is not None
    census.leave(None)
    census.leave("b")
    assert census.arrive(SMTP) is None
    assert census.name("a", SMTP) is not None
    assert census.total == 3


def test_a_client_that_left_is_forgotten():
    census = Census()
    for _ in range(10):
        census.arrive(SMTP)
        assert census.name("a", SMTP) is None
        census.leave("a")
    assert census.total == 0
    assert not census._by_client


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.7"),
        ("unix", "unix"),
    ],
)
def test_a_client_of_ipv6_is_its_network(host, key):
    assert client_key(host) == key


def test_each_budget_is_spent_and_one_more_is_too_much():
    budget = Budget(SMTP)
    assert [budget.spend_error() is None for _ in range(3)] == [True, True, False]
    assert [budget.spend_sign_in() is None for _ in range(2)] == [True, False]
    assert [budget.spend_junk() is None for _ in range(3)] == [True, True, False]
    budget.forgive_junk()
    assert budget.spend_junk() is None


def test_data_is_too_slow_below_the_rate_and_after_the_grace():
    smtp = Smtp(min_data_rate=100)
    assert not is_too_slow(0, 60, smtp)
    assert is_too_slow(6099, 61, smtp)
    assert not is_too_slow(6100, 61, smtp)
    assert is_too_slow(0, 2, smtp, grace=1)
    assert not is_too_slow(0, 1e6, Smtp(min_data_rate=0))
