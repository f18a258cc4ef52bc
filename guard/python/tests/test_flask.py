"""The decorator for Flask."""

from collections.abc import Iterator

import pytest
from flask import Flask, Response, g
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

from portcullis_guard.flask import Bearer
from portcullis_guard.header import taken_apart
from support import NOW, Clock, Issuer, guarding, issuer


@pytest.fixture
def acme() -> Iterator[Issuer]:
    with issuer() as acme:
        yield acme


@pytest.fixture
def client(acme: Issuer) -> Iterator[FlaskClient]:
    with guarding(acme.name, Clock()) as guard:
        bearer, app = Bearer(guard), Flask(__name__)

        @app.get("/me/<name>")
        @bearer.requires()
        def me(name: str) -> list[str]:
            return [g.principal.subject, name]

        @app.get("/reports")
        @bearer.requires("reports.read", "b")
        def reports() -> str:
            return ""

        @app.get("/transfer")
        @bearer.requires(acr_values=["gold"])
        def transfer() -> str:
            g.principal.require("transfer")
            return ""

        with app.test_client() as client:
            yield client


def by(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_view_serves_whom_the_token_speaks_for(client: FlaskClient, acme: Issuer) -> None:
    assert client.get("/me/x", headers=by(acme.token())).json == ["ada", "x"]
    token = acme.token({"scope": "b reports.read"})
    assert client.get("/reports", headers=by(token)).status_code == 200


def test_a_refusal_is_answered_with_its_headers(client: FlaskClient, acme: Issuer) -> None:
    answered = client.get("/me/x")
    assert (answered.status_code, answered.headers["WWW-Authenticate"]) == (401, "Bearer")
    answered = client.get("/reports", headers=by(acme.token()))
    assert answered.status_code == 403
    assert answered.headers["WWW-Authenticate"].endswith('scope="reports.read b"')
    answered = client.get("/transfer", headers=by(acme.token()))
    assert answered.headers["WWW-Authenticate"].endswith('acr_values="gold"')
    acme.is_away = True
    answered = client.get("/me/x", headers=by(acme.token(header={"kid": "new"})))
    assert (answered.status_code, answered.headers["Retry-After"]) == (503, "1")
    assert "WWW-Authenticate" not in answered.headers


@pytest.mark.parametrize("joined", [",", ", "])
def test_two_headers_that_were_joined_are_one_too_many(
    client: FlaskClient, acme: Issuer, joined: str
) -> None:
    for other in (f"Bearer {acme.token()}", "Basic YTpi", ""):
        twice = joined.join([other, f"Bearer {acme.token()}"])
        answered = client.get("/me/x", headers={"Authorization": twice})
        assert answered.status_code == 400, other
        assert 'error="invalid_request"' in answered.headers["WWW-Authenticate"]


def test_headers_are_taken_apart_and_parameters_are_not() -> None:
    for value, headers in (
        ("Bearer a", 1), ("Bearer a,", 2), ("Bearer a,Bearer b", 2), ("Basic YTpi, Bearer a", 2),
        ('Digest username="a", realm="b"', 1), ('Digest username="a", Bearer b', 2), ("", 1),
    ):  # fmt: skip
        assert len(taken_apart(value)) == headers, value
        assert ",".join(taken_apart(value)) == value


def test_a_refusal_that_the_view_raises_is_answered_alike(
    client: FlaskClient, acme: Issuer
) -> None:
    token = acme.token({"acr": "gold", "auth_time": NOW})
    answered = client.get("/transfer", headers=by(token))
    assert answered.status_code == 403
    assert answered.headers["WWW-Authenticate"].endswith('scope="transfer"')


def test_an_app_may_word_refusals_itself(client: FlaskClient) -> None:
    @client.application.errorhandler(HTTPException)
    def worded(why: HTTPException) -> Response:
        answered = Response(f"no: {why.code}", why.code)
        answered.headers.update(dict(why.get_headers()))
        return answered

    answered = client.get("/me/x")
    assert (answered.text, answered.headers["WWW-Authenticate"]) == ("no: 401", "Bearer")
