"""One issuer, as a guard knows it."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from .endings import Endings
from .keys import Keys
from .network import Network

TENANT = "{tenant}"
"""What stands for a tenant in a pattern."""

_LOCAL = ("127.0.0.1", "localhost", "::1")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}")


@dataclass(frozen=True, eq=False)
class Issuer:
    """An issuer whose tokens are taken."""

    name: str
    tenant: str | None
    keys: Keys
    endings: Endings
    network: Network

    def address(self, path: str) -> str:
        """The address of what it has at this path."""
        return self.name.rstrip("/") + path


class Pattern:
    """The names of issuers that differ in their tenant alone, such as `https://id.example/t/{tenant}`."""

    def __init__(self, pattern: str) -> None:
        self._before, self._after = pattern.split(TENANT)

    def tenant_in(self, name: str) -> str | None:
        """The tenant of an issuer: one segment of a path or one label of a host."""
        if not (name.startswith(self._before) and name.endswith(self._after)):
            return None
        tenant = name[len(self._before) : len(name) - len(self._after)]
        return tenant if _NAME.fullmatch(tenant) else None


def check(name: str) -> None:
    """Raises `ValueError` unless an issuer of this name, or pattern, can be asked.

    Nobody in between may answer for it: its address is one of https, or of this very machine.
    """
    if name.count(TENANT) > 1:
        raise ValueError(f"{name} is no pattern of issuers: it needs one {TENANT}")
    parts = urlsplit(name.replace(TENANT, "tenant"))
    is_closed = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
    if not is_closed or not parts.hostname or "@" in parts.netloc:
        raise ValueError(f"{name} is no address of https")
    # RFC 8414 section 2.
    if "?" in name or "#" in name:
        raise ValueError(f"{name} is no name of an issuer: it has a query or a fragment")
