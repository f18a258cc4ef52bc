"""A public key of an issuer, and what it verifies (RFC 7517, RFC 8725 section 3.1)."""

from dataclasses import dataclass
from typing import Any

import jwt
from jwt.algorithms import OKPAlgorithm

_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_OF_KIND = {
    ("RSA", None): _RSA,
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    # Two names of the same (RFC 8037 section 3.1, RFC 9864 section 2.2).
    ("OKP", "Ed25519"): ("EdDSA", "Ed25519"),
}
_PUBLIC = ("kty", "crv", "x", "y", "n", "e")
_RSA_BITS = range(2048, 8192 + 1)

_jws = jwt.PyJWS(algorithms=[*_RSA, "ES256", "ES384", "EdDSA"])
_jws.register_algorithm("Ed25519", OKPAlgorithm())


@dataclass(frozen=True, eq=False)
class Key:
    """A key that verifies signatures, by these algorithms and no others."""

    kid: str | None
    algorithms: tuple[str, ...]
    jwk: dict[str, Any]
    public: Any

    def has_signed(self, token: str) -> bool:
        """Whether a token is signed by this key, and by an algorithm that this key is for."""
        try:
            _jws.decode_complete(token, self.public, algorithms=self.algorithms)
        except (jwt.PyJWTError, ValueError):
            return False
        return True


def usable(jwk: Any) -> Key | None:
    """The key of a JWK; `None` where it signs nothing, or is of a kind that is not known here.

    What a token says decides nothing: the algorithms are those of the key.
    """
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig":
        return None
    kid, named = jwk.get("kid"), jwk.get("alg")
    if not isinstance(kid, str | None) or not isinstance(named, str | None):
        return None
    kind = (str(jwk.get("kty")), None if jwk.get("kty") == "RSA" else str(jwk.get("crv")))
    algorithms = tuple(it for it in _OF_KIND.get(kind, ()) if named in (None, it))
    if not algorithms:
        return None
    # Whatever else is in it is not needed, a private part least of all.
    parts = {name: jwk[name] for name in _PUBLIC if name in jwk}
    try:
        public = jwt.PyJWK(parts, algorithm=_OF_KIND[kind][0]).key
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        return None
    if kind[0] == "RSA" and public.key_size not in _RSA_BITS:
        return None
    return Key(kid, algorithms, jwk, public)
