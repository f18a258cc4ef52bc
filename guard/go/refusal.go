package guard

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Refusal is why a request is refused, as its caller is told (RFC 6750 section 3, RFC 9470 section 3).
type Refusal struct {
	status      int
	code        string
	description string
	// more are further parameters of the challenge.
	more []string
}

// The refusals that are always the same. Those of [Principal.Require] and [Principal.RequireAuthentication] say what is
// wanted.
var (
	// ErrNoToken: there was no bearer token. Who has shown nothing is told no code (RFC 6750 section 3.1).
	ErrNoToken = &Refusal{status: http.StatusUnauthorized, description: "a bearer token is needed"}
	// ErrInvalidRequest: the request is malformed, with two tokens, or an Authorization header twice.
	ErrInvalidRequest = &Refusal{
		status: http.StatusBadRequest, code: "invalid_request", description: "the request is malformed",
	}
	// ErrInvalidToken: the token is no good. One text for every cause.
	ErrInvalidToken = &Refusal{
		status: http.StatusUnauthorized, code: "invalid_token",
		description: "the access token is invalid, expired or revoked",
	}
	// ErrUnavailable: it cannot be said whether the token is good. Come again.
	ErrUnavailable = &Refusal{
		status:      http.StatusServiceUnavailable,
		description: "it cannot be said now whether the access token is good",
	}
)

func insufficientScope(wanted []string) *Refusal {
	scope := strings.Join(wanted, " ")
	return &Refusal{
		status: http.StatusForbidden, code: "insufficient_scope",
		description: "the access token lacks scope " + scope,
		more:        []string{fmt.Sprintf(`scope="%s"`, scope)},
	}
}

func insufficientAuthentication(acrValues []string, maxAge time.Duration) *Refusal {
	var more []string
	if len(acrValues) > 0 {
		more = append(more, fmt.Sprintf(`acr_values="%s"`, strings.Join(acrValues, " ")))
	}
	if maxAge != 0 {
		more = append(more, fmt.Sprintf("max_age=%d", int64(maxAge.Seconds())))
	}
	return &Refusal{
		status: http.StatusUnauthorized, code: "insufficient_user_authentication",
		description: "the user must authenticate again", more: more,
	}
}

// Error is what the caller is told.
func (r *Refusal) Error() string { return r.description }

// Status is the status of the answer.
func (r *Refusal) Status() int { return r.status }

// Code is the registered code; empty where there is none.
func (r *Refusal) Code() string { return r.code }

// Challenge is the WWW-Authenticate header; empty where the answer has none.
func (r *Refusal) Challenge() string {
	if r.status == http.StatusServiceUnavailable {
		return ""
	}
	if r.code == "" {
		return "Bearer"
	}
	parts := []string{fmt.Sprintf(`error="%s"`, r.code), fmt.Sprintf(`error_description="%s"`, r.description)}
	return "Bearer " + strings.Join(append(parts, r.more...), ", ")
}

// WriteRefusal answers a request with what refuses it: its status and its headers, and no body. An error that is no [*Refusal]
// says nothing of the token, and is answered as [ErrUnavailable] is.
func WriteRefusal(w http.ResponseWriter, err error) {
	refusal := ErrUnavailable
	errors.As(err, &refusal)
	if challenge := refusal.Challenge(); challenge != "" {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	if refusal.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(refusal.status)
}
