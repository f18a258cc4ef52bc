package main

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func pairOf(name string) pair { return pair{access: "access " + name, refresh: "refresh " + name} }

func newRenewed() *renewed { return &renewed{pair: pairOf("1")} }

func failing(err error) func(string) (pair, error) {
	return func(string) (pair, error) { return pair{}, err }
}

// ask asks so many times at once.
func ask(t *testing.T, times int, tokens *renewed, refresh func(string) (pair, error)) ([]string, []error) {
	t.Helper()
	accesses, errs := make([]string, times), make([]error, times)
	var all sync.WaitGroup
	for i := range times {
		all.Go(func() { accesses[i], errs[i] = tokens.insteadOf(t.Context(), "access 1", refresh) })
	}
	all.Wait()
	return accesses, errs
}

func TestTwentyWhoWaitAreServedByOneRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens, count := newRenewed(), 0
		accesses, errs := ask(t, 20, tokens, func(token string) (pair, error) {
			count++
			if token != "refresh 1" {
				t.Errorf("it is refreshed with %q", token)
			}
			time.Sleep(time.Second)
			return pairOf("2"), nil
		})
		for i := range accesses {
			if accesses[i] != "access 2" || errs[i] != nil {
				t.Errorf("%q, %v", accesses[i], errs[i])
			}
		}
		if count != 1 || tokens.now() != pairOf("2") {
			t.Errorf("%d refreshes, %v", count, tokens.now())
		}
		// One that comes late with the old token is given the new one.
		if access, err := tokens.insteadOf(t.Context(), "access 1", failing(errEnded)); access != "access 2" {
			t.Errorf("%q, %v", access, err)
		}
	})
}

func TestAFailureIsToldToAllWhoWaitAndTheNextTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := newRenewed()
		_, errs := ask(t, 5, tokens, func(string) (pair, error) {
			time.Sleep(time.Second)
			return pair{}, errAway
		})
		for _, err := range errs {
			if !errors.Is(err, errAway) {
				t.Error(err)
			}
		}
		next := func(string) (pair, error) { return pairOf("2"), nil }
		if access, err := tokens.insteadOf(t.Context(), "access 1", next); access != "access 2" {
			t.Errorf("%q, %v", access, err)
		}
	})
}

func TestWhoeverGoesAwayTakesNoRefreshAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := newRenewed()
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		slow := func(string) (pair, error) {
			time.Sleep(3 * time.Second)
			return pairOf("2"), nil
		}
		if _, err := tokens.insteadOf(ctx, "access 1", slow); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if access, err := tokens.insteadOf(t.Context(), "access 1", failing(errEnded)); access != "access 2" {
			t.Errorf("%q, %v", access, err)
		}
	})
}

func TestOneWhoseTokenIsOlderHandsNobodyTheirOwnAgain(t *testing.T) {
	tokens := &renewed{pair: pairOf("2")}
	// Nothing goes on until both have come.
	tokens.mu.Lock()
	var both sync.WaitGroup
	both.Go(func() { _, _ = tokens.insteadOf(t.Context(), "access 1", failing(errAway)) })
	time.Sleep(50 * time.Millisecond)
	both.Go(func() {
		next := func(string) (pair, error) { return pairOf("3"), nil }
		if access, err := tokens.insteadOf(t.Context(), "access 2", next); access != "access 3" {
			t.Errorf("%q, %v", access, err)
		}
	})
	time.Sleep(50 * time.Millisecond)
	tokens.mu.Unlock()
	both.Wait()
}
