"""What the table of cases cannot see: how tokens are refused that only Python would take."""

import json
from typing import Any

import pytest

from portcullis_guard import Guard, InvalidToken, NoToken, Principal, Refusal
from portcullis_guard.refusal import InsufficientScope, InsufficientUserAuthentication
from support import API, NOW, Clock, Key, feed, guarding, issuer


def test_a_good_token_says_whom_it_speaks_for() -> None:
    with issuer() as acme, guarding(acme.name, Clock()) as guard:
        token = acme.token(
            {"scope": "reports.read b", "acr": "gold", "auth_time": NOW - 60, "amr": ["pwd"],
             "roles": ["admin"], "exp": NOW + 900.5}
        )  # fmt: skip
        principal = guard.verify_header([f"Bearer {token}"])
        assert (principal.issuer, principal.subject, principal.tenant) == (acme.name, "ada", None)
        assert (principal.client_id, principal.session, principal.token_id) == ("app", "s", "t")
        assert (principal.expires_at, principal.authenticated_at) == (NOW + 900, NOW - 60)
        assert (principal.amr, principal.is_client) == (("pwd",), False)
        assert principal.has_scope("b")
        assert not principal.has_scope("reports")
        principal.require("b", "reports.read")
        with pytest.raises(InsufficientScope, match=r"lacks scope b reports\.write"):
            principal.require("b", "reports.write")
        principal.claims["roles"].append("root")
        assert principal.claims["roles"] == ["admin"]


def test_who_has_signed_in_long_ago_or_otherwise_is_to_do_it_again() -> None:
    clock = Clock()
    principal = Principal(
        issuer="i", subject="ada", expires_at=0, acr="gold", authenticated_at=NOW - 60, clock=clock
    )
    principal.require_authentication(["gold"], 60)
    principal.require_authentication("gold")
    for acr_values, max_age in ((["diamond", "gold"], 59), (["old"], None), ("golden", None)):
        with pytest.raises(InsufficientUserAuthentication):
            principal.require_authentication(acr_values, max_age)
    clock.advance(1)
    with pytest.raises(InsufficientUserAuthentication) as stale:
        principal.require_authentication(["diamond", "gold"], 60)
    assert stale.value.challenge == (
        'Bearer error="insufficient_user_authentication", '
        'error_description="the user must authenticate again", '
        'acr_values="diamond gold", max_age=60'
    )


WRONG: list[dict[str, Any]] = [
    {"rev": True}, {"rev": 1.0}, {"rev": "1"}, {"rev": 2**63}, {"exp": True}, {"exp": "1"},
    {"exp": 10**400}, {"nbf": False}, {"auth_time": "now"}, {"auth_time": True}, {"jti": 7},
    {"sid": 7}, {"gid": []}, {"acr": 1}, {"client_id": {}}, {"amr": "pwd"}, {"amr": [1]},
    {"aud": [API, 7]}, {"aud": {API: 1}}, {"aud": []}, {"sub": True}, {"scope": 1}, {"cnf": "x"},
    {"cnf": {}},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_claim_of_another_type_is_refused(wrong: dict[str, Any]) -> None:
    with issuer() as acme, guarding(acme.name, Clock()) as guard:
        guard.verify(acme.token())
        with pytest.raises(InvalidToken):
            guard.verify(acme.token(wrong))


RAW = [
    b'"exp": NaN', b'"exp": Infinity', b'"exp": 1e999', b'"nbf": -1e999', b'"x": NaN',
    b'"sub": "eve"', b'"x": {"a": 1, "a": 2}', b'"x": "\\ud800"', b'"x": "\xff"', b'"sid": null',
    b'"x": ' + b"[" * 9000,
]  # fmt: skip


@pytest.mark.parametrize("raw", RAW, ids=lambda raw: str(raw[:20]))
def test_json_of_two_meanings_or_none_is_refused(raw: bytes) -> None:
    with issuer() as acme, guarding(acme.name, Clock()) as guard:
        told = json.dumps({"iss": acme.name, "sub": "ada", "aud": API}).encode()
        guard.verify(acme.signed(told[:-1] + b', "exp": 4102444800.5}'))
        with pytest.raises(InvalidToken):
            guard.verify(acme.signed(told[:-1] + b', "exp": 4102444800, ' + raw + b"}"))
        with pytest.raises(InvalidToken):
            guard.verify(
                acme.signed((told.decode()[:-1] + ', "exp": 4102444800}').encode("utf-16"))
            )


def test_what_is_no_jwt_to_the_letter_is_refused() -> None:
    with issuer() as acme, guarding(acme.name, Clock()) as guard:
        good = acme.token()
        head, claims, signature = good.split(".")
        guard.verify(good)
        for wrong in (
            "", "a.b.c", "🔑", good + "=", f"{head}=.{claims}.{signature}", f" {good}", good + "\n",
            f"{head}.{claims}.", f"{good}.x", good + "A" * 20_000, acme.token(header={"kid": 7}),
            acme.token(header={"typ": 7}), acme.token(header={"crit": []}),
            acme.token({"more": "x" * 16_000}), acme.token(header={"alg": "ES384"}),
            acme.token(header={"alg": None}),
        ):  # fmt: skip
            with pytest.raises(InvalidToken):
                guard.verify(wrong)


def test_a_token_that_names_no_key_is_verified_by_the_only_one() -> None:
    with issuer() as acme, guarding(acme.name, Clock()) as guard:
        guard.verify(acme.token(header={"kid": None}))
    with issuer() as acme, guarding(acme.name, Clock()) as guard:
        acme.keys.append(Key("two").jwk())
        with pytest.raises(InvalidToken):
            guard.verify(acme.token(header={"kid": None}))


def test_a_bound_token_is_for_an_api_that_checks_the_binding() -> None:
    with issuer() as acme:
        bound = acme.token({"cnf": {"jkt": "0Zc"}})
        with guarding(acme.name, Clock()) as guard, pytest.raises(InvalidToken):
            guard.verify(bound)
        with guarding(acme.name, Clock(), bound_tokens="caller-checks") as guard:
            assert guard.verify(bound).confirmation == {"jkt": "0Zc"}
            with pytest.raises(InvalidToken):
                guard.verify(acme.token({"cnf": "0Zc"}))


HEADERS: list[tuple[list[str], int]] = [
    ([], 401), ([""], 401), (["Bearer"], 401), (["Bearer "], 401), (["Basic YTpi"], 401),
    (["Bearer a", "Bearer b"], 400), (["Bearer a", ""], 400), (["Bearer a b"], 400),
]  # fmt: skip


@pytest.mark.parametrize(("values", "status"), HEADERS, ids=str)
def test_a_request_has_one_bearer_token(values: list[str], status: int) -> None:
    with Guard(API, "https://id.example") as guard:
        with pytest.raises(Refusal) as refused:
            guard.verify_header(values)
        assert (refused.value.status, refused.type is NoToken) == (status, status == 401)


@pytest.mark.parametrize("local", ["127.0.0.1:8000", "localhost", "[::1]:1"])
def test_http_is_for_this_machine_alone(local: str) -> None:
    Guard(API, f"http://{local}/t/{{tenant}}").close()


NAMES = [
    "http://id.example", "http://127.0.0.1.evil.example", "http://127.0.0.1@evil.example",
    "http://127.0.0.1:80@evil.example/", "ftp://id.example", "id.example", "", "https://",
    "https://id.example@evil.example",
    "https://id.example/{tenant}/{tenant}", "https://id.example?t={tenant}", "https://id.example#x",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_guard_of_an_issuer_that_another_could_be_is_not_made(name: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        Guard(API, name)


def test_a_guard_of_no_sense_is_not_made() -> None:
    with pytest.raises(ValueError, match="an issuer"):
        Guard(API, [])
    with pytest.raises(ValueError, match="bound tokens"):
        Guard(API, "https://id.example", bound_tokens="yes")  # type: ignore[arg-type]
    for wrong in ({"polling": 0}, {"polling": 5}, {"bound": 0}, {"when_behind": "never"}):
        with pytest.raises(ValueError):  # noqa: PT011
            feed(**wrong)
    assert "its secret" not in repr(feed())
