"""Who is signed in here: by an unguessable cookie, and in memory.

In production keep sessions where all processes of the program reach them, sealed, and let one
process at a time refresh what one session has (a lock there, held while `Renewed` fetches).
"""

import secrets
from dataclasses import dataclass, field

from cachetools import TTLCache

from provider import Pending
from renewal import Renewed

_MOST = 10_000

# Seconds. A sign-in that takes longer is begun again.
_KEPT_FOR, _SIGN_IN_WITHIN = 8 * 3600, 600


def unguessable() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


_LENGTH = len(unguessable())


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in."""

    name: str
    """What they are called."""

    id_token: str = field(repr=False)
    """What says at the sign-out whose it is."""

    tokens: Renewed
    """What the client calls the API with."""


class Sessions:
    """All of them, and apart from them the sign-ins that have begun.

    Anybody can begin as many as they like, and would push out who is signed in.
    """

    def __init__(self) -> None:
        self._signed_in: TTLCache[str, Session] = TTLCache(_MOST, _KEPT_FOR)
        self._pending: TTLCache[str, tuple[str, Pending]] = TTLCache(_MOST, _SIGN_IN_WITHIN)

    def begin(self, browser: str, pending: Pending) -> str:
        """Keeps a sign-in that has begun; the value of the cookie that its answer must bring.

        That is the browser's own where it has one, so that two of its tabs can sign in at once.
        """
        browser = browser if len(browser) == _LENGTH else unguessable()
        self._pending[pending.state] = (browser, pending)
        return browser

    def take(self, browser: str, state: str) -> Pending | None:
        """The sign-in that this browser has begun, once."""
        begun_by, pending = self._pending.pop(state, (None, None))
        return pending if begun_by == browser else None

    def keep(self, session: Session) -> str:
        """Keeps somebody who has signed in; the cookie's value, which nobody has seen before."""
        name = unguessable()
        self._signed_in[name] = session
        return name

    def find(self, name: str) -> Session | None:
        """Who is signed in by this cookie."""
        return self._signed_in.get(name)

    def forget(self, name: str) -> Session | None:
        """Forgets them."""
        return self._signed_in.pop(name, None)
