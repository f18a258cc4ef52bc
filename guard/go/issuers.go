package guard

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"
)

const (
	// tenantMark is what stands for a tenant in a pattern.
	tenantMark = "{tenant}"
	// longestTenant is how long its name may be: a label of a host (RFC 1035 section 2.3.4).
	longestTenant = 63
	// mostTenants of a pattern are held. Each was seen to answer.
	mostTenants = 10_000
	// A name that is not there is not asked for again for so long, of as many as these.
	notThereFor  = time.Minute
	mostNotThere = 10_000
	// askedAtOnce is how many tenants are asked for at once, since anybody can make up a name.
	askedAtOnce = 16
	// turnWithin is how long one waits for its turn to be asked for.
	turnWithin = 2 * time.Second
)

// issuer is one issuer.
type issuer struct {
	*common
	url string
	// tenant is empty where the issuer is of no pattern.
	tenant  string
	keys    *keySet
	endings *endings
}

// pattern is the two sides of a tenant in the name of an issuer.
type pattern struct{ before, after string }

// refusedName is why a name is not asked for again, and until when.
type refusedName struct {
	why   error
	until time.Time
}

// issuers are those whose tokens are taken: those that are named, and those of a pattern.
type issuers struct {
	*common
	named    map[string]*issuer
	patterns []pattern

	mu      sync.RWMutex
	tenants map[string]*issuer
	// following counts the followers, under mu, until the guard is closed.
	following sync.WaitGroup

	asking  singleflight.Group
	turns   chan struct{}
	refused *lru.Cache[string, refusedName]
}

func newIssuers(names []string, with *common) (*issuers, error) {
	refused, err := lru.New[string, refusedName](mostNotThere)
	if err != nil {
		return nil, err
	}
	all := &issuers{
		common:  with,
		named:   map[string]*issuer{},
		tenants: map[string]*issuer{},
		turns:   make(chan struct{}, askedAtOnce),
		refused: refused,
	}
	for _, name := range names {
		if before, after, found := strings.Cut(name, tenantMark); found {
			all.patterns = append(all.patterns, pattern{before, after})
		} else if all.named[name] == nil {
			all.named[name] = newIssuer(name, "", with)
			all.follow(all.named[name])
		}
	}
	return all, nil
}

func newIssuer(url, tenant string, with *common) *issuer {
	keys := newKeySet(url, with)
	return &issuer{common: with, url: url, tenant: tenant, keys: keys, endings: newEndings(with.log)}
}

// follow follows the endings of an issuer until the guard is closed.
func (all *issuers) follow(of *issuer) {
	if all.feed != nil {
		follower := follower{issuer: of}
		all.following.Go(func() { follower.follow(all.live) })
	}
}

// find is the issuer of this name, where its tokens are taken.
func (all *issuers) find(ctx context.Context, name string) (*issuer, error) {
	if held := all.held(name); held != nil {
		return held, nil
	}
	tenant := all.tenantIn(name)
	if tenant == "" {
		return nil, errUnknown
	}
	if why := all.whyRefused(name); why != nil {
		return nil, why
	}
	// Whoever comes meanwhile shares the answer.
	asked := all.asking.DoChan(name, func() (any, error) { return all.ask(name, tenant) })
	select {
	case answer := <-asked:
		found, _ := answer.Val.(*issuer)
		return found, answer.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ask asks a tenant's issuer for its keys, and keeps it where it has answered.
func (all *issuers) ask(name, tenant string) (*issuer, error) {
	// One that came in between has asked for the same.
	if held := all.held(name); held != nil {
		return held, nil
	}
	if why := all.whyRefused(name); why != nil {
		return nil, why
	}
	if !all.takeTurn() {
		return nil, errAway
	}
	defer func() { <-all.turns }()
	found := newIssuer(name, tenant, all.common)
	err := found.keys.begin(all.live)
	if err == nil {
		return all.keep(found)
	}
	refused := refusedName{why: errAway, until: all.now().Add(againWithout)}
	if errors.Is(err, errNotThere) {
		refused = refusedName{why: errUnknown, until: all.now().Add(notThereFor)}
	}
	all.refused.Add(name, refused)
	return nil, refused.why
}

func (all *issuers) takeTurn() bool {
	over := time.NewTimer(turnWithin)
	defer over.Stop()
	select {
	case all.turns <- struct{}{}:
		return true
	case <-over.C:
	case <-all.live.Done():
	}
	return false
}

func (all *issuers) held(name string) *issuer {
	if named := all.named[name]; named != nil {
		return named
	}
	all.mu.RLock()
	defer all.mu.RUnlock()
	return all.tenants[name]
}

func (all *issuers) whyRefused(name string) error {
	if refused, found := all.refused.Get(name); found && all.now().Before(refused.until) {
		return refused.why
	}
	return nil
}

// keep holds a tenant's issuer from now on.
func (all *issuers) keep(found *issuer) (*issuer, error) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if len(all.tenants) >= mostTenants {
		all.log.Error("there are more tenants than a guard holds", "most", mostTenants)
		return nil, errAway
	}
	// Whoever closes the guard waits for the followers that there are.
	if all.live.Err() != nil {
		return nil, errAway
	}
	all.tenants[found.url] = found
	all.follow(found)
	return found, nil
}

// close waits for the followers, which end.
func (all *issuers) close(end context.CancelFunc) {
	all.mu.Lock()
	end()
	all.mu.Unlock()
	all.following.Wait()
}

// every is every issuer that is held.
func (all *issuers) every() []*issuer {
	all.mu.RLock()
	defer all.mu.RUnlock()
	held := make([]*issuer, 0, len(all.named)+len(all.tenants))
	for _, one := range all.named {
		held = append(held, one)
	}
	for _, one := range all.tenants {
		held = append(held, one)
	}
	return held
}

// tenantIn is the tenant that a name names by a pattern; empty where it names none.
func (all *issuers) tenantIn(name string) string {
	for _, pattern := range all.patterns {
		rest, hasBefore := strings.CutPrefix(name, pattern.before)
		tenant, hasAfter := strings.CutSuffix(rest, pattern.after)
		if hasBefore && hasAfter && isTenant(tenant) {
			return tenant
		}
	}
	return ""
}

// isTenant says whether a name is one segment of a path or one label of a host, and leads nowhere else.
func isTenant(name string) bool {
	isOther := func(c rune) bool {
		isLetter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		return !isLetter && (c < '0' || c > '9') && c != '-' && c != '_'
	}
	return name != "" && len(name) <= longestTenant && !slices.ContainsFunc([]rune(name), isOther)
}
