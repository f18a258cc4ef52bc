from collections.abc import Iterator

import httpx2
import pytest
from portcullis_guard import Guard

from app import create_app
from settings import Settings
from support import AUDIENCE, Issuer, listening, served


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    listener, port = listening()
    issuer = Issuer(f"http://127.0.0.1:{port}/t/acme")
    with served(issuer.app, listener):
        yield issuer


@pytest.fixture
def program(issuer: Issuer) -> Iterator[str]:
    """The program itself. It follows no feed: what a guard hears is tested where guards are."""
    listener, port = listening()
    settings = Settings(issuer.name, AUDIENCE, client_secret="secret", port=port)
    with served(create_app(settings, Guard(AUDIENCE, issuer.name)), listener):
        yield settings.base


@pytest.fixture
def browser(program: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=program, timeout=30) as browser:
        yield browser


@pytest.fixture
def signed_in(browser: httpx2.Client) -> httpx2.Client:
    """A browser in which somebody has signed in."""
    page = browser.get("/login", follow_redirects=True)
    assert page.status_code == 200, page.text
    return browser
