"""What was ended at an issuer, as far as a token can still meet it."""

import logging
from dataclasses import dataclass
from enum import Enum

from .claims import Claims
from .clock import Clock
from .typed import Malformed, Members, integer, needed, text

_logger = logging.getLogger("portcullis_guard")

_PRUNE_EACH = 10.0
_KINDS = ("token", "grant", "session", "key", "user", "client", "tenant")


class WhenBehind(str, Enum):
    """What becomes of a good token while the guard has not heard from its issuer for too long."""

    REFUSE = "refuse"
    """It is refused, with 503: whoever was signed out stays out."""

    ASK_INTROSPECTION = "ask-introspection"
    """The issuer is asked about it (RFC 7662); refused with 503 where it cannot be asked either."""

    GO_ON = "go-on"
    """It passes until it expires, and is counted."""


class Verdict(Enum):
    """What a guard knows of a token's end."""

    GOOD = "good"
    ENDED = "ended"
    BEHIND = "behind"
    """It cannot be said: nothing was heard for too long."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the feed. `until` is when the last token that it speaks of has expired."""

    n: int
    kind: str
    id: str
    until: int

    @classmethod
    def of(cls, told: Members) -> "Event":
        """The event that an issuer tells; raises `Malformed`."""
        event = cls(
            needed(integer, told, "n"),
            needed(text, told, "kind"),
            needed(text, told, "id"),
            needed(integer, told, "until"),
        )
        if event.until < 0:
            raise Malformed("until is before all time")
        return event


class Endings:
    """The endings of one issuer.

    One thread writes, which is the issuer's follower; any may read. No step of either is more than
    one operation on a dict, or one dict put in the place of another, so there is no lock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._in_force: dict[str, dict[str, tuple[int, int]]] = {kind: {} for kind in _KINDS}
        self._heard: float | None = None
        self._pruned: float | None = None

    def apply(self, event: Event) -> None:
        """Takes an event up.

        One of a kind that is not known here says that this package is too old to know: it ends
        everything that was made before, since it may speak of anything.
        """
        kind, name = event.kind, event.id
        if kind not in _KINDS:
            _logger.error("an ending of unknown kind %r: all tokens of before are refused", kind)
            kind = "tenant"
        if kind == "tenant":
            name = ""
        of_kind = self._in_force[kind]
        n, until = of_kind.get(name, (event.n, event.until))
        of_kind[name] = (max(n, event.n), max(until, event.until))

    def heard(self, at: float) -> None:
        """Notes that at this moment of the monotonic clock nothing else had ended."""
        self._heard = at if self._heard is None else max(self._heard, at)

    def prune(self, leeway: float) -> None:
        """Drops, now and then, what no token can meet any more."""
        now = self._clock.monotonic()
        if self._pruned is not None and now - self._pruned < _PRUNE_EACH:
            return
        self._pruned = now
        before = self._clock.now() - leeway
        for kind, of_kind in self._in_force.items():
            self._in_force[kind] = {
                name: held for name, held in of_kind.items() if held[1] >= before
            }

    def judge(self, claims: Claims, kid: str | None, bound: float) -> Verdict:
        """What is known of a token."""
        # First of all: else what ended meanwhile could have been heard of since it was looked for.
        silent_for = self.silent_for()
        if self._has_ended(claims, kid):
            return Verdict.ENDED
        return Verdict.GOOD if silent_for is not None and silent_for <= bound else Verdict.BEHIND

    def _has_ended(self, claims: Claims, kid: str | None) -> bool:
        held = self._in_force
        for_ever = (
            ("session", claims.sid),
            ("grant", claims.gid),
            ("token", claims.jti),
            ("key", kid),
        )
        if any(name in held[kind] for kind, name in for_ever):
            return True
        before = (("user", claims.sub), ("client", claims.client_id), ("tenant", ""))
        nothing = (claims.rev, 0)
        return any(
            claims.rev < held[kind].get(name, nothing)[0]
            for kind, name in before
            if name is not None
        )

    def __len__(self) -> int:
        """How many endings are held."""
        return sum(len(of_kind) for of_kind in self._in_force.values())

    def silent_for(self) -> float | None:
        """How many seconds ago the issuer was heard; `None` where it never was."""
        heard = self._heard
        return None if heard is None else self._clock.monotonic() - heard
