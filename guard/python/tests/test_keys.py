"""When keys are fetched, and when they are not."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from portcullis_guard import Guard, InvalidToken, Unavailable, guard, key
from support import Clock, Issuer, Json, Key, Reply, guarding, issuer, json_of, soon

ANOTHER = Key("another")


def unknown(acme: Issuer, kid: str) -> str:
    return acme.token(header={"kid": kid}, key=ANOTHER)


@pytest.mark.parametrize(
    ("said", "due"),
    [
        ("public, max-age=100", 80), ("max-age=1", 8), ("no-store", 8), ("max-age=864000", 69120),
        ("public", 240), ("", 240), ("max-age=99999999999999999999", 69120), ("max-age=x", 240),
    ],
)  # fmt: skip
def test_keys_are_held_as_their_answer_says_and_fetched_ahead(said: str, due: int) -> None:
    clock = Clock()
    with issuer() as acme, guarding(acme.name, clock) as guard:
        acme.headers["Cache-Control"] = said
        token = acme.token({"exp": 4102444800})
        guard.verify(token)
        clock.advance(due - 0.1)
        guard.verify(acme.token({"exp": 4102444800, "jti": "b"}))
        assert not [it for it in threading.enumerate() if it.name == "portcullis-keys"]
        assert acme.fetches() == 1
        clock.advance(0.1)
        guard.verify(acme.token({"exp": 4102444800, "jti": "c"}))
        soon(lambda: acme.fetches() == 2)


def test_a_fetch_that_hangs_keeps_nobody_whose_key_is_there() -> None:
    clock, hangs = Clock(), threading.Event()
    with issuer() as acme, guarding(acme.name, clock) as guard:
        guard.verify(acme.token())

        def hang(_: Json) -> Reply:
            hangs.wait()
            return json_of(keys=[ANOTHER.jwk()])

        acme.routes["/acme/jwks"] = hang
        clock.advance(240)
        for jti in "abcde":
            guard.verify(acme.token({"jti": jti}))
        # Nor does one that waits for it.
        with ThreadPoolExecutor() as pool:
            waits = pool.submit(guard.verify, unknown(acme, "another"))
            soon(lambda: acme.fetches() == 2)
            guard.verify(acme.token({"jti": "f"}))
            assert not waits.done()
            hangs.set()
            waits.result()
        assert acme.fetches() == 2
        with pytest.raises(InvalidToken):
            guard.verify(acme.token({"jti": "a"}))


@pytest.mark.parametrize("name", ["{base}/acme", "{base}/{tenant}"])
def test_many_who_come_first_have_them_fetched_once(name: str) -> None:
    come = threading.Event()
    with issuer() as acme:

        def hang(_: Json) -> Reply:
            come.wait()
            return json_of(keys=acme.keys)

        acme.routes["/acme/jwks"] = hang
        with guarding(name.replace("{base}", acme.base), Clock()) as guard:
            tokens = [acme.token({"jti": str(at)}) for at in range(50)]
            with ThreadPoolExecutor(50) as pool:
                good = [pool.submit(guard.verify, token) for token in tokens]
                come.set()
            assert {it.result().subject for it in good} == {"ada"}
        assert (acme.fetches(), acme.asked.total()) == (1, 2)


def test_a_key_that_nobody_knows_is_asked_for_once_a_minute() -> None:
    clock = Clock()
    with issuer() as acme, guarding(acme.name, clock) as guard:
        guard.verify(acme.token())
        for fetches in (2, 3):
            for at in range(20):
                with pytest.raises(InvalidToken):
                    guard.verify(unknown(acme, f"{fetches}-{at}"))
            assert acme.fetches() == fetches
            clock.advance(59.9)
            with pytest.raises(InvalidToken):
                guard.verify(unknown(acme, "late"))
            assert acme.fetches() == fetches
            clock.advance(0.1)
        acme.keys.append(ANOTHER.jwk())
        guard.verify(acme.token(header={"kid": "another"}, key=ANOTHER))


def test_while_the_issuer_is_away_its_last_keys_stay() -> None:
    clock = Clock()
    with issuer() as acme, guarding(acme.name, clock) as guard:
        guard.verify(acme.token())
        acme.is_away = True
        asked = acme.asked.total()
        for _ in range(5):
            # Of a key that is not known it cannot be said now whether it is the issuer's.
            with pytest.raises(Unavailable):
                guard.verify(unknown(acme, "new"))
            guard.verify(acme.token({"jti": "b"}))
        assert acme.asked.total() == asked + 2
        clock.advance(9.9)
        with pytest.raises(Unavailable):
            guard.verify(unknown(acme, "new"))
        assert acme.asked.total() == asked + 2
        clock.advance(0.1)
        acme.is_away = False
        with pytest.raises(InvalidToken):
            guard.verify(unknown(acme, "new"))


def test_an_issuer_that_was_never_there_is_tried_each_second() -> None:
    clock = Clock()
    with issuer() as acme, guarding(acme.name, clock) as guard:
        acme.is_away = True
        for _ in range(3):
            with pytest.raises(Unavailable):
                guard.verify(acme.token())
        assert acme.asked.total() == 2
        acme.is_away = False
        clock.advance(1)
        guard.verify(acme.token())


def test_a_verified_token_is_held_while_its_very_key_is_the_issuers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked: list[str] = []
    has_signed = key.Key.has_signed

    def counted(self: key.Key, token: str) -> bool:
        checked.append(token)
        return has_signed(self, token)

    monkeypatch.setattr(key.Key, "has_signed", counted)
    clock = Clock()
    with issuer() as acme, guarding(acme.name, clock) as guard:
        token = acme.token()
        assert guard.verify(token) is guard.verify(token)
        # Fetched anew, and the same.
        with pytest.raises(InvalidToken):
            guard.verify(unknown(acme, "new"))
        guard.verify(token)
        assert (acme.fetches(), checked) == (2, [token])
        # Another key of the same name.
        acme.keys[:] = [Key("one").jwk()]
        clock.advance(60)
        with pytest.raises(InvalidToken):
            guard.verify(unknown(acme, "newer"))
        with pytest.raises(InvalidToken):
            guard.verify(token)
        # It is looked at as if it were new.
        assert checked == [token, token]


def test_a_key_that_is_told_in_other_words_verifies_what_it_has_verified() -> None:
    with issuer() as acme, guarding(acme.name, Clock()) as guard:
        token = acme.token()
        guard.verify(token)
        acme.keys[:] = [key | {"more": "told"} for key in acme.keys]
        with pytest.raises(InvalidToken):
            guard.verify(unknown(acme, "new"))
        guard.verify(token)


def test_a_token_that_is_held_expires_all_the_same() -> None:
    clock = Clock()
    with issuer() as acme, guarding(acme.name, clock) as guard:
        token = acme.token()
        clock.advance(909.9)
        guard.verify(token)
        clock.advance(0.1)
        with pytest.raises(InvalidToken):
            guard.verify(token)


def test_so_many_tokens_are_held_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_MOST_SEEN", 3)
    with issuer() as acme, guarding(acme.name, Clock()) as held:
        tokens = [acme.token({"jti": str(at)}) for at in range(4)]
        first, second, *_ = (held.verify(token) for token in tokens[:3])
        assert held.verify(tokens[0]) is first
        held.verify(tokens[3])
        assert held.verify(tokens[0]) is first
        assert held.verify(tokens[1]) is not second


def test_what_needs_no_issuer_is_decided_at_once() -> None:
    with issuer() as acme, guarding(acme.base + "/{tenant}", Clock()) as guard:
        first, second = acme.token(), acme.token({"jti": "b"})
        assert guard.verify_header_at_once([f"Bearer {first}"]) is None
        assert acme.asked.total() == 0
        guard.verify(first)
        assert guard.verify_header_at_once([f"Bearer {second}"]) is guard.verify(second)
        with pytest.raises(InvalidToken):
            guard.verify_header_at_once(["Bearer a.b.c"])
        assert guard.verify_header_at_once([f"Bearer {unknown(acme, 'new')}"]) is None
        assert acme.fetches() == 1


def test_a_closed_guard_asks_nobody() -> None:
    with issuer() as acme:
        closed = Guard("x", acme.name)
        closed.close()
        with pytest.raises(Unavailable):
            closed.verify(acme.token())
        assert acme.asked.total() == 0
