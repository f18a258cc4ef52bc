"""A stream of server-sent events, and the comments in it, which its reader does not hand on."""

import re
from collections.abc import Callable, Iterable, Iterator

from sseclient import Event, SSEClient

from .network import LARGEST, NotHad

_COMMENT = re.compile(rb"(?<=[\r\n]):")
_END_OF_EVENT = re.compile(rb"\r\r|\n\n|\n\r\n")


class Over(NotHad):
    """The stream has ended."""


def events_of(pieces: Iterable[bytes], commented: Callable[[], None]) -> Iterator[Event]:
    """The events of a stream, however its pieces are cut.

    `commented` is called at each comment, when the events before it were taken up. Raises `Over`
    at the end, where an event that is not whole is none.
    """
    return SSEClient(_pieces(pieces, commented)).events()


def _pieces(pieces: Iterable[bytes], commented: Callable[[], None]) -> Iterator[bytes]:
    begins_line, size = True, 0
    for piece in filter(None, pieces):
        starts = [found.start() for found in _COMMENT.finditer(piece)]
        if begins_line and piece.startswith(b":"):
            starts.insert(0, 0)
        said = 0
        for start in starts:
            yield piece[said:start]
            commented()
            said = start
        yield piece[said:]
        begins_line = piece.endswith((b"\r", b"\n"))
        ends = [found.end() for found in _END_OF_EVENT.finditer(piece)]
        size = len(piece) - ends[-1] if ends else size + len(piece)
        if size > LARGEST:
            raise NotHad(f"an event is larger than {LARGEST} bytes")
    # What is left is no event: a number that is cut off would be another number.
    raise Over("the stream has ended")
