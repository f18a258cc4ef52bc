"""How a request is refused (RFC 6750 section 3, RFC 9470 section 3)."""

from collections.abc import Sequence


class Refusal(Exception):
    """Why a request is refused, as its caller is told. Its text is the description."""

    status = 401
    """The status of the answer."""

    code: str | None = None
    """The registered code; who has shown nothing is told none (RFC 6750 section 3.1)."""

    description = ""

    def __init__(self) -> None:
        super().__init__(self.description)

    @property
    def challenge(self) -> str | None:
        """The `WWW-Authenticate` header; `None` where the answer has none."""
        if self.code is None:
            return "Bearer"
        parts = [f'error="{self.code}"', f'error_description="{self}"', *self._parameters()]
        return "Bearer " + ", ".join(parts)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer that are the refusal's own."""
        return {} if self.challenge is None else {"WWW-Authenticate": self.challenge}

    def _parameters(self) -> list[str]:
        return []


class NoToken(Refusal):
    """There was no bearer token: 401."""

    description = "a bearer token is needed"


class InvalidRequest(Refusal):
    """The request is malformed: two tokens, or an `Authorization` header twice. 400."""

    status = 400
    code = "invalid_request"
    description = "the request is malformed"


class InvalidToken(Refusal):
    """The token is no good: 401. One text for every cause."""

    code = "invalid_token"
    description = "the access token is invalid, expired or revoked"


class InsufficientScope(Refusal):
    """The token is good, and does not reach this far: 403."""

    status = 403
    code = "insufficient_scope"

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.description = f"the access token lacks scope {scope}"
        super().__init__()

    def _parameters(self) -> list[str]:
        return [f'scope="{self.scope}"']


class InsufficientUserAuthentication(Refusal):
    """The user is to authenticate anew, in another way or more recently: 401 (RFC 9470).

    `acr_values` are the ways that are wanted, the most welcome first; empty where any will do.
    `max_age` is how many seconds ago the authentication may be, at most.
    """

    code = "insufficient_user_authentication"
    description = "the user must authenticate again"

    def __init__(self, acr_values: Sequence[str], max_age: int | None) -> None:
        self.acr_values = tuple(acr_values)
        self.max_age = max_age
        super().__init__()

    def _parameters(self) -> list[str]:
        parts = [f'acr_values="{" ".join(self.acr_values)}"'] if self.acr_values else []
        return parts if self.max_age is None else [*parts, f"max_age={self.max_age}"]


class Unavailable(Refusal):
    """It cannot be said now whether the token is good: 503, come again."""

    status = 503
    description = "it cannot be said now whether the access token is good"

    @property
    def challenge(self) -> str | None:
        """None: the token is not at fault."""
        return None

    @property
    def headers(self) -> dict[str, str]:
        """When to come again, in seconds."""
        return {"Retry-After": "1"}
