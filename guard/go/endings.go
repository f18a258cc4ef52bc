package guard

import (
	"log/slog"
	"maps"
	"sync"
	"time"
)

// pruneEach is how often what no token can meet any more is dropped, at most.
const pruneEach = 10 * time.Second

// What an event of the feed ends.
const (
	kindToken   = "token"
	kindGrant   = "grant"
	kindSession = "session"
	kindKey     = "key"
	kindUser    = "user"
	kindClient  = "client"
	kindTenant  = "tenant"
)

// event is an event of the feed.
type event struct {
	number   int64
	kind, id string
	// until is when the last token that it speaks of has expired, in seconds since the Unix epoch.
	until int64
}

func readEvent(from []byte) (event, error) {
	members, err := readObject(from)
	if err != nil {
		return event{}, err
	}
	read := &reading{object: members}
	told := event{
		number: required[int64](read, "n"),
		kind:   required[string](read, "kind"),
		id:     required[string](read, "id"),
		until:  required[int64](read, "until"),
	}
	return told, read.err
}

// ended is what an event ends. A tenant's bears no id: it is every token of the issuer.
type ended struct{ kind, id string }

// inForce is the greatest number and time of the events that end the same.
type inForce struct{ number, until int64 }

// verdict is what a guard knows of a token's end.
type verdict int

const (
	isGood verdict = iota
	isEnded
	// isBehind: it cannot be said, since nothing was heard for too long.
	isBehind
)

// endings is what was ended at an issuer, as far as a token can still meet it.
type endings struct {
	log *slog.Logger

	mu         sync.RWMutex
	held       map[ended]inForce
	heardAt    time.Time
	lastPruned time.Time
}

func newEndings(log *slog.Logger) *endings { return &endings{log: log, held: map[ended]inForce{}} }

// apply takes an event up. One of a kind that is not known here says that this package is too old to know: it ends
// everything that was made before, since it may speak of anything.
func (e *endings) apply(told event) {
	what := ended{told.kind, told.id}
	switch told.kind {
	case kindToken, kindGrant, kindSession, kindKey, kindUser, kindClient:
	case kindTenant:
		what.id = ""
	default:
		e.log.Error("an ending of a kind that this guard does not know: everything before it is refused", "kind", told.kind)
		what = ended{kind: kindTenant}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now, found := e.held[what]
	if !found {
		now = inForce{told.number, told.until}
	}
	e.held[what] = inForce{max(now.number, told.number), max(now.until, told.until)}
}

// heard notes that the issuer has been heard: at this moment nothing else had ended.
func (e *endings) heard(at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if at.After(e.heardAt) {
		e.heardAt = at
	}
}

// heardSince says whether the issuer has been heard since then.
func (e *endings) heardSince(then time.Time) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return !e.heardAt.Before(then)
}

// silentFor is for how long the issuer was not heard; false where it never was.
func (e *endings) silentFor(now time.Time) (time.Duration, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return now.Sub(e.heardAt), !e.heardAt.IsZero()
}

// prune drops, now and then, what was over before a time that is given in seconds: no token can meet it any more.
func (e *endings) prune(now time.Time, before int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.lastPruned.IsZero() && now.Sub(e.lastPruned) < pruneEach {
		return
	}
	e.lastPruned = now
	maps.DeleteFunc(e.held, func(_ ended, still inForce) bool { return still.until < before })
}

// judge says what is known of a token that was verified by the key of this id.
func (e *endings) judge(token *claims, keyID string, now time.Time, bound time.Duration) verdict {
	e.mu.RLock()
	defer e.mu.RUnlock()
	ever := func(kind, id string) bool {
		_, found := e.held[ended{kind, id}]
		return found && id != ""
	}
	before := func(kind, id string) bool {
		still, found := e.held[ended{kind, id}]
		return found && token.revision < still.number
	}
	switch {
	case ever(kindSession, token.session), ever(kindGrant, token.grant), ever(kindToken, token.tokenID),
		ever(kindKey, keyID), before(kindUser, token.subject), before(kindClient, token.clientID),
		before(kindTenant, ""):
		return isEnded
	case !e.heardAt.IsZero() && now.Sub(e.heardAt) <= bound:
		return isGood
	default:
		return isBehind
	}
}

// count is how many endings are held.
func (e *endings) count() int {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return len(e.held)
}
