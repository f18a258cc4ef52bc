"""The keys of an issuer: held, fetched ahead of time, and asked for by nobody's leave but ours."""

import logging
import threading
from dataclasses import dataclass, replace

from .clock import Clock
from .key import Key, usable
from .metadata import Metadata, NoSuchIssuer, fetch, metadata_of
from .network import Network, NotHad

_logger = logging.getLogger("portcullis_guard")

# How long keys are held where their answer says nothing, at least, and at most; all in seconds.
_USUAL, _LEAST, _MOST = 300, 10, 24 * 3600

# How long a `kid` that is not known does not cause another fetch. Anybody can make one up.
_UNKNOWN_EACH = 60.0

# How soon a fetch that failed is tried again: where there are no keys yet, and where there are.
_AGAIN_WITHOUT, _AGAIN = 1.0, 10.0


class NoKey(Exception):
    """There is no key."""


class Unknown(NoKey):
    """There is none of this name: the issuer has said so."""


class Away(NoKey):
    """The issuer has not answered."""


class WouldWait(NoKey):
    """The issuer would have to be asked, and the caller does not wait."""


@dataclass(frozen=True)
class _Known:
    """What is known of an issuer's keys. Times are those of the monotonic clock."""

    keys: tuple[Key, ...] = ()
    metadata: Metadata | None = None
    due: float | None = None
    """When they are to be fetched anew."""
    tried: float | None = None
    """When the last fetch ended."""
    failed: type[NoKey] | None = None
    """Why it brought nothing, where it did not."""
    asked: float | None = None
    """When a `kid` that was not known last had them fetched."""

    def find(self, kid: str | None) -> Key | None:
        """The key of this name; where none is named, the only one."""
        if kid is None:
            return self.keys[0] if len(self.keys) == 1 else None
        return next((key for key in self.keys if key.kid == kid), None)

    def may_ask(self, now: float) -> bool:
        """Whether a `kid` that is not known may have them fetched."""
        if self.metadata is None:
            since, pause = self.tried, _AGAIN_WITHOUT
        elif self.failed is not None:
            since, pause = self.tried, _AGAIN
        else:
            since, pause = self.asked, _UNKNOWN_EACH
        return since is None or now - since >= pause


class Keys:
    """The keys of one issuer. May be used by many threads."""

    def __init__(self, issuer: str, network: Network, clock: Clock, *, is_named: bool) -> None:
        self._issuer = issuer
        self._is_named = is_named
        self._network = network
        self._clock = clock
        # Never changed, but put in another's place: who reads it needs no lock.
        self._known = _Known()
        self._lock = threading.Lock()
        self._fetching: threading.Event | None = None

    def begin(self) -> None:
        """Has them fetched for the first time; raises `Unknown` and `Away`."""
        self._fetched_since(self._known).wait()
        if self._known.failed is not None:
            raise self._known.failed

    def find(self, kid: str | None, *, may_wait: bool) -> Key:
        """The key of this name; where a token names none, the only one.

        Raises `Unknown` and `Away`; and `WouldWait`, unless the caller may wait for the issuer.
        """
        known, now = self._known, self._clock.monotonic()
        key = known.find(kid)
        if key is not None:
            if known.due is not None and known.due <= now:
                self._fetched_since(known)
            return key
        if known.may_ask(now):
            if not may_wait:
                raise WouldWait
            self._fetched_since(known, by_unknown=known.metadata is not None).wait()
            known = self._known
            key = known.find(kid)
        if key is not None:
            return key
        raise Unknown if known.metadata is not None and known.failed is None else Away

    def has(self, key: Key) -> bool:
        """Whether a key that has verified a token is still the issuer's."""
        return self._known.find(key.kid) is key

    def metadata(self) -> Metadata | None:
        """The issuer's metadata, as it was read last; waits for it the first time."""
        known = self._known
        if known.metadata is None:
            self._fetched_since(known).wait()
        return self._known.metadata

    def _fetched_since(self, seen: _Known, *, by_unknown: bool = False) -> threading.Event:
        """The fetch that is under way, which this begins unless there was one since `seen`.

        It has a thread of its own: nobody needs to wait for it, and it is done though nobody does.
        """
        with self._lock:
            if self._fetching is not None:
                return self._fetching
            done = threading.Event()
            if self._known is not seen:
                done.set()
                return done
            fetch_them = threading.Thread(
                target=self._fetch, args=(done, by_unknown), name="portcullis-keys", daemon=True
            )
            try:
                fetch_them.start()
            except RuntimeError as why:
                # There are too many threads.
                self._known = self._unread(why)
                done.set()
            else:
                self._fetching = done
            return done

    def _fetch(self, done: threading.Event, by_unknown: bool) -> None:
        known = self._read()
        with self._lock:
            self._known = replace(known, asked=known.tried) if by_unknown else known
            self._fetching = None
        done.set()

    def _read(self) -> _Known:
        last = self._known
        try:
            metadata = metadata_of(self._network, self._issuer)
            fetched = fetch(self._network, metadata.jwks_uri)
            keys = _keys_in(fetched.value.get("keys"), last.keys)
        # Whatever went wrong, those who wait must not wait for ever.
        except Exception as why:  # noqa: BLE001
            return self._unread(why)
        now = self._clock.monotonic()
        held_for = _USUAL if fetched.held_for is None else fetched.held_for
        due = now + min(max(held_for, _LEAST), _MOST) * 4 / 5
        return _Known(keys, metadata, due, now, None, last.asked)

    def _unread(self, why: Exception) -> _Known:
        last, now = self._known, self._clock.monotonic()
        failed = Unknown if isinstance(why, NoSuchIssuer) else Away
        # Anybody can make up the name of a tenant, and fill a log with it.
        is_worth_it = self._is_named or failed is Away
        level = logging.WARNING if is_worth_it else logging.DEBUG
        _logger.log(level, "the keys of %s cannot be read: %s", self._issuer, why)
        due = None if last.due is None else now + _AGAIN
        return replace(last, due=due, tried=now, failed=failed)


def _keys_in(jwks: object, last: tuple[Key, ...]) -> tuple[Key, ...]:
    """The keys of a set that are usable; one that was there before stays the same object."""
    if not isinstance(jwks, list):
        raise NotHad("the key set has no keys")
    # One of a kind that is not known here is somebody else's, and no reason to refuse the others.
    found = (next((key for key in last if key.jwk == jwk), None) or usable(jwk) for jwk in jwks)
    return tuple(key for key in found if key is not None)
