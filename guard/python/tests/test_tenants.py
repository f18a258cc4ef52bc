"""Tenants of a pattern."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from portcullis_guard import InvalidToken, Unavailable, issuers
from support import Clock, Json, Reply, guarding, issuer, json_of, soon


def test_names_of_no_tenant_are_not_asked_for_again_for_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(issuers, "_MOST_TENANTS", 1)
    clock = Clock()
    with issuer() as acme, guarding(acme.base + "/{tenant}", clock) as guard:
        assert guard.verify(acme.token()).tenant == "acme"
        nobody = acme.token({"iss": acme.base + "/nobody"})
        for asked in (4, 6):
            for _ in range(20):
                with pytest.raises(InvalidToken):
                    guard.verify(nobody)
            assert acme.asked.total() == asked
            clock.advance(60)
        # One more than are held.
        acme.routes["/more/.well-known/openid-configuration"] = json_of(
            issuer=acme.base + "/more", jwks_uri=acme.name + "/jwks"
        )
        with pytest.raises(Unavailable):
            guard.verify(acme.token({"iss": acme.base + "/more"}))


def test_so_many_tenants_are_asked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuers, "_TURN_WITHIN", 0.05)
    monkeypatch.setattr(issuers, "_ASKED_AT_ONCE", 2)
    hangs = threading.Event()
    with issuer() as acme, guarding(acme.base + "/{tenant}", Clock()) as guard:

        def hang(_: Json) -> Reply:
            hangs.wait()
            return 404, {}, b""

        for tenant in "ab":
            acme.routes[f"/{tenant}/.well-known/openid-configuration"] = hang
        with ThreadPoolExecutor(2) as pool:
            waits = [
                pool.submit(guard.verify, acme.token({"iss": f"{acme.base}/{it}"})) for it in "ab"
            ]
            soon(lambda: acme.asked.total() == 2)
            with pytest.raises(Unavailable):
                guard.verify(acme.token())
            hangs.set()
            assert {type(it.exception()) for it in waits} == {InvalidToken}
        guard.verify(acme.token())


def test_a_tenant_that_is_away_is_asked_for_each_second() -> None:
    clock = Clock()
    with issuer() as acme, guarding(acme.base + "/{tenant}", clock) as guard:
        acme.is_away = True
        for _ in range(5):
            with pytest.raises(Unavailable):
                guard.verify(acme.token())
        assert acme.asked.total() == 2
        clock.advance(1)
        acme.is_away = False
        guard.verify(acme.token())
