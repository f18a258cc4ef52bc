package guard

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
)

// longest is how long a token may be, in bytes.
const longest = 16 * 1024

// unverified is what a token says before anybody knows whether it is true: where to look for the key.
type unverified struct {
	issuer string
	// keyID is nil where the token names none.
	keyID *string
}

func readUnverified(token string) (unverified, error) {
	var none unverified
	if len(token) > longest {
		return none, errors.New("it is too long")
	}
	parts, err := decodeParts(token)
	if err != nil {
		return none, err
	}
	header, err := readObject(parts[0])
	if err != nil {
		return none, err
	}
	// Nothing is understood that a header could call critical (RFC 7515 section 4.1.11).
	if _, found := header["crit"]; found {
		return none, errors.New("something in it is critical")
	}
	read := reading{object: header}
	// An ID token is a JWT of the same issuer and key (RFC 9068 section 4).
	typ := strings.ToLower(optional[string](&read, "typ"))
	keyID := optional[*string](&read, "kid")
	if read.err == nil && strings.TrimPrefix(typ, "application/") != "at+jwt" {
		read.err = errors.New("it is no access token by its typ")
	}
	if read.err != nil {
		return none, read.err
	}
	payload, err := readObject(parts[1])
	if err != nil {
		return none, err
	}
	read = reading{object: payload}
	return unverified{issuer: required[string](&read, "iss"), keyID: keyID}, read.err
}

// decodeParts decodes a compact JWS (RFC 7515 section 7.1), which has one way to be written.
func decodeParts(token string) ([3][]byte, error) {
	var decoded [3][]byte
	parts := strings.Split(token, ".")
	// Line breaks are no part of it, though the decoder would pass over them.
	if len(parts) != len(decoded) || strings.ContainsAny(token, "\r\n") {
		return decoded, errors.New("it is no JWT")
	}
	for at, part := range parts {
		var err error
		if decoded[at], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return decoded, err
		}
	}
	return decoded, nil
}

// claims are what a token says that was verified (RFC 9068 section 2.2). What it does not say is empty.
type claims struct {
	issuer, subject, clientID, tokenID, session, grant, acr string

	audience oneOrMore
	scope    []string
	amr      texts
	// Seconds since the Unix epoch, which may have a fraction (RFC 7519 section 2).
	expires   float64
	notBefore float64
	// Nil where no user took part.
	authenticated *float64
	// revision is the number of the last ending that the making of the token knew of.
	revision int64
	isBound  bool
}

func readClaims(payload []byte) (*claims, error) {
	from, err := readObject(payload)
	if err != nil {
		return nil, err
	}
	read := &reading{object: from}
	scope := strings.Split(optional[string](read, "scope"), " ")
	slices.Sort(scope)
	_, isBound := from["cnf"]
	c := &claims{
		issuer:        required[string](read, "iss"),
		subject:       required[string](read, "sub"),
		audience:      required[oneOrMore](read, "aud"),
		expires:       required[float64](read, "exp"),
		notBefore:     optional[float64](read, "nbf"),
		clientID:      optional[string](read, "client_id"),
		tokenID:       optional[string](read, "jti"),
		session:       optional[string](read, "sid"),
		grant:         optional[string](read, "gid"),
		acr:           optional[string](read, "acr"),
		amr:           optional[texts](read, "amr"),
		authenticated: optional[*float64](read, "auth_time"),
		revision:      optional[int64](read, "rev"),
		scope:         slices.DeleteFunc(slices.Compact(scope), func(token string) bool { return token == "" }),
		isBound:       isBound,
	}
	return c, read.err
}
