"""An application and its API behind Portcullis, with FastAPI: RFC 6749's picture from A to H.

Here is the client: what a browser sees. Tokens stay here; the browser has a cookie that names its
session.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import httpx2
import uvicorn
from fastapi import APIRouter, Cookie, Depends, FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from portcullis_guard import Guard

import api
import calls
from pages import Pages
from problems import Away, Ended, Forbidden, Problem, Refused
from provider import Provider
from renewal import Renewed
from sessions import Session, Sessions
from settings import Settings

SESSION, BROWSER = "session", "sign-in"
SessionCookie = Annotated[str, Cookie(alias=SESSION)]
BrowserCookie = Annotated[str, Cookie(alias=BROWSER)]


@dataclass(frozen=True, slots=True)
class Client:
    """What all requests share."""

    base: str
    pages: Pages
    provider: Provider
    sessions: Sessions
    http: httpx2.AsyncClient


async def _client(request: Request) -> Client:
    client: Client = request.app.state.client
    return client


Here = Annotated[Client, Depends(_client)]
routes = APIRouter()


@routes.get("/")
async def home(client: Here, session: SessionCookie = "") -> Response:
    """The first page."""
    found = client.sessions.find(session)
    return client.pages.show("home.html", name=found.name if found else None)


@routes.get("/login")
async def login(client: Here, browser: BrowserCookie = "") -> Response:
    """A: begins a sign-in."""
    there, pending = await client.provider.begin()
    return _with_cookie(client, there, BROWSER, client.sessions.begin(browser, pending))


@routes.get("/callback")
async def callback(
    request: Request, client: Here, browser: BrowserCookie = "", session: SessionCookie = ""
) -> Response:
    """B: somebody comes back."""
    back = request.query_params
    pending = client.sessions.take(browser, back.get("state", ""))
    if pending is None:
        raise Refused("No sign-in was begun in this browser, or it is over.")
    came = await client.provider.finish(pending, back)
    # A new cookie: nobody who knew the one before is signed in by this.
    client.sessions.forget(session)
    kept = client.sessions.keep(Session(came.name, came.id_token, Renewed(came.pair)))
    return _with_cookie(client, "/", SESSION, kept)


@routes.get("/reports")
async def reports(client: Here, session: SessionCookie = "") -> Response:
    """C to H: what the API answers."""
    found = client.sessions.find(session)
    if found is None:
        return RedirectResponse("/login", 303)
    address = f"{client.base}/api/reports"
    try:
        text = await calls.get(address, found.tokens, client.provider, client.http)
    except Ended:
        client.sessions.forget(session)
        return RedirectResponse("/login", 303)
    return client.pages.show("reports.html", text=text)


@routes.post("/logout")
async def logout(request: Request, client: Here, session: SessionCookie = "") -> Response:
    """Signs out, here and at Portcullis."""
    # A form of another site is not the user's own wish. Older browsers say Origin alone.
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if origin != client.base and (origin is not None or site != "same-origin"):
        raise Forbidden("This came from another site. Sign out by the button of this one.")
    found, there = client.sessions.forget(session), "/"
    if found is not None:
        try:
            there = await client.provider.sign_out(found.id_token)
        except Away:
            # Here they are signed out all the same.
            there = "/"
    response = RedirectResponse(there, 303)
    response.delete_cookie(SESSION, httponly=True, samesite="lax")
    return response


def _with_cookie(client: Client, to: str, name: str, value: str) -> Response:
    response = RedirectResponse(to, 303)
    is_secure = client.base.startswith("https:")
    response.set_cookie(name, value, httponly=True, samesite="lax", secure=is_secure)
    return response


async def _show(request: Request, problem: Exception) -> Response:
    if not isinstance(problem, Problem):
        raise problem
    pages = (await _client(request)).pages
    return pages.show("problem.html", problem.status, title=problem.title, text=problem.text)


def create_app(settings: Settings, guard: Guard) -> FastAPI:
    """The client and the API, in one program."""

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        provider, pages = Provider(settings), Pages(settings.issuer)
        async with httpx2.AsyncClient() as http:
            app.state.client = Client(settings.base, pages, provider, Sessions(), http)
            yield
        guard.close()

    # Without the pages that describe an API: their scripts come from elsewhere.
    app = FastAPI(lifespan=running, openapi_url=None)
    app.add_exception_handler(Problem, _show)
    app.include_router(routes)
    app.include_router(api.routes(guard))
    return app


def main() -> None:
    """Serves until it is told to end."""
    try:
        settings = Settings.read()
        app = create_app(settings, api.guard(settings))
    except ValueError as why:
        sys.exit(f"It cannot start: {why}")
    # The log of requests would have codes in it, which come in an address.
    uvicorn.run(
        app, host=settings.host, port=settings.port, access_log=False, timeout_graceful_shutdown=5
    )


if __name__ == "__main__":
    main()
