"""What issuers say of themselves, and how."""

import json
import socket
import threading

import httpx
import pytest

from portcullis_guard import Unavailable, network
from portcullis_guard.metadata import addresses, metadata_of
from support import Clock, Json, guarding, issuer, json_of, soon

ELSEWHERE: list[Json] = [
    {"issuer": "https://id.example"}, {"issuer": None}, {"jwks_uri": None}, {"jwks_uri": "x:"},
    {"jwks_uri": "http://[x"}, {"jwks_uri": 7},
]  # fmt: skip


@pytest.mark.parametrize("wrong", ELSEWHERE, ids=str)
def test_metadata_that_is_not_the_issuers_is_not_believed(wrong: Json) -> None:
    with issuer() as acme, guarding(acme.name, Clock()) as guard:
        told = {"issuer": acme.name, "jwks_uri": f"{acme.name}/jwks"} | wrong
        acme.routes["/acme/.well-known/openid-configuration"] = json_of(**told)
        with pytest.raises(Unavailable):
            guard.verify(acme.token())


@pytest.mark.parametrize("led", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(led: int) -> None:
    with issuer() as acme, guarding(acme.name, Clock()) as guard:
        elsewhere = json_of(issuer=acme.name, jwks_uri=f"{acme.name}/jwks")
        acme.routes["/elsewhere"] = elsewhere
        acme.routes["/.well-known/oauth-authorization-server/acme"] = elsewhere
        acme.routes["/acme/.well-known/openid-configuration"] = led, {"Location": "/elsewhere"}, b""
        with pytest.raises(Unavailable):
            guard.verify(acme.token())


@pytest.mark.parametrize("address", ["jwks_uri", "token_endpoint", "introspection_endpoint"])
def test_an_issuer_of_https_has_no_address_of_http(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "https://id.example/t/acme"
    told = {"issuer": name, "jwks_uri": f"{name}/jwks", "token_endpoint": f"{name}/token"}

    def ask(*_: object) -> network.Answer:
        return network.Answer(httpx.Headers(), json.dumps(told).encode())

    monkeypatch.setattr(network.Network, "ask", ask)
    assert metadata_of(network.Network(), name).jwks_uri == f"{name}/jwks"
    told[address] = "http://id.example/t/acme/x"
    with pytest.raises(network.NotHad, match="not https"):
        metadata_of(network.Network(), name)


def test_both_addresses_are_as_their_documents_have_them() -> None:
    assert addresses("https://id.example/t/acme") == (
        "https://id.example/t/acme/.well-known/openid-configuration",
        "https://id.example/.well-known/oauth-authorization-server/t/acme",
    )
    assert addresses("https://id.example/") == (
        "https://id.example/.well-known/openid-configuration",
        "https://id.example/.well-known/oauth-authorization-server",
    )


def test_metadata_may_be_where_oauth_has_it() -> None:
    with issuer() as acme, guarding(acme.name, Clock()) as guard:
        acme.routes["/acme/.well-known/openid-configuration"] = (500, {}, b"")
        acme.routes["/.well-known/oauth-authorization-server/acme"] = json_of(
            issuer=acme.name, jwks_uri=f"{acme.name}/jwks"
        )
        guard.verify(acme.token())


def test_an_answer_without_end_is_not_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with issuer() as acme, guarding(acme.name, Clock()) as guard:
        monkeypatch.setattr(network, "LARGEST", 1000)
        acme.routes["/acme/jwks"] = json_of(keys=acme.keys, more="x" * 1000)
        with pytest.raises(Unavailable):
            guard.verify(acme.token())


@pytest.mark.parametrize("begin", [b"H", b"HTTP/1.1 200 OK\r\n\r\n{"])
def test_an_answer_that_comes_drop_by_drop_is_given_up(
    begin: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "ANSWER_WITHIN", 0.2)
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        while not over.wait(0.02):
            connection.sendall(b"X")

    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(begin)
                try:
                    drip(connection)
                except OSError:
                    over.set()

        threading.Thread(target=serve, daemon=True).start()
        asking = network.Network()
        with pytest.raises(network.NotHad, match="too long"):
            asking.ask("GET", f"http://127.0.0.1:{server.getsockname()[1]}/")
        soon(over.is_set)
