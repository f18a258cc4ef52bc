"""What an access token says, each claim of its type (RFC 9068 section 2.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .clock import Clock
from .principal import Principal
from .typed import Malformed, Members, integer, needed, number, text, texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The claims of a token that a guard goes by."""

    iss: str
    sub: str
    aud: tuple[str, ...]
    exp: float
    nbf: float | None
    client_id: str | None
    jti: str | None
    scope: frozenset[str]
    sid: str | None
    gid: str | None
    rev: int
    auth_time: float | None
    acr: str | None
    amr: tuple[str, ...]
    is_bound: bool
    all: Mapping[str, Any]

    @classmethod
    def of(cls, told: Members) -> "Claims":
        """The claims that a token tells; raises `Malformed` where one is of another type."""
        if "cnf" in told and not isinstance(told["cnf"], dict):
            raise Malformed("cnf is no object")
        return cls(
            iss=needed(text, told, "iss"),
            sub=needed(text, told, "sub"),
            aud=_audience(told),
            exp=needed(number, told, "exp"),
            nbf=number(told, "nbf"),
            client_id=text(told, "client_id"),
            jti=text(told, "jti"),
            scope=frozenset((text(told, "scope") or "").split(" ")) - {""},
            sid=text(told, "sid"),
            gid=text(told, "gid"),
            rev=integer(told, "rev") or 0,
            auth_time=number(told, "auth_time"),
            acr=text(told, "acr"),
            amr=texts(told, "amr"),
            is_bound="cnf" in told,
            all=told,
        )

    def principal(self, tenant: str | None, clock: Clock) -> Principal:
        """Whom they speak for."""
        return Principal(
            issuer=self.iss,
            tenant=tenant,
            subject=self.sub,
            client_id=self.client_id,
            session=self.sid,
            token_id=self.jti,
            expires_at=int(self.exp),
            scope=self.scope,
            authenticated_at=None if self.auth_time is None else int(self.auth_time),
            acr=self.acr,
            amr=self.amr,
            told=self.all,
            clock=clock,
        )


def _audience(told: Members) -> tuple[str, ...]:
    if isinstance(told.get("aud"), list):
        return texts(told, "aud")
    return (needed(text, told, "aud"),)
