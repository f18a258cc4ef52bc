"""An issuer of tokens on a port of this machine, and a clock that is set."""

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from portcullis_guard import Feed, Guard

API = "https://api.example"
NOW = 1_800_000_000
WITHIN = 10.0
Json = dict[str, Any]
Reply = tuple[int, dict[str, str], bytes]


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> float:
        return NOW + self.passed

    def monotonic(self) -> float:
        return self.passed

    def advance(self, seconds: float) -> None:
        self.passed += seconds


class Key:
    """A key of P-256."""

    def __init__(self, kid: str | None) -> None:
        self.kid = kid
        self.private = ec.generate_private_key(ec.SECP256R1())

    def jwk(self) -> Json:
        public = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        named = {} if self.kid is None else {"kid": self.kid}
        return {**public, **named, "use": "sig", "alg": "ES256"}

    def sign(self, header: Json, payload: bytes) -> str:
        return jwt.PyJWS().encode(payload, self.private, header["alg"], header)

    def public(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )


@dataclass
class Issuer:
    """An issuer that answers as its fields say, and counts what it was asked."""

    base: str
    name: str
    key: Key = field(default_factory=lambda: Key("one"))
    keys: list[Any] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    is_away: bool = False
    page: int = 1000
    asked: Counter[str] = field(default_factory=Counter)
    seen: "Queue[tuple[str, dict[str, str], Json]]" = field(default_factory=Queue)
    routes: dict[str, Callable[[Json], Reply] | Reply] = field(default_factory=dict)
    stream: "Queue[bytes | None]" = field(default_factory=Queue)
    """What the stream says next; None ends it."""

    def token(
        self, claims: Json | None = None, header: Json | None = None, key: Key | None = None
    ) -> str:
        """A token with these claims beside the usual ones, or in their place; None is none."""
        usual = {
            "iss": self.name, "sub": "ada", "aud": API, "exp": NOW + 900, "iat": NOW, "jti": "t",
            "client_id": "app", "scope": "reports.read", "sid": "s", "gid": "g", "rev": 0,
        }  # fmt: skip
        told = {name: it for name, it in (usual | (claims or {})).items() if it is not None}
        return self.signed(json.dumps(told).encode(), header, key)

    def signed(self, payload: bytes, header: Json | None = None, key: Key | None = None) -> str:
        """A token with these very bytes for claims."""
        usual = {"alg": "ES256", "typ": "at+jwt", "kid": "one"}
        head = {name: it for name, it in (usual | (header or {})).items() if it is not None}
        signing = base64url(json.dumps(head).encode()) + "." + base64url(payload)
        signature = ECAlgorithm(ECAlgorithm.SHA256).sign(
            signing.encode(), (key or self.key).private
        )
        return f"{signing}.{base64url(signature)}"

    def answer(self, method: str, address: str, headers: dict[str, str], body: bytes) -> Reply:
        parts = urlsplit(address)
        form = {name: values[0] for name, values in parse_qs(parts.query or body.decode()).items()}
        self.asked[parts.path] += 1
        self.seen.put((f"{method} {parts.path}", headers, form))
        if self.is_away:
            return 503, {}, b""
        if parts.path in self.routes:
            route = self.routes[parts.path]
            return route(form) if callable(route) else route
        return self.usual(parts.path.removeprefix(urlsplit(self.name).path), form)

    def usual(self, path: str, form: Json) -> Reply:
        match path:
            case "/.well-known/openid-configuration":
                return json_of(
                    issuer=self.name,
                    jwks_uri=f"{self.name}/jwks",
                    token_endpoint=f"{self.name}/token",
                    introspection_endpoint=f"{self.name}/introspect",
                )
            case "/jwks":
                status, headers, body = json_of(keys=self.keys)
                return status, headers | self.headers, body
            case "/token":
                return json_of(access_token="feed")
            case "/introspect":
                return json_of(active=True)
            case "/oauth2/revocations":
                after = int(form.get("after", 0))
                late = [event for event in self.events if event["n"] > after][: self.page]
                head = self.events[-1]["n"] if self.events else 0
                return json_of(events=late, next=str(late[-1]["n"] if late else head), head=head)
        return 404, {}, b""

    def fetches(self) -> int:
        """How often the keys were fetched."""
        return self.asked[urlsplit(self.name).path + "/jwks"]


@contextmanager
def issuer(path: str = "/acme") -> Iterator[Issuer]:
    """An issuer of this path, for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length)
            status, said, body = played.answer(self.command, self.path, headers, body)
            if status == 200 and headers.get("accept") == "text/event-stream":
                self.stream()
                return
            self.send_response(status)
            for name, value in said.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def stream(self) -> None:
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            while (piece := played.stream.get()) is not None:
                try:
                    self.wfile.write(piece)
                except OSError:
                    # Whoever listened is gone: the piece is for the next.
                    played.stream.put(piece)
                    return

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            # Whoever asked is gone.
            pass

    server = Server(("127.0.0.1", 0), Handler)
    base = f"http://127.0.0.1:{server.server_address[1]}"
    played = Issuer(base, base + path)
    played.keys = [{"kty": "XX", "kid": "odd"}, {"kty": "oct", "kid": "s", "k": "c2VjcmV0"}]
    played.keys.append(played.key.jwk())
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield played
    finally:
        played.stream.put(None)
        server.shutdown()
        server.server_close()


@contextmanager
def guarding(name: str, clock: Clock, **settings: Any) -> Iterator[Guard]:
    """A guard of these issuers, for as long as the block lasts."""
    with Guard(API, name, clock=clock, **settings) as guard:
        yield guard


def feed(**settings: Any) -> Feed:
    return Feed("api", "its secret", **settings)


def json_of(**members: Any) -> Reply:
    return 200, {"Content-Type": "application/json"}, json.dumps(members).encode()


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def soon(is_so: Callable[[], bool]) -> None:
    """Waits until something is so that another thread brings about."""
    pause, waited = threading.Event(), 0.0
    while not is_so():
        assert waited < WITHIN, "it does not come about"
        pause.wait(0.005)
        waited += 0.005
