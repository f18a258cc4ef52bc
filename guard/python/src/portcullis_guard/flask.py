"""A decorator for Flask: a view names what it needs, and finds whom it serves in `g.principal`.

```python
bearer = Bearer(guard)

@app.get("/reports")
@bearer.requires("reports.read")
def reports() -> str:
    return f"the reports of {g.principal.subject}"
```
"""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import current_app, g, request
from werkzeug.exceptions import HTTPException

from .guard import Guard
from .header import taken_apart
from .refusal import Refusal

P = ParamSpec("P")
R = TypeVar("R")


class Refused(HTTPException):
    """A refusal, as error handlers of Flask have it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.code = refusal.status
        self.refusal = refusal

    def get_headers(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        """The headers of the answer, with those of the refusal."""
        return [*super().get_headers(*args, **kwargs), *self.refusal.headers.items()]


class Bearer:
    """Makes views take requests with a good token."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard

    def requires(
        self, *scope: str, acr_values: Sequence[str] = (), max_age: int | None = None
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """A decorator of views that take tokens of this scope, all of it.

        With `acr_values` or `max_age`, in seconds, the user must have authenticated in one of these
        ways, and no longer ago than that (RFC 9470). A `Refusal` that the view raises is answered
        alike.
        """

        def guarded(view: Callable[P, R]) -> Callable[P, R]:
            @wraps(view)
            def answered(*args: P.args, **kwargs: P.kwargs) -> R:
                try:
                    g.principal = self.guard.verify_header(_authorization())
                    g.principal.require(*scope)
                    g.principal.require_authentication(acr_values, max_age)
                    answer: R = current_app.ensure_sync(view)(*args, **kwargs)
                    return answer
                except Refusal as refusal:
                    raise Refused(refusal) from None

            return answered

        return guarded


def _authorization() -> Iterable[str]:
    value = request.environ.get("HTTP_AUTHORIZATION")
    return [] if value is None else taken_apart(value)
