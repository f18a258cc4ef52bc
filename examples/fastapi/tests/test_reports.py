"""The client, its API and an issuer, over HTTP: C to H."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from support import Issuer


@pytest.fixture
def expired(issuer: Issuer, browser: httpx2.Client) -> httpx2.Client:
    """A browser in which somebody has signed in whose access token is over; the next are good."""
    issuer.is_expired = True
    assert browser.get("/login", follow_redirects=True).status_code == 200
    issuer.is_expired = False
    return browser


def test_a_good_token_is_used_as_it_is(signed_in: httpx2.Client, issuer: Issuer) -> None:
    page = signed_in.get("/reports")
    assert (page.status_code, "the reports of u-1" in page.text) == (200, True)
    assert issuer.asked == []


def test_twenty_at_once_refresh_once(expired: httpx2.Client, issuer: Issuer) -> None:
    with ThreadPoolExecutor(20) as threads:
        pages = list(threads.map(lambda _: expired.get("/reports"), range(20)))
    assert [page.status_code for page in pages] == [200] * 20
    assert issuer.asked == ["refresh 1"]
    # What was granted stays: nothing more is asked for.
    assert "scope" not in issuer.sent[-1]


def test_a_new_token_that_is_refused_ends_the_session(
    expired: httpx2.Client, issuer: Issuer
) -> None:
    issuer.is_expired = True
    assert expired.get("/reports").headers["location"] == "/login"
    assert issuer.asked == ["refresh 1"]


def test_two_rotations_follow_each_other(
    expired: httpx2.Client, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert expired.get("/reports").status_code == 200
    monkeypatch.setattr("time.time", lambda: 4_000_000_000.0)
    assert expired.get("/reports").status_code == 200
    assert issuer.asked == ["refresh 1", "refresh 2"]


@pytest.mark.parametrize("how", ["503", "cut"])
def test_a_lost_answer_is_asked_for_once_more(
    expired: httpx2.Client, issuer: Issuer, how: str
) -> None:
    issuer.losing = [how]
    assert expired.get("/reports").status_code == 200
    assert issuer.asked == ["refresh 1", "refresh 1"]


def test_nothing_is_tried_for_ever(expired: httpx2.Client, issuer: Issuer) -> None:
    issuer.losing = ["503"] * 9
    assert expired.get("/reports").status_code == 503
    assert issuer.asked == ["refresh 1"] * 2
    # The session stays, and is good once Portcullis is there.
    issuer.losing = []
    assert expired.get("/reports").status_code == 200


def test_a_refused_refresh_leaves_sign_in(expired: httpx2.Client, issuer: Issuer) -> None:
    issuer.refused = "invalid_grant"
    answer = expired.get("/reports")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert issuer.asked == ["refresh 1"]
    assert "Sign in" in expired.get("/").text


def test_a_fault_of_the_client_ends_no_session(expired: httpx2.Client, issuer: Issuer) -> None:
    issuer.refused = "invalid_client"
    assert expired.get("/reports").status_code == 503
    assert "Signed in as" in expired.get("/").text


def test_what_is_not_allowed_is_said(issuer: Issuer, browser: httpx2.Client) -> None:
    issuer.scope = "openid offline_access"
    browser.get("/login", follow_redirects=True)
    page = browser.get("/reports")
    assert (page.status_code, "not open to you" in page.text) == (403, True)
    assert issuer.asked == []
