package guard

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// How long keys are held where their answer says nothing, at least, and at most.
	heldUsually = 300 * time.Second
	heldAtLeast = 10 * time.Second
	heldAtMost  = 24 * time.Hour
	// unknownEach is how long a kid that is not known does not cause another fetch. Anybody can make one up.
	unknownEach = time.Minute
	// How soon a fetch that failed is tried again: where there are no keys yet, and where there are.
	againWithout = time.Second
	again        = 10 * time.Second
)

// Why there is no key.
var (
	// errUnknown: there is none of this name, and the issuer has said so.
	errUnknown = errors.New("unknown")
	// errAway: the issuer has not answered.
	errAway = errors.New("the issuer is away")
)

// common is what every issuer is made with.
type common struct {
	// live ends when the guard is closed. What is asked of an issuer outlives the request that caused it: else whoever
	// hangs up could have it asked again and again.
	live   context.Context
	client *http.Client
	log    *slog.Logger
	now    func() time.Time
	leeway time.Duration
	// feed is nil where none is followed.
	feed *Feed
}

// keySet is the keys of an issuer (RFC 7517): held, fetched ahead of time, and asked for by nobody's leave but ours.
type keySet struct {
	*common
	issuer string
	known  atomic.Pointer[knownKeys]

	mu sync.Mutex
	// underway closes when the fetch that is under way is over; nil where none is.
	underway chan struct{}
}

// knownKeys is what is known of an issuer's keys. It is not changed: another takes its place.
type knownKeys struct {
	keys []*key
	// metadata is nil until it was read.
	metadata *metadata
	// due is when they are to be fetched anew, tried when the last fetch ended, and asked when somebody last had them
	// fetched for a kid that was not known. Zero where there was no such time.
	due, tried, asked time.Time
	// failed is why the last fetch brought nothing; nil where it did.
	failed error
}

func newKeySet(issuer string, with *common) *keySet {
	set := &keySet{common: with, issuer: issuer}
	set.known.Store(&knownKeys{})
	return set
}

// begin has them fetched for the first time, and says what became of it.
func (k *keySet) begin(ctx context.Context) error {
	if err := wait(ctx, k.fetch(k.known.Load(), false)); err != nil {
		return err
	}
	return k.known.Load().failed
}

// find is the key of this kid; of a token that names none, the only one.
func (k *keySet) find(ctx context.Context, id *string) (*key, error) {
	known := k.known.Load()
	if found := known.find(id); found != nil {
		return found, nil
	}
	if known.mayAsk(k.now()) {
		// The first time is nobody's asking for more than there was.
		if err := wait(ctx, k.fetch(known, known.metadata != nil)); err != nil {
			return nil, err
		}
		known = k.known.Load()
	}
	if found := known.find(id); found != nil {
		return found, nil
	}
	if known.failed != nil || known.metadata == nil {
		return nil, errAway
	}
	return nil, errUnknown
}

// has says whether a key that has verified a token is still the issuer's. Each token that comes asks this: where it is
// time for it, the keys are fetched ahead, and nobody waits for that.
func (k *keySet) has(id *string, key *key) bool {
	known := k.known.Load()
	if !known.due.IsZero() && !k.now().Before(known.due) {
		k.fetch(known, false)
	}
	return known.find(id) == key
}

// readMetadata is the issuer's metadata, as it was read last; nil where it cannot be had.
func (k *keySet) readMetadata(ctx context.Context) *metadata {
	known := k.known.Load()
	if known.metadata == nil && known.mayAsk(k.now()) {
		if wait(ctx, k.fetch(known, false)) != nil {
			return nil
		}
		known = k.known.Load()
	}
	return known.metadata
}

// fetch has the keys fetched, unless somebody has since they were seen so. What it returns closes when that is over.
func (k *keySet) fetch(seen *knownKeys, isForUnknown bool) <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.underway != nil {
		return k.underway
	}
	over := make(chan struct{})
	if k.known.Load() != seen {
		close(over)
		return over
	}
	k.underway = over
	go func() {
		defer close(over)
		known := k.read(seen)
		if isForUnknown {
			known.asked = known.tried
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		k.known.Store(known)
		k.underway = nil
	}()
	return over
}

// read is what is known after one more fetch.
func (k *keySet) read(last *knownKeys) *knownKeys {
	told, keys, heldFor, err := k.fetchOnce(last.keys)
	now := k.now()
	if err == nil {
		due := now.Add(heldFor / 5 * 4)
		return &knownKeys{keys: keys, metadata: told, due: due, tried: now, asked: last.asked}
	}
	k.log.Warn("the keys of an issuer cannot be read: the last ones stay", "issuer", k.issuer, "error", err)
	known := *last
	known.tried, known.failed = now, err
	if !last.due.IsZero() {
		known.due = now.Add(again)
	}
	return &known
}

func (k *keySet) fetchOnce(last []*key) (*metadata, []*key, time.Duration, error) {
	told, err := fetchMetadata(k.live, k.client, k.issuer)
	if err != nil {
		return nil, nil, 0, err
	}
	set, heldFor, err := get(k.live, k.client, told.keys)
	if err != nil {
		return nil, nil, 0, err
	}
	keys, err := usableKeys(set, last)
	if heldFor < 0 {
		heldFor = heldUsually
	}
	return told, keys, min(max(heldFor, heldAtLeast), heldAtMost), err
}

func (k *knownKeys) find(id *string) *key {
	if id == nil {
		if len(k.keys) == 1 {
			return k.keys[0]
		}
		return nil
	}
	for _, key := range k.keys {
		if key.id != nil && *key.id == *id {
			return key
		}
	}
	return nil
}

// mayAsk says whether a kid that is not known may have them fetched.
func (k *knownKeys) mayAsk(now time.Time) bool {
	isOver := func(since time.Time, pause time.Duration) bool { return since.IsZero() || now.Sub(since) >= pause }
	switch {
	case k.metadata == nil:
		return isOver(k.tried, againWithout)
	case k.failed != nil:
		return isOver(k.tried, again)
	default:
		return isOver(k.asked, unknownEach)
	}
}

// wait waits until something is over, or nobody asks for it any more.
func wait(ctx context.Context, over <-chan struct{}) error {
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
