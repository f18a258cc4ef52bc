"""The dependencies for FastAPI."""

from collections.abc import Callable, Iterator
from typing import Annotated

import anyio
import httpx
import pytest
from fastapi import Depends, FastAPI

from portcullis_guard import Principal, Refusal
from portcullis_guard.fastapi import Bearer, answer
from support import NOW, Clock, Issuer, guarding, issuer

Get = Callable[..., httpx.Response]


@pytest.fixture
def acme() -> Iterator[Issuer]:
    with issuer() as acme:
        yield acme


@pytest.fixture
def get(acme: Issuer) -> Iterator[Get]:
    with guarding(acme.name, Clock()) as guard:
        bearer, app = Bearer(guard), FastAPI()
        app.add_exception_handler(Refusal, answer)

        @app.get("/me")
        async def me(token: Annotated[Principal, Depends(bearer)]) -> str:
            return token.subject

        @app.get("/reports", dependencies=[Depends(bearer.requires("reports.read", "b"))])
        def reports() -> None:
            pass

        @app.get("/transfer")
        def transfer(
            token: Annotated[Principal, Depends(bearer.requires(acr_values=["gold"]))],
        ) -> None:
            token.require("transfer")

        async def asked(path: str, tokens: tuple[str, ...]) -> httpx.Response:
            headers = [("Authorization", f"Bearer {token}") for token in tokens]
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                return await client.get(path, headers=headers)

        yield lambda path, *tokens: anyio.run(asked, path, tokens)


def test_a_route_serves_whom_the_token_speaks_for(get: Get, acme: Issuer) -> None:
    assert get("/me", acme.token()).json() == "ada"
    assert get("/reports", acme.token({"scope": "b reports.read"})).is_success


def test_a_refusal_is_answered_with_its_headers(get: Get, acme: Issuer) -> None:
    answered = get("/me")
    assert (answered.status_code, answered.headers["WWW-Authenticate"]) == (401, "Bearer")
    answered = get("/reports", acme.token())
    assert answered.status_code == 403
    assert answered.headers["WWW-Authenticate"].endswith('scope="reports.read b"')
    answered = get("/transfer", acme.token())
    assert answered.headers["WWW-Authenticate"].endswith('acr_values="gold"')
    acme.is_away = True
    answered = get("/me", acme.token(header={"kid": "new"}))
    assert (answered.status_code, answered.headers["Retry-After"]) == (503, "1")
    assert "WWW-Authenticate" not in answered.headers


def test_two_headers_are_one_too_many(get: Get, acme: Issuer) -> None:
    answered = get("/me", acme.token(), acme.token())
    assert answered.status_code == 400
    assert 'error="invalid_request"' in answered.headers["WWW-Authenticate"]


def test_a_refusal_that_the_route_raises_is_answered_alike(get: Get, acme: Issuer) -> None:
    answered = get("/transfer", acme.token({"acr": "gold", "auth_time": NOW}))
    assert answered.status_code == 403
    assert answered.headers["WWW-Authenticate"].endswith('scope="transfer"')


def test_openapi_shows_the_scheme(get: Get) -> None:
    told = get("/openapi.json").json()
    assert told["components"]["securitySchemes"] == {
        "Bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    for path in ("/me", "/reports", "/transfer"):
        assert told["paths"][path]["get"]["security"] == [{"Bearer": []}]


def test_a_token_whose_key_is_there_does_not_leave_the_event_loop(
    get: Get, acme: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    get("/me", acme.token())
    monkeypatch.delattr("portcullis_guard.fastapi.to_thread")
    assert get("/me", acme.token()).is_success
    assert get("/me", acme.token({"jti": "new"})).is_success
