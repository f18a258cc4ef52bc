"""A stream of events, however it comes."""

from collections.abc import Iterable, Iterator

import pytest

from portcullis_guard import stream
from portcullis_guard.network import NotHad
from portcullis_guard.stream import Over, events_of

TEXT = (
    ':alive\n\ndata: {"n": 1,\ndata:  "id": ":"}\nid: 1\n\n:alive\nid: 2\ndata: x\n\n: ü\n\n: z\n'
)
READ = ["heard", ("1", '{"n": 1,\n "id": ":"}'), "heard", ("2", "x"), "heard", "heard"]


def read(pieces: Iterable[bytes]) -> Iterator[object]:
    found: list[object] = []
    try:
        for event in events_of(pieces, lambda: found.append("heard")):
            found.append((event.id, event.data))
    except Over:
        found.append("over")
    return iter(found)


@pytest.mark.parametrize("line", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
def test_events_and_comments_are_found_wherever_pieces_are_cut(line: str, size: int) -> None:
    text = TEXT.replace("\n", line).encode()
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert list(read([*pieces, b""])) == [*READ, "over"]


def test_a_comment_counts_after_the_events_before_it() -> None:
    assert list(read([b"data: x\nid: 1\n\n:alive\n"])) == [("1", "x"), "heard", "over"]


def test_an_event_that_is_cut_off_is_none() -> None:
    assert list(read([b'data: {"n": 12}\nid: 1'])) == ["over"]
    assert list(read([b'data: {"n": 12}\nid: 12\n'])) == ["over"]


def test_an_event_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "LARGEST", 100)
    pieces = [b"data: " + b"x" * 50 + b"\n\n"] * 9
    assert len(list(read(pieces))) == 10
    with pytest.raises(NotHad, match="larger"):
        list(read([b"data: x" * 10] * 2))
