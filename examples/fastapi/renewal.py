"""The tokens of one session, renewed once for all who wait: E to H of RFC 6749's picture."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pair:
    """An access token, and what the next is had for."""

    access: str = field(repr=False)
    """What the API is called with."""

    refresh: str | None = field(repr=False)
    """What is good for one refresh."""


class Renewed:
    """The pair of a session.

    It belongs to one event loop: nothing else runs between two `await`s, so there is no lock.
    """

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._running: asyncio.Task[Pair] | None = None

    @property
    def access(self) -> str:
        """The access token of now."""
        return self._pair.access

    async def instead_of(self, refused: str, refresh: Callable[[Pair], Awaitable[Pair]]) -> str:
        """An access token in the place of one that was refused; raises what `refresh` does.

        Whoever comes while one is fetched waits for that one.
        """
        if self._pair.access != refused:
            return self._pair.access
        if self._running is None:
            self._running = asyncio.create_task(self._run(refresh))
        # Shielded: it is fetched to the end though everybody who waited has gone, since the
        # refresh token is used up with it.
        return (await asyncio.shield(self._running)).access

    async def _run(self, refresh: Callable[[Pair], Awaitable[Pair]]) -> Pair:
        try:
            self._pair = await refresh(self._pair)
        finally:
            self._running = None
        return self._pair
