"""The API: C to F of RFC 6749's picture. The guard takes its tokens, and hears what was ended."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse
from portcullis_guard import Feed, Guard, Principal
from portcullis_guard.fastapi import Bearer

from settings import Settings


def guard(settings: Settings) -> Guard:
    """The guard; raises `ValueError` where the issuer is no address of https, nor one of here."""
    feed = Feed(settings.api_client_id, settings.api_client_secret)
    return Guard(settings.audience, settings.issuer, feed=feed)


def routes(guard: Guard) -> APIRouter:
    """Its routes."""
    bearer, api = Bearer(guard), APIRouter(prefix="/api")
    read_reports = bearer.requires("reports.read")

    @api.get("/reports", response_class=PlainTextResponse)
    async def reports(token: Annotated[Principal, Depends(read_reports)]) -> str:
        return f"the reports of {token.subject}"

    @api.get("/me")
    async def me(token: Annotated[Principal, Depends(bearer)]) -> dict[str, str]:
        return {"sub": token.subject, "scope": " ".join(sorted(token.scope))}

    return api
