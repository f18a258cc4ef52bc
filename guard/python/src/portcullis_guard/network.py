"""Asking issuers over HTTP: each answer in time, of a size, and not led elsewhere."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

ANSWER_WITHIN = 5.0
"""How long an issuer may take over an answer, as a whole, in seconds."""

LARGEST = 512 * 1024
"""How much of an answer is read, in bytes: a key set of a hundred keys is far below."""


class NotHad(Exception):
    """Something could not be had from an issuer."""


class Answered(NotHad):
    """It has answered with another status than 200."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"the issuer answered {status}")


@dataclass(frozen=True)
class Answer:
    """An answer of status 200."""

    headers: httpx.Headers
    body: bytes


class _Line:
    """The connection of one request, which another thread may cut.

    httpx bounds each wait and not the whole, and what waits for a socket does not wake when it is
    closed, but when it is shut.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.is_cut = False

    def trace(self, name: str, info: dict[str, Any]) -> None:
        """Notes the socket; TLS puts another in its place."""
        if name.endswith(("connect_tcp.complete", "start_tls.complete")):
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")
            if self.is_cut:
                self.cut()

    def cut(self) -> None:
        """Ends the request, if it has not ended."""
        with self._lock:
            self.is_cut = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)


class Network:
    """How a guard asks its issuers. May be used by many threads."""

    def __init__(self) -> None:
        # A connection that is kept may be gone when it is needed, and `_Line` sees new ones alone.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        self._client = httpx.Client(
            follow_redirects=False, timeout=ANSWER_WITHIN, limits=limits, headers=headers
        )
        self._lock = threading.Lock()
        self._lines: set[_Line] = set()
        self._closed = threading.Event()

    def ask(self, method: str, address: str, **asked: Any) -> Answer:
        """Asks, and reads the answer.

        Raises `Answered` for another status than 200, and `NotHad`.
        """
        with self._line() as line:
            late = threading.Timer(ANSWER_WITHIN, line.cut)
            late.daemon = True
            late.start()
            try:
                return self._answer(line, method, address, asked)
            finally:
                late.cancel()

    @contextmanager
    def stream(
        self, address: str, silence: float, headers: dict[str, str | bytes]
    ) -> Iterator[Iterator[bytes]]:
        """The pieces of an answer that does not end.

        Raises `Answered` for another status than 200, and `NotHad`; the pieces raise it too, where
        none comes for `silence` seconds.
        """
        timeout = httpx.Timeout(ANSWER_WITHIN, read=silence)
        with (
            self._line() as line,
            self._sent(line, "GET", address, {"headers": headers, "timeout": timeout}) as response,
        ):
            yield response.iter_raw()

    def wait(self, seconds: float) -> bool:
        """Waits, unless it is closed meanwhile; whether it is."""
        return self._closed.wait(seconds)

    @property
    def is_closed(self) -> bool:
        """Whether nobody is asked any more."""
        return self._closed.is_set()

    def close(self) -> None:
        """Ends all requests at once, and lets none begin."""
        with self._lock:
            self._closed.set()
            lines = list(self._lines)
        for line in lines:
            line.cut()

    def _answer(self, line: _Line, method: str, address: str, asked: dict[str, Any]) -> Answer:
        with self._sent(line, method, address, asked) as response:
            body = bytearray()
            # As they come: what was packed small could be unpacked without end.
            for piece in response.iter_raw():
                body += piece
                if len(body) > LARGEST:
                    raise NotHad(f"the answer is larger than {LARGEST} bytes")
        if line.is_cut:
            raise NotHad("the answer took too long")
        return Answer(response.headers, bytes(body))

    @contextmanager
    def _sent(
        self, line: _Line, method: str, address: str, asked: dict[str, Any]
    ) -> Iterator[httpx.Response]:
        try:
            with self._client.stream(
                method, address, extensions={"trace": line.trace}, **asked
            ) as response:
                if response.status_code != httpx.codes.OK:
                    raise Answered(response.status_code)
                yield response
        # Of addresses and headers that an issuer has named, anything may be wrong.
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as why:
            told = "the answer took too long" if line.is_cut else str(why) or type(why).__name__
            raise NotHad(told) from why

    @contextmanager
    def _line(self) -> Iterator[_Line]:
        line = _Line()
        with self._lock:
            if self._closed.is_set():
                raise NotHad("the guard is closed")
            self._lines.add(line)
        try:
            yield line
        finally:
            with self._lock:
                self._lines.discard(line)
