package guard

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// leastRSA is how long a key of RSA is at least, in bits (RFC 7518 section 3.3).
const leastRSA = 2048

// ed25519Named is EdDSA by the name that says the curve (RFC 9864).
const ed25519Named = jose.SignatureAlgorithm("Ed25519")

// key is a public key that signs, with the algorithms that it may be used for. What the token says decides nothing: a
// key of one kind never verifies by an algorithm of another (RFC 8725 section 3.1).
type key struct {
	// id is nil where the issuer gave it none.
	id         *string
	algorithms []jose.SignatureAlgorithm
	public     any
	// described is what the issuer says of the key: another key, or the same for another use, is another text.
	described string
}

// verify is the payload of a token that this key has signed.
func (k *key) verify(token string) ([]byte, error) {
	parsed, err := jose.ParseSignedCompact(token, k.algorithms)
	if err != nil {
		return nil, err
	}
	return parsed.Verify(k.public)
}

// usableKeys are those of a set (RFC 7517 section 5) that can verify a token. One that is unchanged is the very same
// that it was.
func usableKeys(set object, last []*key) ([]*key, error) {
	read := &reading{object: set}
	listed := required[[]json.RawMessage](read, "keys")
	if read.err != nil {
		return nil, read.err
	}
	var keys []*key
	for _, raw := range listed {
		// One of a kind that is not known here is somebody else's, and no reason to refuse the others.
		usable, err := usableKey(raw)
		if err != nil {
			continue
		}
		isSame := func(known *key) bool { return known.described == usable.described }
		if at := slices.IndexFunc(last, isSame); at >= 0 {
			usable = last[at]
		}
		keys = append(keys, usable)
	}
	return keys, nil
}

func usableKey(raw json.RawMessage) (*key, error) {
	jwk, err := readObject(raw)
	if err != nil {
		return nil, err
	}
	read := &reading{object: jwk.withoutNulls()}
	id, use, named := optional[*string](read, "kid"), optional[string](read, "use"), optional[string](read, "alg")
	if read.err == nil && use != "" && use != "sig" {
		read.err = errors.New("the key does not sign")
	}
	if read.err != nil {
		return nil, read.err
	}
	// What is said beside these, such as a certificate, plays no part.
	said := func(names ...string) string {
		members := maps.Clone(jwk)
		maps.DeleteFunc(members, func(name string, _ json.RawMessage) bool { return !slices.Contains(names, name) })
		text, _ := json.Marshal(members)
		return string(text)
	}
	var parsed jose.JSONWebKey
	if err := parsed.UnmarshalJSON([]byte(said("kty", "crv", "n", "e", "x", "y"))); err != nil {
		return nil, err
	}
	public, algorithms := algorithmsOf(parsed.Key)
	if named != "" {
		isOther := func(known jose.SignatureAlgorithm) bool { return string(known) != named }
		algorithms = slices.DeleteFunc(algorithms, isOther)
	}
	if len(algorithms) == 0 {
		return nil, fmt.Errorf("nothing can be verified by it as %q", named)
	}
	described := said("kid", "use", "alg", "kty", "crv", "n", "e", "x", "y")
	return &key{id: id, algorithms: algorithms, public: public, described: described}, nil
}

// algorithmsOf are those of a key's kind; none where no token is to be signed by such.
func algorithmsOf(public any) (any, []jose.SignatureAlgorithm) {
	switch kind := public.(type) {
	case *rsa.PublicKey:
		if kind.N.BitLen() >= leastRSA {
			return kind, []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512}
		}
	case *ecdsa.PublicKey:
		switch kind.Curve.Params().Name {
		case "P-256":
			return kind, []jose.SignatureAlgorithm{jose.ES256}
		case "P-384":
			return kind, []jose.SignatureAlgorithm{jose.ES384}
		}
	case ed25519.PublicKey:
		return edwards(kind), []jose.SignatureAlgorithm{jose.EdDSA, ed25519Named}
	}
	return nil, nil
}

// edwards verifies by Ed25519 under both its names, of which go-jose knows one.
type edwards ed25519.PublicKey

// VerifyPayload is for [jose.OpaqueVerifier].
func (e edwards) VerifyPayload(payload, signature []byte, _ jose.SignatureAlgorithm) error {
	if !ed25519.Verify(ed25519.PublicKey(e), payload, signature) {
		return errors.New("the signature is not the key's")
	}
	return nil
}
