"""Portcullis, as a client sees it: A and B of RFC 6749's picture, and the refresh (G, H)."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from authlib.integrations.starlette_client import OAuth, OAuthError
from joserfc.errors import JoseError

from problems import Away, Ended, Refused
from renewal import Pair
from settings import Settings

_logger = logging.getLogger("example")

SCOPE = "openid profile email offline_access reports.read"

# Seconds for an answer. A refresh and its retry must fit into Portcullis's grace of ten.
_WITHIN = 4


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that has begun. It stays here: what comes back must fit it."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who came back."""

    name: str
    id_token: str = field(repr=False)
    pair: Pair


class Provider:
    """The tenant at Portcullis; it is first asked when somebody signs in."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = OAuth().register(
            "portcullis",
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            server_metadata_url=f"{settings.issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": SCOPE,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": "client_secret_basic",
                # Made once: to read the machine's certificates would hold up the event loop.
                "verify": httpx2.create_ssl_context(),
            },
        )

    async def begin(self) -> tuple[str, Pending]:
        """A: where the browser is to go, and what is to be kept until it comes back.

        Raises `Away`.
        """
        async with _answered():
            begun = await self._client.create_authorization_url(self._redirect_uri)
        pending = Pending(begun["state"], begun["nonce"], begun["code_verifier"])
        return begun["url"], pending

    async def finish(self, pending: Pending, back: Mapping[str, str]) -> SignedIn:
        """B: exchanges the code that came back for this sign-in, whose `state` it bears.

        Raises `Refused` and `Away`.
        """
        # RFC 9207: an answer of another server is not to be taken to this one.
        if back.get("iss") != self._settings.issuer:
            raise Refused("This answer comes from somewhere else.")
        if back.get("error") == "access_denied":
            raise Refused("You did not allow it.")
        if "error" in back or not back.get("code"):
            raise Refused("Portcullis refused the sign-in.")
        try:
            async with _answered():
                answer = await self._client.fetch_access_token(
                    self._redirect_uri, code=back["code"], code_verifier=pending.verifier
                )
                claims = await self._claims(answer, pending.nonce)
                name = claims.get("name") or claims["sub"]
                return SignedIn(name, answer["id_token"], _pair(answer))
        except OAuthError as why:
            _logger.warning("a code was refused: %s", why.error)
            raise Refused("The code is used up or too old.") from None
        except JoseError as why:
            _logger.warning("an ID token was refused: %s", why.error)
            raise Refused("The ID token is not for this sign-in.") from None

    async def _claims(self, answer: Any, nonce: str) -> Mapping[str, str]:
        # By itself Authlib takes the issuer that the metadata names, and any audience.
        wanted = {
            "iss": {"essential": True, "value": self._settings.issuer},
            "aud": {"essential": True, "value": self._settings.client_id},
        }
        claims: Mapping[str, str] | None = await self._client.parse_id_token(answer, nonce, wanted)
        if claims is None:
            raise Refused("There is no ID token.")
        return claims

    async def refresh(self, pair: Pair) -> Pair:
        """G and H: a new pair for a refresh token (RFC 6749 section 6); raises `Ended` and `Away`.

        Asked twice where the answer is lost: within its grace the server answers the same again.
        """
        try:
            return await self._refresh_once(pair)
        except Away:
            return await self._refresh_once(pair)

    async def _refresh_once(self, pair: Pair) -> Pair:
        if pair.refresh is None:
            raise Ended
        try:
            async with _answered():
                # No scope: what was granted stays, which may be less than what is asked for above.
                answer = await self._client.fetch_access_token(
                    grant_type="refresh_token", refresh_token=pair.refresh, scope=None
                )
                return _pair(answer, pair.refresh)
        except OAuthError as why:
            if why.error == "invalid_grant":
                raise Ended from None
            # A fault of this client's settings, which no sign-in mends.
            _logger.warning("a refresh was refused: %s", why.error)
            raise Away from None

    async def sign_out(self, id_token: str) -> str:
        """Where the browser is to go to be signed out of Portcullis too (RP-Initiated Logout).

        Raises `Away`.
        """
        async with _answered():
            there = await self._client.create_logout_url(f"{self._settings.base}/", id_token)
        url: str = there["url"]
        return url

    @property
    def _redirect_uri(self) -> str:
        return f"{self._settings.base}/callback"


@asynccontextmanager
async def _answered() -> AsyncIterator[None]:
    """Raises `Away` for what is not answered in time, or not so that it can be read."""
    try:
        async with asyncio.timeout(_WITHIN):
            yield
    except (httpx2.HTTPError, TimeoutError, ValueError) as why:
        # Its kind alone: its text could have in it what was sent.
        _logger.warning("Portcullis does not answer: %s", type(why).__name__)
        raise Away from None


def _pair(answer: Mapping[str, Any], refresh: str | None = None) -> Pair:
    """The pair of an answer; the refresh token stays where it brings none (RFC 6749 section 6)."""
    if not isinstance(answer.get("access_token"), str):
        raise ValueError("there is no access token")
    return Pair(answer["access_token"], answer.get("refresh_token", refresh))
