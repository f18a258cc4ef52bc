"""The client's hard part, by itself."""

import asyncio

import pytest

from problems import Away
from renewal import Pair, Renewed

pytestmark = pytest.mark.anyio

FIRST, SECOND = Pair("access 1", "refresh 1"), Pair("access 2", "refresh 2")


async def never(_pair: Pair) -> Pair:
    raise AssertionError("nobody is to ask")


async def away(_pair: Pair) -> Pair:
    raise Away


async def test_twenty_who_wait_are_served_by_one_refresh() -> None:
    renewed, asked = Renewed(FIRST), []

    async def refresh(pair: Pair) -> Pair:
        asked.append(pair)
        await asyncio.sleep(0.01)
        return SECOND

    had = await asyncio.gather(*(renewed.instead_of("access 1", refresh) for _ in range(20)))
    assert had == ["access 2"] * 20
    assert asked == [FIRST]
    # One that comes late with the old token is given the new one.
    assert await renewed.instead_of("access 1", never) == "access 2"


async def test_one_that_fails_is_told_to_all_and_tried_again_by_the_next() -> None:
    renewed, asked = Renewed(FIRST), []

    async def refresh(pair: Pair) -> Pair:
        asked.append(pair)
        await asyncio.sleep(0.01)
        raise Away

    waiting = (renewed.instead_of("access 1", refresh) for _ in range(5))
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(why) for why in told] == [Away] * 5
    assert asked == [FIRST]

    async def good(_pair: Pair) -> Pair:
        return SECOND

    assert await renewed.instead_of("access 1", good) == "access 2"


async def test_whoever_goes_away_takes_no_refresh_along() -> None:
    renewed, go = Renewed(FIRST), asyncio.Event()

    async def refresh(_pair: Pair) -> Pair:
        await go.wait()
        return SECOND

    asked = asyncio.create_task(renewed.instead_of("access 1", refresh))
    await asyncio.sleep(0.01)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    go.set()
    assert await renewed.instead_of("access 1", away) == "access 2"
