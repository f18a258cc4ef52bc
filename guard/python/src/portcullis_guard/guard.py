"""The guard: whether an access token is good, here and now."""

import os
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal

from cachetools import LRUCache

from .client import counts
from .clock import Clock, SystemClock
from .endings import Verdict, WhenBehind
from .feed import Feed
from .header import token_of
from .issuer import check
from .issuers import Issuers
from .keys import WouldWait
from .network import NotHad
from .principal import Principal
from .verify import Rules, Verified, refused, unavailable, verified

# Tokens that were seen to be good and are not verified again.
_MOST_SEEN = 10_000

# A lock that another thread held at a fork would stay locked in the child.
_turn = threading.Lock()


def _free_turn() -> None:
    global _turn  # noqa: PLW0603
    _turn = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_turn)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a guard has counted in this process, for metrics."""

    ended: int
    """Good tokens that were refused since they were ended."""

    refused_behind: int
    """Good tokens that were refused since the guard was behind."""

    asked_behind: int
    """Good tokens that the issuer was asked about since the guard was behind."""

    passed_behind: int
    """Good tokens that passed though the guard was behind."""

    endings: int
    """Endings that are held."""

    silent_for_ms: int | None
    """Milliseconds since the issuer was heard that was silent for longest.

    `None` where one was never heard, or none is followed.
    """


class _Workings:
    """What a guard has in one process: neither threads nor connections are handed on by a fork."""

    def __init__(self, issuers: Issuers) -> None:
        self.process = os.getpid()
        self.issuers = issuers
        self.seen: LRUCache[str, Verified] = LRUCache(_MOST_SEEN)
        self.counted: Counter[str] = Counter()
        self.lock = threading.Lock()

    def count(self, what: str) -> None:
        with self.lock:
            self.counted[what] += 1


class Guard:
    """Checks access tokens. Made once for each process, and used by all of its threads.

    `audience` is the API that tokens name as `aud`. `issuers` are one name or several: compared to
    the letter, and with `{tenant}` in it a name stands for every tenant's issuer. Each has its own
    keys, and one's never verify another's tokens. `feed` is how endings are heard of; without one,
    tokens are good until they expire. Clocks may differ by `leeway` seconds. Tokens that are bound
    to a key (`cnf`) are refused, unless `bound_tokens` says that the caller checks the binding.

    Raises `ValueError` where an issuer is no address of https, nor one of this machine.
    """

    def __init__(
        self,
        audience: str,
        issuers: str | Iterable[str],
        *,
        feed: Feed | None = None,
        leeway: float = 10,
        bound_tokens: Literal["refuse", "caller-checks"] = "refuse",
        clock: Clock | None = None,
    ) -> None:
        self._names = (issuers,) if isinstance(issuers, str) else tuple(issuers)
        if not self._names:
            raise ValueError("a guard needs an issuer")
        for name in self._names:
            check(name)
        if bound_tokens not in ("refuse", "caller-checks"):
            raise ValueError("bound tokens are refused, or the caller checks them")
        if not leeway >= 0:
            raise ValueError("the leeway is less than nothing")
        self._feed = feed
        self._leeway = leeway
        self._clock = clock or SystemClock()
        self._rules = Rules(audience, bound_tokens == "caller-checks", self._clock)
        self._is_closed = False
        self._workings = self._made()

    def verify(self, token: str) -> Principal:
        """Whom a token speaks for.

        Raises `InvalidToken`, and `Unavailable` where it cannot be said. May wait for the issuer.
        """
        return self._verify(token, may_wait=True)

    def verify_header(self, values: Iterable[str]) -> Principal:
        """Whom a request with these `Authorization` headers speaks for (RFC 6750 section 2.1).

        Raises `NoToken`, `InvalidRequest`, and what `verify` does. May wait for the issuer.
        """
        return self._verify(token_of(values), may_wait=True)

    def verify_header_at_once(self, values: Iterable[str]) -> Principal | None:
        """What `verify_header` says, where the issuer need not be asked; `None` where it must be.

        For an event loop: it waits for nothing, and only a token that is new costs a signature.
        """
        token = token_of(values)
        try:
            return self._verify(token, may_wait=False)
        except WouldWait:
            return None

    def figures(self) -> Figures:
        """What was counted."""
        workings = self._here()
        issuers = workings.issuers.all() if self._feed else []
        silent_for = [issuer.endings.silent_for() for issuer in issuers]
        heard = [seconds for seconds in silent_for if seconds is not None]
        counted = workings.counted
        return Figures(
            ended=counted["ended"],
            refused_behind=counted["refused_behind"],
            asked_behind=counted["asked_behind"],
            passed_behind=counted["passed_behind"],
            endings=sum(len(issuer.endings) for issuer in issuers),
            silent_for_ms=int(max(heard) * 1000) if heard and None not in silent_for else None,
        )

    def close(self) -> None:
        """Stops following the issuers, and asks them nothing more."""
        self._is_closed = True
        if self._workings.process == os.getpid():
            self._workings.issuers.close()

    def __enter__(self) -> "Guard":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        why: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _here(self) -> _Workings:
        """The workings of this process: made anew, where it was forked since."""
        if self._workings.process != os.getpid():
            with _turn:
                if self._workings.process != os.getpid():
                    self._workings = self._made()
        return self._workings

    def _made(self) -> _Workings:
        issuers = Issuers(self._names, self._feed, self._clock, self._leeway)
        if self._is_closed:
            issuers.close()
        return _Workings(issuers)

    def _verify(self, token: str, *, may_wait: bool) -> Principal:
        workings = self._here()
        with workings.lock:
            seen = workings.seen.get(token)
        # Where its key is gone it is looked at as if it were new: another of its name may be there.
        if seen is None or not seen.has_its_key:
            seen = verified(token, self._rules, workings.issuers, may_wait=may_wait)
            with workings.lock:
                workings.seen[token] = seen
        self._decide(workings, seen, token, may_wait=may_wait)
        return seen.principal

    def _decide(self, workings: _Workings, seen: Verified, token: str, *, may_wait: bool) -> None:
        """What changes: the time, and what was ended."""
        now, claims, issuer = self._clock.now(), seen.claims, seen.issuer
        if now >= claims.exp + self._leeway:
            raise refused("expired")
        if claims.nbf is not None and claims.nbf > now + self._leeway:
            raise refused("not yet")
        if self._feed is None:
            return
        verdict = issuer.endings.judge(claims, seen.key.kid, self._feed.bound)
        if verdict is Verdict.ENDED:
            workings.count("ended")
            raise refused("ended")
        if verdict is Verdict.BEHIND:
            self._decide_behind(workings, seen, token, self._feed, may_wait=may_wait)

    def _decide_behind(
        self, workings: _Workings, seen: Verified, token: str, feed: Feed, *, may_wait: bool
    ) -> None:
        """Does what the API's author has chosen for when nothing was heard for too long."""
        if feed.when_behind is WhenBehind.REFUSE:
            workings.count("refused_behind")
            raise unavailable(f"nothing was heard from {seen.issuer.name} for too long")
        if feed.when_behind is WhenBehind.GO_ON:
            workings.count("passed_behind")
            return
        if not may_wait:
            raise WouldWait
        workings.count("asked_behind")
        try:
            is_good = counts(seen.issuer, feed, token)
        except NotHad as why:
            raise unavailable(f"{seen.issuer.name} cannot be asked about it: {why}") from None
        if not is_good:
            raise refused("the issuer says that it no longer counts")
