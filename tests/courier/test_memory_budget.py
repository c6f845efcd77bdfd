"""Contents in memory are bounded, and nobody waits for ever."""

from __future__ import annotations

import asyncio

from relay.courier.desk import Budget


async def test_shares_beyond_the_budget_wait_their_turn() -> None:
    budget, inside, most = Budget(100), 0, 0

    async def use(octets: int) -> None:
        nonlocal inside, most
        async with budget.share(octets):
            inside += octets
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= octets

    async with asyncio.timeout(5):
        await asyncio.gather(*(use(octets) for octets in (60, 50, 40, 100, 1, 99) * 20))
    assert most <= 100


async def test_one_that_is_larger_than_the_budget_goes_alone() -> None:
    budget = Budget(100)
    async with budget.share(50):
        large = asyncio.create_task(enter(budget, 1000))
        small = asyncio.create_task(enter(budget, 1))
        await asyncio.sleep(0)
        assert not large.done()
        assert not small.done()
    async with asyncio.timeout(5):
        await asyncio.gather(large, small)


async def test_one_that_gives_up_leaves_its_place() -> None:
    budget = Budget(100)
    async with budget.share(100):
        waiting = [asyncio.create_task(enter(budget, 100)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
    waiting[1].cancel()  # its turn has just come
    async with asyncio.timeout(5):
        results = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[2] is None
    async with asyncio.timeout(5):
        await enter(budget, 100)


async def enter(budget: Budget, octets: int) -> None:
    async with budget.share(octets):
        pass
