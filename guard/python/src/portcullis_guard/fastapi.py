"""Dependencies for FastAPI: a route names what it needs.

```python
bearer = Bearer(guard)

@app.get("/reports")
async def reports(token: Annotated[Principal, Depends(bearer.requires("reports.read"))]) -> str:
    return f"the reports of {token.subject}"
```
"""

from collections.abc import Awaitable, Callable, Sequence

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, HTTPException, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.responses import JSONResponse
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from .guard import Guard
from .principal import Principal
from .refusal import Refusal

# Requests that wait for an issuer at once. They have threads of their own: while an issuer is slow,
# whoever makes up names must not take those of the API.
_WAITING = 16


class Bearer(SecurityBase):
    """A dependency that takes requests with a good token; a bearer scheme of HTTP to OpenAPI.

    What is decided without the issuer, as almost everything is, does not leave the event loop. A
    refusal is an `HTTPException` with its status and headers.
    """

    def __init__(self, guard: Guard, *, scheme_name: str = "Bearer") -> None:
        self.guard = guard
        self.model = HTTPBearer(bearerFormat="JWT")
        self.scheme_name = scheme_name
        self._waiting: CapacityLimiter | None = None

    async def __call__(self, request: HTTPConnection) -> Principal:
        """Whom a request speaks for."""
        values = request.headers.getlist("Authorization")
        try:
            principal = self.guard.verify_header_at_once(values)
            if principal is not None:
                return principal
            if self._waiting is None:
                self._waiting = CapacityLimiter(_WAITING)
            return await to_thread.run_sync(self.guard.verify_header, values, limiter=self._waiting)
        except Refusal as refusal:
            raise _exception(refusal) from None

    def requires(
        self, *scope: str, acr_values: Sequence[str] = (), max_age: int | None = None
    ) -> Callable[..., Awaitable[Principal]]:
        """A dependency that takes tokens of this scope, all of it.

        With `acr_values` or `max_age`, in seconds, the user must have authenticated in one of these
        ways, and no longer ago than that (RFC 9470).
        """

        async def authorized(principal: Principal = Depends(self)) -> Principal:  # noqa: B008
            try:
                principal.require(*scope)
                principal.require_authentication(acr_values, max_age)
            except Refusal as refusal:
                raise _exception(refusal) from None
            return principal

        return authorized


async def answer(_request: Request, refusal: Exception) -> JSONResponse:
    """Answers a `Refusal` that a route itself raises: `app.add_exception_handler(Refusal, answer)`.

    Those of `Bearer` need it not.
    """
    if not isinstance(refusal, Refusal):
        raise refusal
    return JSONResponse({"detail": str(refusal)}, refusal.status, refusal.headers)


def _exception(refusal: Refusal) -> HTTPException:
    return HTTPException(refusal.status, str(refusal), refusal.headers)
