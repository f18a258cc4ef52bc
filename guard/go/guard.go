package guard

import (
	"context"
	"errors"
	"slices"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
)

// mostSeen is how many tokens are held that were seen to be good, and are not verified again.
const mostSeen = 10_000

// Guard checks access tokens. It is made once, by [New], and may be used by many at once.
type Guard struct {
	*common
	end     context.CancelFunc
	config  Config
	issuers *issuers
	seen    *lru.Cache[string, *seen]
	counted counted
}

// seen is a token that was verified.
type seen struct {
	principal *Principal
	issuer    *issuer
	key       *key
	// keyID is the kid that the token names; nil where it names none.
	keyID *string
}

// New makes a guard. Where it has a feed, the endings are followed from now on, until [Guard.Close].
func New(config Config) (*Guard, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	held, err := lru.New[string, *seen](mostSeen)
	if err != nil {
		return nil, err
	}
	live, end := context.WithCancel(context.Background())
	with := &common{
		live:   live,
		client: newClient(config.Transport),
		log:    config.Logger,
		now:    config.Now,
		leeway: config.Leeway,
		feed:   config.Feed,
	}
	all, err := newIssuers(config.Issuers, with)
	if err != nil {
		end()
		return nil, err
	}
	return &Guard{common: with, end: end, config: config, issuers: all, seen: held}, nil
}

// Close ends what goes on in the background, and waits for the followers. The guard asks the issuers nothing after it:
// with a feed it is behind from then on.
func (g *Guard) Close() {
	g.issuers.close(g.end)
	if g.config.Transport == nil {
		g.client.CloseIdleConnections()
	}
}

// VerifyHeader is whom a request with these Authorization headers speaks for, of which there may be one
// (RFC 6750 section 2.1). The error is a [*Refusal].
func (g *Guard) VerifyHeader(ctx context.Context, authorization []string) (*Principal, error) {
	if len(authorization) > 1 {
		return nil, ErrInvalidRequest
	}
	parts := strings.FieldsFunc(strings.Join(authorization, ""), func(c rune) bool { return c == ' ' })
	if len(parts) < 2 || !strings.EqualFold(parts[0], "bearer") {
		return nil, ErrNoToken
	}
	if len(parts) > 2 {
		return nil, ErrInvalidRequest
	}
	return g.Verify(ctx, parts[1])
}

// Verify is whom a token speaks for. The error is [ErrInvalidToken], or [ErrUnavailable] where it cannot be said, or ctx
// is over.
func (g *Guard) Verify(ctx context.Context, token string) (*Principal, error) {
	known, found := g.seen.Get(token)
	// Where its key is gone it is looked at as if it were new: another of its name may be there.
	if !found || !known.issuer.keys.has(known.keyID, known.key) {
		var err error
		if known, err = g.verified(ctx, token); err != nil {
			return nil, err
		}
		g.seen.Add(token, known)
	}
	if err := g.decide(ctx, known, token); err != nil {
		return nil, err
	}
	return known.principal, nil
}

// verified verifies a token: what does not change while its key is the issuer's.
func (g *Guard) verified(ctx context.Context, token string) (*seen, error) {
	said, err := readUnverified(token)
	if err != nil {
		return nil, g.refuse(err.Error())
	}
	issuer, err := g.issuers.find(ctx, said.issuer)
	if err != nil {
		return nil, g.withoutKey(ctx, err, "it is of another issuer")
	}
	key, err := issuer.keys.find(ctx, said.keyID)
	if err != nil {
		return nil, g.withoutKey(ctx, err, "its kid is unknown")
	}
	payload, err := key.verify(token)
	if err != nil {
		return nil, g.refuse(err.Error())
	}
	claims, err := readClaims(payload)
	switch {
	case err != nil:
		return nil, g.refuse(err.Error())
	case claims.issuer != issuer.url:
		return nil, g.refuse("it is of another issuer")
	case !slices.Contains(claims.audience, g.config.Audience):
		return nil, g.refuse("it is for another audience")
	case claims.isBound && g.config.BoundTokens != CallerChecks:
		return nil, g.refuse("it is bound to a key or a certificate, which nobody checks")
	}
	principal := &Principal{claims: claims, tenant: issuer.tenant, payload: payload, now: g.now}
	return &seen{principal: principal, issuer: issuer, key: key, keyID: said.keyID}, nil
}

// decide decides by what changes: the time, the issuer's keys, and what was ended.
func (g *Guard) decide(ctx context.Context, known *seen, token string) error {
	claims, now := known.principal.claims, g.now()
	seconds, leeway := float64(now.Unix()), g.leeway.Seconds()
	switch {
	case seconds >= claims.expires+leeway:
		return g.refuse("it has expired")
	case claims.notBefore > seconds+leeway:
		return g.refuse("it does not count yet")
	case !known.issuer.keys.has(known.keyID, known.key):
		return g.refuse("its key is gone")
	case g.feed == nil:
		return nil
	}
	var keyID string
	if known.key.id != nil {
		keyID = *known.key.id
	}
	switch known.issuer.endings.judge(claims, keyID, now, g.feed.Bound) {
	case isGood:
		return nil
	case isEnded:
		g.counted.ended.Add(1)
		return g.refuse("it was ended")
	default:
		return g.decideBehind(ctx, known.issuer, token)
	}
}

// decideBehind decides where it cannot be said whether a token was ended.
func (g *Guard) decideBehind(ctx context.Context, from *issuer, token string) error {
	switch g.feed.WhenBehind {
	case GoOn:
		g.counted.passedBehind.Add(1)
		return nil
	case AskIntrospection:
		g.counted.askedBehind.Add(1)
		counts, err := from.introspect(ctx, token)
		switch {
		case err != nil:
			return g.unavailable(ctx, "the issuer cannot be asked about it", "issuer", from.url, "error", err)
		case !counts:
			return g.refuse("the issuer says that it no longer counts")
		}
		return nil
	default:
		g.counted.refusedBehind.Add(1)
		return g.unavailable(ctx, "nothing was heard from the issuer for too long", "issuer", from.url)
	}
}

func (g *Guard) withoutKey(ctx context.Context, err error, ifUnknown string) error {
	if errors.Is(err, errUnknown) {
		return g.refuse(ifUnknown)
	}
	return g.unavailable(ctx, "its key cannot be had", "error", err)
}

func (g *Guard) refuse(why string) error {
	g.log.Debug("an access token is refused", "why", why)
	return ErrInvalidToken
}

func (g *Guard) unavailable(ctx context.Context, why string, more ...any) error {
	// Who is away is warned of where it is asked, not at each request.
	if ctx.Err() == nil {
		g.log.Debug("it cannot be said whether an access token is good", append(more, "why", why)...)
	}
	return ErrUnavailable
}
