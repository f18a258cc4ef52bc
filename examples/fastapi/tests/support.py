"""An issuer that does as it is told, and programs that are served."""

import base64
import hashlib
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse, StreamingResponse
from joserfc import jwt
from joserfc.jwk import ECKey

AUDIENCE = "https://api.example"
SCOPE = "openid profile email offline_access reports.read"


@contextmanager
def served(app: FastAPI, listener: socket.socket) -> Iterator[uvicorn.Server]:
    """Serves a program in a thread of its own."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join()


def listening() -> tuple[socket.socket, int]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener, listener.getsockname()[1]


class Issuer:
    """What a client sees of Portcullis. What is wrong with it is set by a test."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.key = ECKey.generate_key("P-256", {"kid": "one", "use": "sig", "alg": "ES256"})
        self.scope = SCOPE
        self.is_expired = False
        """Whether the access tokens that it issues are over already."""
        self.claims: dict[str, object] = {}
        """What an ID token says otherwise than it should."""
        self.losing: list[str] = []
        """How answers to a refresh are lost: one after the other."""
        self.refused: str | None = None
        """The error that a refresh is refused with."""
        self.asked: list[str] = []
        """The refresh tokens that were sent."""
        self.sent: list[dict[str, str]] = []
        """All that was sent to the token endpoint."""
        self.begun: dict[str, dict[str, str]] = {}
        """Codes, and what they were asked for with."""
        self.successors: dict[str, str] = {}
        self.app = self._app()

    def signed(self, typ: str, claims: dict[str, object]) -> str:
        return jwt.encode({"alg": "ES256", "kid": "one", "typ": typ}, claims, self.key)

    def answer(self, refresh: str, nonce: str | None = None) -> JSONResponse:
        now = int(time.time())
        exp = now - 60 if self.is_expired else now + 900
        said = {"iss": self.name, "sub": "u-1", "iat": now, "exp": exp, "client_id": "web"}
        access = {"aud": AUDIENCE, "scope": self.scope, "jti": secrets.token_hex(8), "rev": 0}
        body = {
            "access_token": self.signed("at+jwt", said | access),
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": exp - now,
            "scope": self.scope,
        }
        if nonce is not None:
            told = {"aud": "web", "nonce": nonce, "name": "Ada <b>", "exp": now + 900}
            body["id_token"] = self.signed("JWT", said | told | self.claims)
        return JSONResponse(body)

    def refresh(self, token: str) -> Response:
        self.asked.append(token)
        if self.refused is not None:
            return JSONResponse({"error": self.refused}, 400)
        # As Portcullis does it, a retry gets the same successor again.
        successor = self.successors.setdefault(token, f"refresh {len(self.successors) + 2}")
        answer = self.answer(successor)
        match self.losing.pop(0) if self.losing else "none":
            case "503":
                return JSONResponse({"error": "temporarily_unavailable"}, 503)
            case "cut":
                # Less than it says: the connection breaks in the middle of it.
                length = {"Content-Length": "9999"}
                return StreamingResponse(iter([bytes(answer.body)]), headers=length)
        return answer

    def token(self, request: Request, sent: dict[str, str]) -> Response:
        self.sent.append(sent)
        basic = base64.b64encode(b"web:secret").decode()
        if request.headers["authorization"] != f"Basic {basic}":
            return JSONResponse({"error": "invalid_client"}, 401)
        if sent["grant_type"] == "refresh_token":
            return self.refresh(sent["refresh_token"])
        begun = self.begun.pop(sent["code"], None)
        digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if begun is None or begun["code_challenge"] != challenge:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return self.answer("refresh 1", begun["nonce"])

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/t/acme/.well-known/openid-configuration")
        async def metadata() -> dict[str, object]:
            return {
                "issuer": self.name,
                "authorization_endpoint": f"{self.name}/authorize",
                "token_endpoint": f"{self.name}/token",
                "jwks_uri": f"{self.name}/jwks",
                "end_session_endpoint": f"{self.name}/logout",
                "id_token_signing_alg_values_supported": ["ES256"],
            }

        @app.get("/t/acme/jwks")
        async def jwks() -> dict[str, object]:
            return {"keys": [self.key.as_dict(private=False)]}

        @app.get("/t/acme/authorize")
        async def authorize(request: Request) -> Response:
            asked = dict(request.query_params)
            code = secrets.token_hex(8)
            self.begun[code] = asked
            back = f"{asked['redirect_uri']}?code={code}&state={asked['state']}&iss={self.name}"
            return RedirectResponse(back, 303)

        @app.post("/t/acme/token")
        async def token(request: Request) -> Response:
            sent = parse_qs((await request.body()).decode())
            return self.token(request, {name: values[0] for name, values in sent.items()})

        return app
