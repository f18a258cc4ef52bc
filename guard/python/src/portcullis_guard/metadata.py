"""What an issuer says of itself (RFC 8414, OpenID Connect Discovery 1.0)."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from .network import Answered, Network, NotHad
from .typed import Malformed, Members, members, needed, text

_GONE = (404, 410)
_MAX_AGE = re.compile(r'max-age="?([0-9]+)"?')


class NoSuchIssuer(NotHad):
    """There is no such issuer, or it is another's: asking again would bring nothing else."""


@dataclass(frozen=True)
class Metadata:
    """An issuer's metadata, as far as a guard needs it: addresses."""

    jwks_uri: str
    token_endpoint: str | None
    introspection_endpoint: str | None


@dataclass(frozen=True)
class Fetched:
    """A document, and for how many seconds it may be held, where that is said."""

    value: Members
    held_for: int | None


def fetch(network: Network, address: str) -> Fetched:
    """Reads a document of JSON; raises `NotHad`."""
    answer = network.ask("GET", address)
    try:
        value = members(answer.body)
    except Malformed as why:
        raise NotHad(f"the answer is not what it should be: {why}") from None
    return Fetched(value, max_age(answer.headers.get("Cache-Control", "")))


def metadata_of(network: Network, issuer: str) -> Metadata:
    """Reads the metadata of an issuer; raises `NotHad`, and `NoSuchIssuer` where there is none."""
    openid, oauth = addresses(issuer)
    try:
        told = fetch(network, openid).value
    except Answered as first:
        if first.status < 400:
            raise
        try:
            told = fetch(network, oauth).value
        except Answered as second:
            if first.status in _GONE and second.status in _GONE:
                raise NoSuchIssuer("there is no such issuer") from None
            raise
    return _checked(issuer, told)


def _checked(issuer: str, told: Members) -> Metadata:
    try:
        # RFC 8414 section 3.3: whoever answers for another issuer must not be believed.
        if needed(text, told, "issuer") != issuer:
            raise NoSuchIssuer("the metadata is of another issuer")
        found = Metadata(
            needed(text, told, "jwks_uri"),
            text(told, "token_endpoint"),
            text(told, "introspection_endpoint"),
        )
        named = (found.jwks_uri, found.token_endpoint, found.introspection_endpoint)
        schemes = {urlsplit(address).scheme for address in named if address is not None}
    except ValueError as why:
        raise NotHad(f"the metadata is not what it should be: {why}") from None
    if urlsplit(issuer).scheme == "https" and schemes != {"https"}:
        raise NotHad("the metadata names an address that is not https, which the issuer's own is")
    return found


def addresses(issuer: str) -> tuple[str, str]:
    """Where metadata may be: OpenID Connect's address, and RFC 8414's, which puts the path last."""
    base = issuer.rstrip("/")
    parts = urlsplit(base)
    origin = f"{parts.scheme}://{parts.netloc}"
    return (
        f"{base}/.well-known/openid-configuration",
        f"{origin}/.well-known/oauth-authorization-server{parts.path}",
    )


def max_age(line: str) -> int | None:
    """How long `Cache-Control` lets an answer be held, in seconds (RFC 9111 section 5.2.2).

    Zero where it may not be, and `None` where nothing is said.
    """
    for part in line.lower().split(","):
        if part.strip() in ("no-store", "no-cache"):
            return 0
        if found := _MAX_AGE.fullmatch(part.strip()):
            return int(found[1][:10])
    return None
