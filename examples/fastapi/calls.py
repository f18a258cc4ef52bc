"""Calling the API for somebody who is signed in: C to H of RFC 6749's picture."""

import httpx2

from problems import Away, Ended, Forbidden
from provider import Provider
from renewal import Renewed


async def get(address: str, tokens: Renewed, provider: Provider, http: httpx2.AsyncClient) -> str:
    """Asks the API; where it refuses the token, once more with a new one.

    Raises `Ended`, `Forbidden` and `Away`.
    """
    access = tokens.access
    answer = await _ask(address, access, http)
    if answer.status_code == 401:
        renewed = await tokens.instead_of(access, provider.refresh)
        answer = await _ask(address, renewed, http)
    match answer.status_code:
        case 200:
            return answer.text
        case 401:
            # A token that is as new as can be: it is the session that is not good.
            raise Ended
        case 403:
            raise Forbidden("These reports are not open to you.")
        case _:
            raise Away


async def _ask(address: str, access: str, http: httpx2.AsyncClient) -> httpx2.Response:
    try:
        return await http.get(address, headers={"Authorization": f"Bearer {access}"})
    except httpx2.HTTPError:
        raise Away from None
