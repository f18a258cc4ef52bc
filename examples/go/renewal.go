package main

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/singleflight"
)

var (
	// errEnded: what the session had is ended, and only a new sign-in is left.
	errEnded = errors.New("signed out")
	// errAway: it cannot be said now.
	errAway = errors.New("no answer")
)

// pair is an access token, and what the next is had for.
type pair struct {
	access string
	// refresh is good for one refresh.
	refresh string
}

// renewed is the pair of one session, renewed once for all who wait: E to H of RFC 6749's picture.
//
// It stands in the place of the TokenSource that oauth2.Config makes, which is right for a program that acts for itself.
// That one refreshes when the time has come that it was told, so it goes on with a token that was ended before, and has
// no way to be told of a 401. It refreshes with the context that it was made with: where that is a request's, a
// browser that goes away takes the next refresh token along, and the one before is used up. And it does not ask again
// where an answer was lost.
type renewed struct {
	mu      sync.Mutex
	pair    pair
	running singleflight.Group
}

// now is the pair of now.
func (r *renewed) now() pair {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pair
}

func (r *renewed) take(next pair) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pair = next
}

// insteadOf is an access token in the place of one that was refused. Whoever comes while one is fetched waits for that
// one. It is fetched to the end though everybody who waited has gone, since the refresh token is used up with it:
// refresh is given no context of a caller's. The error is errEnded, errAway, or that of ctx.
func (r *renewed) insteadOf(ctx context.Context, refused string, refresh func(string) (pair, error)) (string, error) {
	// The token that was refused is the key: who comes late with an older one must not hand its answer, which is the
	// token of now, to those to whom that very one was refused.
	answer := r.running.DoChan(refused, func() (any, error) {
		now := r.now()
		if now.access != refused {
			return now.access, nil
		}
		next, err := refresh(now.refresh)
		if err != nil {
			return "", err
		}
		r.take(next)
		return next.access, nil
	})
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case got := <-answer:
		access, _ := got.Val.(string)
		return access, got.Err
	}
}
