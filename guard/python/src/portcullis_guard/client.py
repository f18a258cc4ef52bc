"""What a guard asks an issuer as a client of it (RFC 6749, RFC 7662)."""

from urllib.parse import quote_plus

from .feed import Feed
from .issuer import Issuer
from .network import Answered, NotHad
from .typed import Malformed, Members, members, needed, text


def token_for_feed(issuer: Issuer, feed: Feed) -> str:
    """The client's own token, for the feed of endings; raises `NotHad`."""
    metadata = issuer.keys.metadata()
    form = {"grant_type": "client_credentials", "scope": "revocations"}
    told = _posted(issuer, feed, metadata.token_endpoint if metadata else None, form)
    try:
        return needed(text, told, "access_token")
    except Malformed as why:
        raise NotHad(f"the answer is not what it should be: {why}") from None


def counts(issuer: Issuer, feed: Feed, token: str) -> bool:
    """Whether the issuer says of a token that it counts; raises `NotHad`."""
    metadata = issuer.keys.metadata()
    endpoint = metadata.introspection_endpoint if metadata else None
    active = _posted(issuer, feed, endpoint, {"token": token}).get("active")
    if not isinstance(active, bool):
        raise NotHad("the answer does not say whether the token is active")
    return active


def _posted(issuer: Issuer, feed: Feed, endpoint: str | None, form: dict[str, str]) -> Members:
    if endpoint is None:
        raise NotHad("the issuer's metadata cannot be had, or lacks an endpoint that is needed")
    # Both halves are encoded before they are joined (RFC 6749 section 2.3.1).
    client = (quote_plus(feed.client_id), quote_plus(feed.client_secret))
    try:
        return members(issuer.network.ask("POST", endpoint, auth=client, data=form).body)
    # What its status says is of this endpoint, and not of the feed.
    except Answered as why:
        raise NotHad(f"{why} at {endpoint}") from None
    except Malformed as why:
        raise NotHad(f"the answer is not what it should be: {why}") from None
