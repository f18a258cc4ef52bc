package guard

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"time"
)

// latest is the last second that a time is shown as: the end of the year 9999.
const latest = 253402300799

// Principal is what a good access token says (RFC 9068 section 2.2): whom it speaks for. It is not changed.
type Principal struct {
	claims  *claims
	tenant  string
	payload []byte
	now     func() time.Time
}

// Issuer is who issued the token.
func (p *Principal) Issuer() string { return p.claims.issuer }

// Tenant is the part of the issuer's name that stands for {tenant} in [Config.Issuers]; empty where the issuer is of no
// pattern.
func (p *Principal) Tenant() string { return p.tenant }

// Subject is the user, or the client where no user took part. It is unique at its issuer alone.
func (p *Principal) Subject() string { return p.claims.subject }

// ClientID is the client that the token was issued to; empty where it does not say.
func (p *Principal) ClientID() string { return p.claims.clientID }

// IsClient says whether the token is a client's own: no user took part.
func (p *Principal) IsClient() bool { return p.claims.subject == p.claims.clientID }

// Session is the session in which a user took part; empty where there is none.
func (p *Principal) Session() string { return p.claims.session }

// TokenID is the token's own identifier; empty where it has none.
func (p *Principal) TokenID() string { return p.claims.tokenID }

// ExpiresAt is when the token expires.
func (p *Principal) ExpiresAt() time.Time { return secondsSince1970(p.claims.expires) }

// Scope is the scope tokens, each once, in the order of the alphabet (RFC 6749 section 3.3).
func (p *Principal) Scope() []string { return slices.Clone(p.claims.scope) }

// HasScope says whether the scope holds a token.
func (p *Principal) HasScope(token string) bool { return slices.Contains(p.claims.scope, token) }

// AuthenticatedAt is when the user last proved who they are; the zero time where it is not said.
func (p *Principal) AuthenticatedAt() time.Time {
	if p.claims.authenticated == nil {
		return time.Time{}
	}
	return secondsSince1970(*p.claims.authenticated)
}

// ACR is how well they did; empty where it is not said.
func (p *Principal) ACR() string { return p.claims.acr }

// AMR is by what (RFC 8176).
func (p *Principal) AMR() []string { return slices.Clone(p.claims.amr) }

// Confirmation is what the token is bound to (cnf, RFC 7800); nil where it is not. Such a token passes by [CallerChecks]
// alone.
func (p *Principal) Confirmation() any { return p.Claims()["cnf"] }

// Claims are all claims, read anew. A number is a [json.Number], so that none loses a digit.
func (p *Principal) Claims() map[string]any {
	decoder := json.NewDecoder(bytes.NewReader(p.payload))
	decoder.UseNumber()
	var claims map[string]any
	// It was an object when the token was verified.
	_ = decoder.Decode(&claims)
	return claims
}

// Require says whether the scope holds all of these tokens. The error is a [*Refusal] of insufficient_scope, with all of
// them.
func (p *Principal) Require(scope ...string) error {
	for _, token := range scope {
		if !p.HasScope(token) {
			return insufficientScope(scope)
		}
	}
	return nil
}

// RequireAuthentication says whether the user authenticated in one of these ways, any where there are none, and no longer
// ago than maxAge, ever where it is zero (RFC 9470). The error is a [*Refusal] of insufficient_user_authentication, with
// what is wanted.
func (p *Principal) RequireAuthentication(acrValues []string, maxAge time.Duration) error {
	at := p.claims.authenticated
	isWay := len(acrValues) == 0 || p.claims.acr != "" && slices.Contains(acrValues, p.claims.acr)
	isRecent := maxAge == 0 || at != nil && float64(p.now().Unix()) <= *at+maxAge.Seconds()
	if isWay && isRecent {
		return nil
	}
	return insufficientAuthentication(acrValues, maxAge)
}

func secondsSince1970(seconds float64) time.Time {
	return time.Unix(int64(math.Max(math.Min(seconds, latest), -latest)), 0)
}
