"""Keys that are of use, and others."""

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from portcullis_guard import key

RSA = rsa.generate_private_key(65537, 2048)
P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
ED = ed25519.Ed25519PrivateKey.generate()


def jwk(private: Any) -> dict[str, Any]:
    found: dict[str, Any]
    public = private.public_key()
    if isinstance(private, rsa.RSAPrivateKey):
        found = RSAAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(private, ec.EllipticCurvePrivateKey):
        found = ECAlgorithm.to_jwk(public, as_dict=True)
    else:
        found = OKPAlgorithm.to_jwk(public, as_dict=True)
    return found


SMALL = jwk(rsa.generate_private_key(65537, 1024))
USELESS: list[Any] = [
    None, 7, [], {}, {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}, SMALL,
    jwk(ec.generate_private_key(ec.SECP521R1())), jwk(ec.generate_private_key(ec.SECP256K1())),
    jwk(RSA) | {"use": "enc"}, jwk(RSA) | {"use": None}, jwk(RSA) | {"alg": "RSA-OAEP"},
    jwk(RSA) | {"alg": "HS256"}, jwk(RSA) | {"alg": "none"}, jwk(RSA) | {"alg": []},
    jwk(RSA) | {"kid": 7}, jwk(RSA) | {"n": "!"}, jwk(RSA) | {"n": 7}, jwk(RSA) | {"e": None},
    jwk(P256) | {"alg": "ES384"}, jwk(P256) | {"crv": "P-384"}, jwk(P256) | {"kty": []},
    jwk(P256) | {"x": jwk(P256)["y"]}, jwk(ED) | {"crv": "Ed448"}, jwk(ED) | {"x": "AA"},
]  # fmt: skip


@pytest.mark.parametrize("useless", USELESS, ids=lambda useless: str(useless)[:40])
def test_a_key_that_verifies_nothing_is_passed_over(useless: Any) -> None:
    assert key.usable(useless) is None


OF_RSA = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]


@pytest.mark.parametrize(
    ("private", "named", "by"),
    [
        (RSA, None, OF_RSA), *((RSA, it, [it]) for it in OF_RSA), (P256, None, ["ES256"]),
        (P256, "ES256", ["ES256"]), (P384, None, ["ES384"]), (ED, None, ["EdDSA", "Ed25519"]),
        (ED, "EdDSA", ["EdDSA"]), (ED, "Ed25519", ["Ed25519"]),
    ],
)  # fmt: skip
def test_a_key_verifies_by_its_own_algorithms(
    private: Any, named: str | None, by: list[str]
) -> None:
    signs = jwt.PyJWS()
    signs.register_algorithm("Ed25519", OKPAlgorithm())
    usable = key.usable(jwk(private) | ({"alg": named} if named else {}))
    assert usable is not None
    kinds = {RSA: OF_RSA, P256: ["ES256"], P384: ["ES384"], ED: ["EdDSA", "Ed25519"]}
    for algorithm in kinds[private]:
        token = signs.encode(b"{}", private, algorithm)
        assert usable.has_signed(token) is (algorithm in by)
        head, _, signature = token.split(".")
        assert not usable.has_signed(f"{head}.e30x.{signature}")
    # What everybody knows, taken for a secret.
    assert not usable.has_signed(signs.encode(b"{}", str(usable.jwk)[:32], "HS256"))


def test_the_private_part_of_a_key_is_left_alone() -> None:
    private = RSAAlgorithm.to_jwk(RSA, as_dict=True)
    usable = key.usable(private)
    assert usable is not None
    assert isinstance(usable.public, rsa.RSAPublicKey)
