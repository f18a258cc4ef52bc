"""The token of a request (RFC 6750 section 2.1)."""

import re
from collections.abc import Iterable

from .refusal import InvalidRequest, NoToken

_PARAMETER = re.compile(r"\s*[!#$%&'*+.^`|~\w-]+\s*=")


def token_of(values: Iterable[str]) -> str:
    """The bearer token of a request with these `Authorization` headers.

    Raises `NoToken` and `InvalidRequest`.
    """
    values = [values] if isinstance(values, str) else list(values)
    if len(values) > 1:
        raise InvalidRequest
    scheme, *tokens = "".join(values).split() or [""]
    if scheme.lower() != "bearer" or not tokens:
        raise NoToken
    if len(tokens) > 1:
        raise InvalidRequest
    return tokens[0]


def taken_apart(value: str) -> list[str]:
    """The headers that a server of WSGI has joined with commas.

    There is no comma within a bearer token; between the parameters of another scheme, such as
    Digest, there may be some, and that is one header.
    """
    first, *others = value.split(",")
    found = [first]
    for part in others:
        if _PARAMETER.match(part):
            found[-1] += "," + part
        else:
            found.append(part)
    return found
