"""What does not change of a token while its key is the issuer's: its form, signature and claims."""

import base64
import binascii
import logging
import re
from dataclasses import dataclass

from .claims import Claims
from .clock import Clock
from .issuer import Issuer
from .issuers import Issuers
from .key import Key
from .keys import Away, Unknown
from .principal import Principal
from .refusal import InvalidToken, Unavailable
from .typed import Malformed, Members, members, needed, text

_logger = logging.getLogger("portcullis_guard")

# No token is longer, in characters.
_LONGEST = 16 * 1024

_JWT = re.compile(r"([\w-]+)\.([\w-]+)\.[\w-]+", re.ASCII)


@dataclass(frozen=True)
class Rules:
    """What a guard wants of every token."""

    audience: str
    takes_bound: bool
    clock: Clock


@dataclass(frozen=True, slots=True, eq=False)
class Verified:
    """A token that was verified, and by what."""

    principal: Principal
    claims: Claims
    issuer: Issuer
    key: Key

    @property
    def has_its_key(self) -> bool:
        """Whether the very key that has verified it is still the issuer's."""
        return self.issuer.keys.has(self.key)


def verified(token: str, rules: Rules, issuers: Issuers, *, may_wait: bool) -> Verified:
    """Verifies a token, but for the time and its end.

    Raises `InvalidToken` and `Unavailable`; and `WouldWait`, unless the caller may wait for the
    issuer.
    """
    try:
        return _verified(token, rules, issuers, may_wait=may_wait)
    except Malformed as why:
        raise refused(str(why)) from None
    except Unknown:
        raise refused("another issuer, or a key that it does not have") from None
    except Away:
        raise unavailable("the keys of its issuer cannot be had") from None


def _verified(token: str, rules: Rules, issuers: Issuers, *, may_wait: bool) -> Verified:
    header, told = _parts(token)
    # Nothing is understood that a header could call critical (RFC 7515 section 4.1.11).
    if "crit" in header:
        raise Malformed("something in its header is critical")
    # An ID token is a JWT of the same issuer and key (RFC 9068 section 4).
    typ = needed(text, header, "typ").lower()
    if typ.removeprefix("application/") != "at+jwt":
        raise Malformed("no access token by its typ")
    issuer = issuers.find(needed(text, told, "iss"), may_wait=may_wait)
    key = issuer.keys.find(text(header, "kid"), may_wait=may_wait)
    if not key.has_signed(token):
        raise Malformed("its signature is wrong, or of another algorithm than its key's")
    claims = Claims.of(told)
    if rules.audience not in claims.aud:
        raise Malformed("for another audience")
    if claims.is_bound and not rules.takes_bound:
        raise Malformed("bound to a key that is not looked for")
    return Verified(claims.principal(issuer.tenant, rules.clock), claims, issuer, key)


def _parts(token: str) -> tuple[Members, Members]:
    """The header and the claims of a token, both unverified."""
    # PyJWT lets pass what is no base64url, such as padding.
    parts = _JWT.fullmatch(token) if len(token) <= _LONGEST else None
    if parts is None:
        raise Malformed("no JWT, or too long")
    try:
        header, told = (
            base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts.groups()
        )
    except binascii.Error:
        raise Malformed("no base64url") from None
    return members(header), members(told)


def refused(why: str) -> InvalidToken:
    """A refusal that tells nobody but the log why."""
    _logger.debug("an access token is refused: %s", why)
    return InvalidToken()


def unavailable(why: str) -> Unavailable:
    """A refusal: who is away is warned of where it is asked, not at each request."""
    _logger.debug("it cannot be said whether an access token is good: %s", why)
    return Unavailable()
