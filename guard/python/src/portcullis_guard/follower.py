"""Following the endings of an issuer: pages until all is known, and then a stream."""

import logging
from typing import NamedTuple

from .client import token_for_feed
from .clock import Clock
from .endings import Event
from .feed import Feed
from .issuer import Issuer
from .network import Answer, Answered, NotHad
from .stream import Over, events_of
from .typed import Malformed, integer, members, needed, text

_logger = logging.getLogger("portcullis_guard")

# How soon the feed is asked again after it broke off: doubled each time, up to the most. Seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0

# A stream that says nothing for so long is given up, before the usual bound is reached.
_SILENCE = 4.0

# Events on a page.
_SOME = 1000

_UNAUTHORIZED, _GONE = 401, 410


class _Page(NamedTuple):
    events: list[Event]
    next: str
    is_last: bool

    @classmethod
    def of(cls, answer: Answer) -> "_Page":
        told = members(answer.body)
        events = told.get("events")
        if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
            raise Malformed("events is no list of events")
        cursor = needed(text, told, "next")
        is_last = cursor == str(needed(integer, told, "head"))
        return cls([Event.of(event) for event in events], cursor, is_last)


class Follower:
    """Reads the feed of one issuer, on a thread of its own, until its network is closed."""

    def __init__(self, issuer: Issuer, feed: Feed, clock: Clock, leeway: float) -> None:
        self._issuer = issuer
        self._network = issuer.network
        self._endings = issuer.endings
        self._feed = feed
        self._clock = clock
        self._leeway = leeway
        self._address = issuer.address("/oauth2/revocations")
        self._cursor: str | None = None
        self._token: str | None = None

    def run(self) -> None:
        """Follows, and begins again whenever it breaks off."""
        pause = _FIRST_PAUSE
        while True:
            began = self._clock.monotonic()
            self._try()
            # One that was heard in between is asked again soon.
            silent_for = self._endings.silent_for()
            if silent_for is not None and silent_for <= self._clock.monotonic() - began:
                pause = _FIRST_PAUSE
            if self._network.wait(pause):
                return
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _try(self) -> None:
        name = self._issuer.name
        try:
            self._read()
        except Over:
            pass
        except Answered as why:
            if why.status == _UNAUTHORIZED:
                self._token = None
            elif why.status == _GONE:
                _logger.warning("%s counts its endings anew: read from the beginning", name)
                self._cursor = None
            else:
                _logger.warning("the endings of %s cannot be read: %s", name, why)
        except (NotHad, Malformed) as why:
            if not self._network.is_closed:
                _logger.warning("the endings of %s cannot be read: %s", name, why)
        # A follower that is gone would leave its issuer's tokens refused for ever.
        except Exception:
            _logger.exception("the endings of %s cannot be read", name)

    def _read(self) -> None:
        """Reads what was missed, and then what comes, until that breaks off."""
        self._catch_up()
        if self._feed.polling is None:
            self._stream()
        else:
            while not self._network.wait(self._feed.polling):
                self._catch_up()

    def _catch_up(self) -> None:
        """Reads pages up to the last event that there is."""
        while True:
            headers, query = self._authorization(), {"limit": str(_SOME)}
            if self._cursor is not None:
                query["after"] = self._cursor
            began = self._clock.monotonic()
            page = _Page.of(self._network.ask("GET", self._address, headers=headers, params=query))
            for event in page.events:
                self._endings.apply(event)
            if page.is_last:
                self._cursor = page.next
                # What ended after the request began may not be on the page.
                self._endings.heard(began)
                self._endings.prune(self._leeway)
                return
            if page.next == self._cursor:
                raise NotHad("a page leads to itself")
            self._cursor = page.next

    def _stream(self) -> None:
        headers = self._authorization() | {"Accept": "text/event-stream"}
        if self._cursor is not None:
            headers["Last-Event-ID"] = self._cursor.encode()
        with self._network.stream(self._address, _SILENCE, headers) as pieces:
            for event in events_of(pieces, self._commented):
                self._endings.apply(Event.of(members(event.data.encode())))
                self._cursor = event.id or self._cursor

    def _commented(self) -> None:
        """A comment is the sign that nothing else has ended, and no event."""
        self._endings.heard(self._clock.monotonic())
        self._endings.prune(self._leeway)

    def _authorization(self) -> dict[str, str | bytes]:
        if self._token is None:
            self._token = token_for_feed(self._issuer, self._feed)
        return {"Authorization": b"Bearer " + self._token.encode()}
