"""The issuers whose tokens are taken: those that are named, and those of a pattern."""

import logging
import threading
from collections.abc import Iterable
from concurrent.futures import Future

from cachetools import TTLCache

from .clock import Clock
from .endings import Endings
from .feed import Feed
from .follower import Follower
from .issuer import TENANT, Issuer, Pattern
from .keys import Away, Keys, NoKey, Unknown, WouldWait
from .network import Network

_logger = logging.getLogger("portcullis_guard")

# Tenants of a pattern that are held. Each was seen to answer.
_MOST_TENANTS = 10_000

# Names of no issuer, or of one that is away, are not asked for again for so many seconds; as many
# of them as these.
_NOT_AGAIN_FOR: dict[type[NoKey], float] = {Unknown: 60.0, Away: 1.0}
_MOST_FAILED = 10_000

# Tenants that are asked for at once, since anybody can make up a name; and how long one waits for
# its turn to be asked for, in seconds.
_ASKED_AT_ONCE, _TURN_WITHIN = 16, 2.0


class Issuers:
    """The issuers of one guard. May be used by many threads."""

    def __init__(
        self, names: Iterable[str], feed: Feed | None, clock: Clock, leeway: float
    ) -> None:
        self._feed = feed
        self._clock = clock
        self._leeway = leeway
        self._network = Network()
        self._patterns = [Pattern(name) for name in names if TENANT in name]
        # Both are written under the lock, and read without it.
        self._named = {name: self._made(name, None) for name in names if TENANT not in name}
        self._tenants: dict[str, Issuer] = {}
        self._lock = threading.Lock()
        self._failed: dict[type[NoKey], TTLCache[str, None]] = {
            why: TTLCache(_MOST_FAILED, seconds, timer=clock.monotonic)
            for why, seconds in _NOT_AGAIN_FOR.items()
        }
        self._asked: dict[str, Future[Issuer]] = {}
        self._turns = threading.BoundedSemaphore(_ASKED_AT_ONCE)
        for issuer in self._named.values():
            self._follow(issuer)

    def find(self, name: str, *, may_wait: bool) -> Issuer:
        """The issuer of this name, where its tokens are taken.

        Raises `Unknown` and `Away`; and `WouldWait`, unless the caller may wait for the issuer.
        """
        issuer = self._named.get(name) or self._tenants.get(name)
        if issuer is not None:
            return issuer
        found = (pattern.tenant_in(name) for pattern in self._patterns)
        tenant = next((tenant for tenant in found if tenant is not None), None)
        if tenant is None:
            raise Unknown
        with self._lock:
            if name in self._tenants:
                return self._tenants[name]
            for why, names in self._failed.items():
                if name in names:
                    raise why
            if not may_wait:
                raise WouldWait
            asked = self._asked.get(name)
            is_first = asked is None
            if asked is None:
                asked = self._asked[name] = Future()
        # Whoever comes while it is being asked for shares the answer.
        if is_first:
            self._ask(name, tenant, asked)
        return asked.result()

    def all(self) -> list[Issuer]:
        """Every issuer that is held."""
        with self._lock:
            return [*self._named.values(), *self._tenants.values()]

    def close(self) -> None:
        """Follows none any more, and asks none."""
        self._network.close()

    def _ask(self, name: str, tenant: str, asked: "Future[Issuer]") -> None:
        """Asks a tenant's issuer for its keys, and keeps it where it has answered."""
        try:
            issuer = self._begun(name, tenant)
        # Whatever went wrong, those who wait must not wait for ever.
        except BaseException as why:
            with self._lock:
                del self._asked[name]
            asked.set_exception(why if isinstance(why, NoKey) else Away())
            if not isinstance(why, NoKey):
                raise
        else:
            with self._lock:
                del self._asked[name]
            asked.set_result(issuer)

    def _begun(self, name: str, tenant: str) -> Issuer:
        if not self._turns.acquire(timeout=_TURN_WITHIN):
            raise Away
        try:
            issuer = self._made(name, tenant)
            issuer.keys.begin()
        except NoKey as why:
            with self._lock:
                self._failed[type(why)][name] = None
            raise
        finally:
            self._turns.release()
        with self._lock:
            if len(self._tenants) >= _MOST_TENANTS:
                _logger.error("there are more tenants than a guard holds: %d", _MOST_TENANTS)
                raise Away
            self._follow(issuer)
            self._tenants[name] = issuer
        return issuer

    def _made(self, name: str, tenant: str | None) -> Issuer:
        keys = Keys(name, self._network, self._clock, is_named=tenant is None)
        return Issuer(name, tenant, keys, Endings(self._clock), self._network)

    def _follow(self, issuer: Issuer) -> None:
        if self._feed is not None:
            follower = Follower(issuer, self._feed, self._clock, self._leeway)
            threading.Thread(
                target=follower.run, name=f"portcullis-feed {issuer.name}", daemon=True
            ).start()
