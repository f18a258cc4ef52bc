package main

import (
	"crypto/rand"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
)

const (
	// keptFor is how long people stay signed in here.
	keptFor = 8 * time.Hour
	// signInWithin: a sign-in that takes longer is begun again.
	signInWithin = 10 * time.Minute
	// most is how many are kept of each. Those that were not asked for the longest go first.
	most = 10_000
)

// session is somebody who is signed in.
type session struct {
	// name is what they are called.
	name string
	// idToken says at the sign-out whose it is.
	idToken string
	// tokens are what the API is called with.
	tokens *renewed
}

// kept is what is kept under an unguessable id, in memory. In production keep it where all instances of the program
// reach it, sealed, and let one instance at a time refresh what one session has.
type kept[T any] struct{ held *expirable.LRU[string, T] }

func newKept[T any](each time.Duration) kept[T] {
	return kept[T]{expirable.NewLRU[string, T](most, nil, each)}
}

// put keeps it under an id that nobody has seen before.
func (k kept[T]) put(it T) string {
	id := newID()
	k.held.Add(id, it)
	return id
}

func (k kept[T]) find(id string) (T, bool) { return k.held.Get(id) }

// take finds it and forgets it: of two who come at once, one has it.
func (k kept[T]) take(id string) (T, bool) {
	it, found := k.held.Get(id)
	return it, found && k.held.Remove(id)
}

// newID has 128 random bits or more.
func newID() string { return rand.Text() }
