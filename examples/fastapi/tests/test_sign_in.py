"""A and B, and the sign-out."""

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from portcullis_guard import Guard

from app import create_app
from settings import Settings
from support import AUDIENCE, Issuer, listening, served


def code_for(browser: httpx2.Client) -> httpx2.URL:
    """Begins a sign-in, and says where the issuer leads back to."""
    answer = browser.get("/login")
    location = httpx2.get(answer.headers["location"]).headers["location"]
    return httpx2.URL(location)


def test_the_request_is_bound_to_the_browser(browser: httpx2.Client) -> None:
    asked = parse_qs(urlsplit(browser.get("/login").headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["openid profile email offline_access reports.read"]
    assert {"state", "nonce", "code_challenge"} <= asked.keys()


def test_somebody_signs_in(browser: httpx2.Client) -> None:
    answer = browser.get(code_for(browser))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    page = browser.get("/")
    assert "Signed in as Ada &lt;b&gt;" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert page.headers["cache-control"] == "no-store"
    # No token reaches the browser.
    assert "eyJ" not in page.text + str(browser.cookies) + cookie


def test_the_cookie_is_new_at_every_sign_in(browser: httpx2.Client) -> None:
    cookies = set()
    for _ in range(2):
        browser.get(code_for(browser))
        cookies.add(browser.cookies["session"])
    assert len(cookies) == 2


def test_two_tabs_sign_in_at_once(browser: httpx2.Client) -> None:
    one, two = code_for(browser), code_for(browser)
    assert [browser.get(at).status_code for at in (one, two)] == [303, 303]


def test_an_answer_is_good_once(browser: httpx2.Client, issuer: Issuer) -> None:
    back = code_for(browser)
    assert [browser.get(back).status_code for _ in range(2)] == [303, 400]
    # The issuer was not even asked the second time.
    assert len(issuer.sent) == 1


def test_an_answer_is_for_the_browser_that_asked(browser: httpx2.Client, program: str) -> None:
    back = code_for(browser)
    with httpx2.Client(base_url=program) as another:
        another.get("/login")
        assert another.get(back).status_code == 400


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://elsewhere.example"},
        {"state": "another"},
        {"error": "access_denied"},
        {"code": "another"},
        {"code": ""},
    ],
)
def test_a_strange_answer_gets_a_page(browser: httpx2.Client, changed: dict[str, str]) -> None:
    page = browser.get(code_for(browser).copy_merge_params(changed))
    assert (page.status_code, "Sign in once more" in page.text) == (400, True)
    assert "session" not in browser.cookies


def test_an_answer_without_anything_gets_a_page(browser: httpx2.Client) -> None:
    assert browser.get("/callback").status_code == 400
    strange = [(b"Cookie", b"sign-in=\xff; session=\xff")]
    assert browser.get("/callback?code=a", headers=strange).status_code == 400
    assert browser.get("/reports", headers=strange).status_code == 303


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"aud": "another"},
        {"aud": "another", "azp": "web"},
        {"iss": "https://elsewhere.example"},
        {"exp": 1},
    ],
)
def test_an_id_token_that_does_not_fit(
    browser: httpx2.Client, issuer: Issuer, claims: dict[str, object]
) -> None:
    issuer.claims = claims
    assert browser.get(code_for(browser)).status_code == 400
    assert "session" not in browser.cookies


def test_an_id_token_of_another_key(browser: httpx2.Client, issuer: Issuer) -> None:
    assert browser.get(code_for(browser)).status_code == 303
    browser.cookies.delete("session")
    issuer.key = Issuer("another").key
    # The same `kid`, so the key is not asked for anew.
    assert browser.get(code_for(browser)).status_code == 400


def test_sign_out(signed_in: httpx2.Client, program: str, issuer: Issuer) -> None:
    assert signed_in.post("/logout").status_code == 403
    for site in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert signed_in.post("/logout", headers=site).status_code == 403
    assert "Signed in as" in signed_in.get("/").text
    old = dict(signed_in.cookies)
    answer = signed_in.post("/logout", headers={"Origin": program})
    there = urlsplit(answer.headers["location"])
    assert f"{there.scheme}://{there.netloc}{there.path}" == f"{issuer.name}/logout"
    asked = parse_qs(there.query)
    assert asked["post_logout_redirect_uri"] == [f"{program}/"]
    assert asked["id_token_hint"][0].startswith("eyJ")
    assert "session" not in signed_in.cookies
    cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in old.items())}
    assert "Signed in as" not in httpx2.get(f"{program}/", headers=cookies).text
    again = signed_in.post("/logout", headers={"Origin": program})
    assert (again.status_code, again.headers["location"]) == (303, "/")


def test_it_starts_while_portcullis_is_away() -> None:
    (nobody, nowhere), (listener, port) = listening(), listening()
    issuer = f"http://127.0.0.1:{nowhere}/t/acme"
    app = create_app(Settings(issuer, port=port), Guard(AUDIENCE, issuer))
    expected = {"/": 200, "/login": 503, "/callback?code=a": 400, "/reports": 303}
    with nobody, served(app, listener):
        for path, status in (expected | {"/api/reports": 401, "/api/me": 401}).items():
            assert httpx2.get(f"http://127.0.0.1:{port}{path}").status_code == status, path
