"""What is known of endings, and for how long."""

from typing import Any

import pytest

from portcullis_guard.claims import Claims
from portcullis_guard.endings import Endings, Event, Verdict
from portcullis_guard.typed import Malformed
from support import NOW, Clock


def claims(**changes: Any) -> Claims:
    usual = {"iss": "i", "sub": "ada", "aud": "a", "exp": NOW + 1, "client_id": "app"}
    return Claims.of({**usual, "sid": "s", "gid": "g", "jti": "t", **changes})


def event(n: int, kind: str, name: str, until: int = NOW + 900) -> Event:
    return Event.of({"n": n, "kind": kind, "id": name, "until": until})


def test_it_is_behind_before_it_has_heard_anything_and_when_it_hears_no_more() -> None:
    clock = Clock()
    endings = Endings(clock)
    assert endings.silent_for() is None
    assert endings.judge(claims(), "one", 5) is Verdict.BEHIND
    endings.heard(clock.monotonic())
    assert endings.judge(claims(), "one", 5) is Verdict.GOOD
    clock.advance(5)
    endings.heard(1)
    endings.heard(0)
    assert endings.silent_for() == 4
    clock.advance(1)
    assert endings.judge(claims(), "one", 5) is Verdict.GOOD
    clock.advance(0.1)
    assert endings.judge(claims(), "one", 5) is Verdict.BEHIND


def test_what_is_ended_stays_so_while_behind() -> None:
    endings = Endings(Clock())
    endings.apply(event(1, "session", "s"))
    assert endings.judge(claims(), "one", 5) is Verdict.ENDED


@pytest.mark.parametrize(
    ("kind", "name", "other"),
    [
        ("token", "t", {"jti": "u"}), ("session", "s", {"sid": "u"}), ("grant", "g", {"gid": "u"}),
        ("user", "ada", {"sub": "bob"}), ("client", "app", {"client_id": "web"}),
        ("tenant", "any", {"rev": 7}), ("user", "ada", {"rev": 7}), ("client", "app", {"rev": 8}),
    ],
)  # fmt: skip
def test_an_ending_ends_what_it_names(kind: str, name: str, other: dict[str, Any]) -> None:
    clock = Clock()
    endings = Endings(clock)
    endings.heard(clock.monotonic())
    endings.apply(event(7, kind, name))
    assert endings.judge(claims(), "one", 5) is Verdict.ENDED
    assert endings.judge(claims(rev=6), "one", 5) is Verdict.ENDED
    assert endings.judge(claims(**other), "one", 5) is Verdict.GOOD


def test_a_key_is_ended_by_its_name() -> None:
    clock = Clock()
    endings = Endings(clock)
    endings.heard(clock.monotonic())
    endings.apply(event(1, "key", "one"))
    assert endings.judge(claims(rev=9), "one", 5) is Verdict.ENDED
    assert endings.judge(claims(), "two", 5) is Verdict.GOOD
    assert endings.judge(claims(), None, 5) is Verdict.GOOD


def test_of_two_endings_of_one_the_greatest_counts() -> None:
    clock = Clock()
    endings = Endings(clock)
    endings.apply(event(9, "user", "ada", NOW + 20))
    endings.apply(event(3, "user", "ada", NOW + 40))
    endings.apply(event(4, "user", "ada", NOW + 20))
    assert endings.judge(claims(rev=8), "one", 5) is Verdict.ENDED
    clock.advance(30)
    endings.prune(0)
    assert len(endings) == 1


def test_what_no_token_can_meet_is_dropped_now_and_then() -> None:
    clock = Clock()
    endings = Endings(clock)
    endings.prune(10)
    endings.apply(event(1, "session", "s", NOW + 4))
    endings.apply(event(2, "session", "u", NOW + 5))
    clock.advance(9.9)
    endings.prune(0)
    assert len(endings) == 2
    clock.advance(5.1)
    endings.prune(10)
    assert len(endings) == 1
    assert endings.judge(claims(), "one", 5) is Verdict.BEHIND
    clock.advance(0.1)
    endings.prune(10)
    assert len(endings) == 1
    clock.advance(10)
    endings.prune(10)
    assert len(endings) == 0


@pytest.mark.parametrize(
    "wrong", [{"n": True}, {"n": 1.0}, {"kind": 1}, {"id": None}, {"until": "x"}, {"until": -1}]
)
def test_an_event_is_of_its_types(wrong: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        Event.of({"n": 1, "kind": "user", "id": "ada", "until": NOW} | wrong)
