"""Checks access tokens at a resource server (RFC 9068), and hears of those that were ended.

```python
from portcullis_guard import Feed, Guard

feed = Feed("api", "its secret")
guard = Guard("https://api.acme.example", "https://id.example/t/acme", feed=feed)

principal = guard.verify("eyJ…")
principal.require("reports.read")
```

`portcullis_guard.fastapi` and `portcullis_guard.flask` guard the routes of these frameworks.

**What is checked**: `typ`, the algorithm (by the key and by nothing in the token), the signature,
`iss` against those that are allowed, `aud`, `exp` and `nbf`; then whether the token was ended. Keys
come from the issuer's metadata. They are held for as long as its answers say and fetched ahead of
that, one fetch at a time; a `kid` that is not known asks again once a minute at most; while the
issuer is away the last keys stay.

**Endings**: a `Feed` follows the issuer's endings (Portcullis has such a feed): a forced logout
reaches the guard within a second, without a question for each request. Where the guard has not
heard from the issuer for longer than its bound, it does what its author has chosen (`WhenBehind`).
Without a feed any issuer of RFC 9068 will do, and tokens are good until they expire.

**Refusals**: a `Refusal` knows its status and its headers (RFC 6750 section 3, RFC 9470). Why a
token was refused is logged at level `debug` by the logger `portcullis_guard`, and never told to the
caller.
"""

from .clock import Clock, SystemClock
from .endings import WhenBehind
from .feed import Feed
from .guard import Figures, Guard
from .principal import Principal
from .refusal import (
    InsufficientScope,
    InsufficientUserAuthentication,
    InvalidRequest,
    InvalidToken,
    NoToken,
    Refusal,
    Unavailable,
)

__all__ = [
    "Clock",
    "Feed",
    "Figures",
    "Guard",
    "InsufficientScope",
    "InsufficientUserAuthentication",
    "InvalidRequest",
    "InvalidToken",
    "NoToken",
    "Principal",
    "Refusal",
    "SystemClock",
    "Unavailable",
    "WhenBehind",
]
