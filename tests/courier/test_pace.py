"""Permits: never more in a minute than the rate says."""

from __future__ import annotations

from bisect import bisect_left

import pytest

from relay.courier.pace import MINUTE, Bucket

START = 10**15


@pytest.mark.parametrize("rate", [1, 2, 29, 30, 60, 100, 6000])
def test_no_minute_has_more_than_the_rate(rate: int) -> None:
    bucket, now, used = Bucket(rate, START), START, []
    while now < START + 4 * MINUTE:
        if bucket.available(now):
            bucket.use(1, now)
            used.append(now)
        else:
            assert bucket.next_at(now) > now
            now = bucket.next_at(now)
    for n, first in enumerate(used):
        assert bisect_left(used, first + MINUTE) - n <= rate
    assert len(used) >= 3 * rate * 0.9


def test_a_debt_is_paid_before_others_get_any() -> None:
    bucket = Bucket(60, START)
    bucket.use(10, START)
    assert bucket.available(START) == 0
    assert bucket.next_at(START) > START + MINUTE * 8 // 60
    assert bucket.available(bucket.next_at(START)) == 1
    assert bucket.next_at(START + MINUTE) == START + MINUTE


def test_a_clock_that_is_set_back_stops_nobody() -> None:
    bucket = Bucket(60, START)
    bucket.use(2, START)
    assert bucket.available(START - 10 * MINUTE) == 0
    assert bucket.available(START - 9 * MINUTE) == 2
