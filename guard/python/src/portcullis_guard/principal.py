"""Whom a good token speaks for."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .clock import Clock, SystemClock
from .refusal import InsufficientScope, InsufficientUserAuthentication


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """What a good access token says (RFC 9068 section 2.2)."""

    issuer: str
    """Who issued the token."""

    subject: str
    """The user, or the client where no user took part. It is unique at its issuer alone."""

    expires_at: int
    """When the token expires, in seconds since the Unix epoch."""

    tenant: str | None = None
    """The part of the issuer's name that stands for `{tenant}` in the guard's pattern."""

    client_id: str | None = None
    """The client that the token was issued to."""

    session: str | None = None
    """The session in which a user took part."""

    token_id: str | None = None
    """The token's own identifier."""

    scope: frozenset[str] = frozenset()
    """The scope tokens."""

    authenticated_at: int | None = None
    """When the user last proved who they are, in seconds since the Unix epoch."""

    acr: str | None = None
    """How well they did."""

    amr: tuple[str, ...] = ()
    """By what (RFC 8176)."""

    told: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """All claims, shared by every request of this token: read `claims` instead."""

    clock: Clock = field(default_factory=SystemClock, repr=False, compare=False)
    """The clock of the guard."""

    @property
    def is_client(self) -> bool:
        """Whether the token is a client's own: no user took part."""
        return self.subject == self.client_id

    @property
    def claims(self) -> dict[str, Any]:
        """All claims, as a copy that the caller may change."""
        return copy.deepcopy(dict(self.told))

    @property
    def confirmation(self) -> dict[str, Any] | None:
        """What the token is bound to (RFC 7800).

        A guard refuses bound tokens, unless it was made with `bound_tokens="caller-checks"`: then
        the API must check this.
        """
        return copy.deepcopy(self.told.get("cnf"))

    def has_scope(self, token: str) -> bool:
        """Whether the scope holds a token."""
        return token in self.scope

    def require(self, *scope: str) -> None:
        """Raises `InsufficientScope`, with all of these, unless the scope holds all of them."""
        if not self.scope.issuperset(scope):
            raise InsufficientScope(" ".join(scope))

    def require_authentication(
        self, acr_values: Sequence[str] = (), max_age: int | None = None
    ) -> None:
        """Raises `InsufficientUserAuthentication`, with what is wanted (RFC 9470).

        It does unless the user authenticated in one of these ways, or in any where none is named,
        and no longer ago than `max_age` seconds.
        """
        if isinstance(acr_values, str):
            # A text holds parts of itself, and a way is none of another.
            acr_values = (acr_values,)
        is_way = not acr_values or self.acr in acr_values
        is_recent = max_age is None or (
            self.authenticated_at is not None
            and self.clock.now() <= self.authenticated_at + max_age
        )
        if not (is_way and is_recent):
            raise InsufficientUserAuthentication(acr_values, max_age)
