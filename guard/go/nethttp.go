package guard

import (
	"context"
	"net/http"
	"time"
)

// inContext is where a request bears its principal.
type inContext struct{}

// FromContext is the principal of a request that [Guard.Require] let through; nil of any other.
func FromContext(ctx context.Context) *Principal {
	principal, _ := ctx.Value(inContext{}).(*Principal)
	return principal
}

// Require lets through requests with a good token whose scope holds all of these; any good token where none is named.
// Others are answered by what refuses them. It has the type of a middleware for net/http, and for what is built on it.
func (g *Guard) Require(scope ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			principal, err := g.VerifyHeader(r.Context(), r.Header.Values("Authorization"))
			if err == nil {
				err = principal.Require(scope...)
			}
			if err != nil {
				WriteRefusal(w, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), inContext{}, principal)))
		})
	}
}

// RequireAuthentication lets through requests whose user authenticated so, as [Principal.RequireAuthentication] says
// (RFC 9470). It stands within [Guard.Require]; without, each request is refused as one without a token.
func RequireAuthentication(acrValues []string, maxAge time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			principal := FromContext(r.Context())
			if principal == nil {
				WriteRefusal(w, ErrNoToken)
				return
			}
			if err := principal.RequireAuthentication(acrValues, maxAge); err != nil {
				WriteRefusal(w, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
