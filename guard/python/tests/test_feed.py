"""How endings are followed."""

import base64
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from portcullis_guard import Guard, InvalidToken, Refusal, Unavailable, follower, network
from support import NOW, Clock, Issuer, Json, Reply, feed, guarding, issuer, json_of, soon


def event(n: int, kind: str, name: str) -> Json:
    return {"n": n, "kind": kind, "id": name, "until": NOW + 900}


def said(told: Json) -> bytes:
    return f"id: {told['n']}\ndata: {json.dumps(told)}\n\n".encode()


def status(guard: Guard, token: str) -> int:
    try:
        guard.verify(token)
    except Refusal as refusal:
        return refusal.status
    return 200


def answers(guard: Guard, acme: Issuer, wanted: int, **claims: Any) -> Callable[[], bool]:
    return lambda: status(guard, acme.token(claims)) == wanted


def test_before_the_first_page_is_read_it_is_behind() -> None:
    comes = threading.Event()
    with issuer() as acme:

        def hang(_: Json) -> Reply:
            comes.wait()
            return json_of(events=[], next="0", head=0)

        acme.routes["/acme/oauth2/revocations"] = hang
        with guarding(acme.name, Clock(), feed=feed()) as guard:
            with pytest.raises(Unavailable):
                guard.verify(acme.token())
            assert guard.figures().silent_for_ms is None
            comes.set()
            soon(answers(guard, acme, 200))
            assert guard.figures().silent_for_ms == 0


def test_pages_are_read_to_their_end_and_then_the_stream() -> None:
    with issuer() as acme:
        acme.page = 2
        acme.events = [event(n, "session", f"s{n}") for n in range(1, 6)]
        with guarding(acme.name, Clock(), feed=feed()) as guard:
            soon(answers(guard, acme, 200))
            assert [status(guard, acme.token({"sid": f"s{n}"})) for n in range(7)] == (
                [200, 401, 401, 401, 401, 401, 200]
            )
            acme.events.append(event(6, "session", "s6"))
            for piece in said(acme.events[-1]).partition(b"session"):
                acme.stream.put(piece)
            soon(answers(guard, acme, 401, sid="s6"))
            acme.stream.put(None)
            soon(lambda: acme.asked["/acme/oauth2/revocations"] == 6)
            figures = guard.figures()
            assert (figures.endings, figures.ended) == (6, 6)
        asked = [acme.seen.get() for _ in range(acme.seen.qsize())]
        pages = [
            (form.get("after"), form.get("limit"), headers.get("last-event-id"))
            for path, headers, form in asked
            if path == "GET /acme/oauth2/revocations"
        ]
        assert pages == [
            (None, "1000", None), ("2", "1000", None), ("4", "1000", None), (None, None, "5"),
            ("6", "1000", None), (None, None, "6"),
        ]  # fmt: skip


def test_it_asks_as_a_client_whose_name_may_hold_anything() -> None:
    with issuer() as acme, guarding(acme.name, Clock(), feed=feed()) as guard:
        guard.close()
    with issuer() as acme:
        strange = type(feed())("a:b ü", "c%d+/")
        with guarding(acme.name, Clock(), feed=strange) as guard:
            soon(answers(guard, acme, 200))
        asked = [acme.seen.get() for _ in range(acme.seen.qsize())]
        [(headers, form)] = [(it[1], it[2]) for it in asked if it[0] == "POST /acme/token"]
        basic = base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode()
        assert basic == "a%3Ab+%C3%BC:c%25d%2B%2F"
        assert form == {"grant_type": "client_credentials", "scope": "revocations"}


def test_a_comment_is_heard_and_an_event_alone_is_not() -> None:
    clock = Clock()
    with issuer() as acme, guarding(acme.name, clock, feed=feed()) as guard:
        soon(answers(guard, acme, 200))
        clock.advance(5.1)
        acme.stream.put(said(event(1, "session", "x")))
        soon(lambda: guard.figures().endings == 1)
        assert status(guard, acme.token()) == 503
        assert status(guard, acme.token({"sid": "x"})) == 401
        acme.stream.put(b":al")
        soon(answers(guard, acme, 200))
        figures = guard.figures()
        assert figures.ended == 1
        assert figures.refused_behind >= 1


REPLIES: list[tuple[Reply, type[Refusal]]] = [
    (json_of(active=False), InvalidToken), (json_of(active="true"), Unavailable),
    (json_of(active=1), Unavailable), (json_of(), Unavailable), ((500, {}, b""), Unavailable),
    ((302, {"Location": "/acme/introspect"}, b""), Unavailable),
]  # fmt: skip


def test_while_behind_it_does_what_was_chosen() -> None:
    clock = Clock()
    with issuer() as acme, guarding(acme.name, clock, feed=feed(when_behind="go-on")) as guard:
        soon(lambda: guard.figures().silent_for_ms == 0)
        clock.advance(5.1)
        guard.verify(acme.token())
        assert guard.figures().passed_behind == 1
    asks = feed(when_behind="ask-introspection")
    with issuer() as acme, guarding(acme.name, clock, feed=asks) as guard:
        soon(lambda: guard.figures().silent_for_ms == 0)
        clock.advance(5.1)
        guard.verify(acme.token())
        assert guard.verify_header_at_once([f"Bearer {acme.token()}"]) is None
        for reply, refusal in REPLIES:
            acme.routes["/acme/introspect"] = reply
            with pytest.raises(refusal):
                guard.verify(acme.token())
        assert guard.figures().asked_behind == 7


def test_polling_asks_for_pages_and_for_no_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nor does it begin anew.
    monkeypatch.setattr(follower, "_FIRST_PAUSE", 60)
    with issuer() as acme, guarding(acme.name, Clock(), feed=feed(polling=0.02)) as guard:
        soon(answers(guard, acme, 200))
        acme.events.append(event(1, "session", "s1"))
        soon(answers(guard, acme, 401, sid="s1"))
        soon(lambda: acme.asked["/acme/oauth2/revocations"] > 3)
        asked = [acme.seen.get() for _ in range(acme.seen.qsize())]
        assert not [headers for _, headers, _ in asked if "event-stream" in headers["accept"]]


def test_a_token_that_is_refused_is_got_anew_and_a_cursor_that_is_gone_is_left() -> None:
    with issuer() as acme:
        statuses = [401, 200, 410, 200]

        def page(form: Json) -> Reply:
            if statuses and (wrong := statuses.pop(0)) != 200:
                return wrong, {}, b""
            return acme.usual("/oauth2/revocations", form)

        acme.routes["/acme/oauth2/revocations"] = page
        acme.events.append(event(7, "session", "s7"))
        with guarding(acme.name, Clock(), feed=feed(polling=0.01)) as guard:
            soon(lambda: not statuses)
            soon(answers(guard, acme, 200))
            # What is known stays.
            assert status(guard, acme.token({"sid": "s7"})) == 401
        assert acme.asked["/acme/token"] == 2
        asked = [acme.seen.get() for _ in range(acme.seen.qsize())]
        pages = [form.get("after") for path, _, form in asked if path.endswith("revocations")]
        assert pages[:4] == [None, None, "7", None]


def test_a_key_is_ended_whether_a_token_names_it_or_not() -> None:
    with issuer() as acme, guarding(acme.name, Clock(), feed=feed()) as guard:
        unnamed = acme.token(header={"kid": None})
        soon(lambda: status(guard, unnamed) == 200)
        acme.stream.put(said(event(1, "key", "one")))
        soon(lambda: status(guard, unnamed) == 401)


@pytest.mark.parametrize("wrong", [401, 410])
def test_a_client_that_the_issuer_does_not_know_is_told_of(
    wrong: int, caplog: pytest.LogCaptureFixture
) -> None:
    with issuer() as acme:
        acme.routes["/acme/token"] = wrong, {}, b""
        with guarding(acme.name, Clock(), feed=feed()):
            soon(lambda: f"the issuer answered {wrong} at {acme.name}/token" in caplog.text)


def test_a_stream_that_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "_SILENCE", 0.05)
    with issuer() as acme, guarding(acme.name, Clock(), feed=feed()):
        soon(lambda: acme.asked["/acme/oauth2/revocations"] >= 4)


PAGES: list[Json] = [
    {"events": [], "next": 7, "head": 7}, {"events": {}, "next": "0", "head": 0},
    {"events": [7], "next": "0", "head": 0}, {"events": [], "next": "0", "head": "0"},
    {"events": [{"n": 1}], "next": "1", "head": 1}, {"events": [], "next": "0"},
]  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_page_that_is_none_is_not_heard(page: Json) -> None:
    with issuer() as acme:
        acme.routes["/acme/oauth2/revocations"] = json_of(**page)
        with guarding(acme.name, Clock(), feed=feed()) as guard:
            soon(lambda: acme.asked["/acme/oauth2/revocations"] >= 2)
            assert guard.figures().silent_for_ms is None
            del acme.routes["/acme/oauth2/revocations"]
            soon(answers(guard, acme, 200))


def test_a_page_that_leads_to_itself_is_not_asked_for_without_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with issuer() as acme:
        acme.routes["/acme/oauth2/revocations"] = json_of(events=[], next="1", head=2)
        with guarding(acme.name, Clock(), feed=feed()) as guard:
            soon(lambda: acme.asked["/acme/oauth2/revocations"] >= 2)
            assert guard.figures().silent_for_ms is None
            soon(lambda: "leads to itself" in caplog.text)


def test_an_ending_of_a_kind_that_is_not_known_ends_everything_before_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with issuer() as acme, guarding(acme.name, Clock(), feed=feed()) as guard:
        soon(answers(guard, acme, 200))
        acme.stream.put(said(event(4, "moonrise", "x")))
        soon(answers(guard, acme, 401, rev=3))
        assert status(guard, acme.token({"rev": 4})) == 200
        assert [it.levelno for it in caplog.records if "moonrise" in it.getMessage()] == [
            logging.ERROR
        ]


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but `close` ends what waits."""
    monkeypatch.setattr(follower, "_SILENCE", 60)
    monkeypatch.setattr(network, "ANSWER_WITHIN", 60)


@pytest.mark.usefixtures("_patient")
@pytest.mark.parametrize("polling", [None, 4])
def test_close_ends_the_follower(polling: float | None) -> None:
    def followers() -> list[str]:
        return [
            it.name for it in threading.enumerate() if it.name == f"portcullis-feed {acme.name}"
        ]

    with issuer() as acme:
        with guarding(acme.name, Clock(), feed=feed(polling=polling)) as guard:
            soon(answers(guard, acme, 200))
            assert followers()
        soon(lambda: not followers())


@pytest.mark.usefixtures("_patient")
def test_close_ends_a_follower_that_waits_for_an_answer() -> None:
    hangs = threading.Event()
    with issuer() as acme:

        def hang(_: Json) -> Reply:
            hangs.wait()
            return 500, {}, b""

        acme.routes["/acme/oauth2/revocations"] = hang
        with guarding(acme.name, Clock(), feed=feed()):
            soon(lambda: acme.asked["/acme/oauth2/revocations"] == 1)
        soon(lambda: not [it for it in threading.enumerate() if acme.name in it.name])
        hangs.set()


def test_each_tenant_of_a_pattern_is_followed() -> None:
    with issuer() as acme, guarding(acme.base + "/{tenant}", Clock(), feed=feed()) as guard:
        assert status(guard, acme.token()) in (200, 503)
        acme.events.append(event(1, "session", "x"))
        soon(answers(guard, acme, 200))
        acme.stream.put(said(event(2, "session", "y")))
        soon(answers(guard, acme, 401, sid="y"))
