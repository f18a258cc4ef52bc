"""What the environment tells; the defaults are what `portcullis serve --demo` has."""

import os
from dataclasses import dataclass, field, fields


@dataclass(frozen=True, slots=True)
class Settings:
    """Where everything is, and as whom this program comes."""

    issuer: str = "http://127.0.0.1:8000/t/acme"
    """The tenant's issuer."""

    audience: str = "https://api.acme.example"
    """The API's own name, which tokens bear as `aud`."""

    client_id: str = "web"
    """The client that people sign in by."""

    client_secret: str = field(default="demo-secret-for-the-acme-web-client", repr=False)

    api_client_id: str = "api"
    """The client by which the API hears what was ended."""

    api_client_secret: str = field(default="demo-secret-for-the-acme-api-client", repr=False)

    host: str = "127.0.0.1"
    port: int = 9000

    @classmethod
    def read(cls) -> "Settings":
        """Reads them; raises `ValueError` where `LISTEN` is no address."""
        names = [it.name for it in fields(cls) if it.name not in ("host", "port")]
        told = {name: os.environ[name.upper()] for name in names if name.upper() in os.environ}
        host, _, port = os.environ.get("LISTEN", "127.0.0.1:9000").rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError("LISTEN is no address: it is like 127.0.0.1:9000")
        return cls(**told, host=host.strip("[]"), port=int(port))

    @property
    def base(self) -> str:
        """This program's own address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"
