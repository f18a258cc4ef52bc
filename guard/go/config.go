package guard

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// usualLeeway is how far clocks may differ, where nothing else is said.
	usualLeeway = 10 * time.Second
	// usualBound is how long the guard may have heard nothing, where nothing else is said. The issuer speaks every two
	// seconds.
	usualBound = 5 * time.Second
)

// Config is what a [Guard] is made of.
type Config struct {
	// Audience is the API, as tokens name it in aud. It is needed.
	Audience string
	// Issuers are those whose tokens are taken, at least one. A name is compared to the letter. One with {tenant} in it
	// is a pattern, such as https://id.example/t/{tenant}: the tenant is one path segment or one label of the host, of
	// letters, digits, - and _. Each tenant has its own keys, and one's never verify another's tokens. An issuer is an
	// address of https; http is for 127.0.0.1, localhost and ::1.
	Issuers []string
	// Feed follows what is ended. Without one, tokens are good until they expire.
	Feed *Feed
	// Leeway is how far clocks may differ: ten seconds where it is zero, none where it is negative.
	Leeway time.Duration
	// BoundTokens says what becomes of tokens that are bound to a key or a certificate: they are refused where it is not
	// said.
	BoundTokens BoundTokens
	// Logger is told at level debug why a token was refused, and at level warn what is wrong with an issuer. It is
	// [slog.Default] where it is nil.
	Logger *slog.Logger
	// Transport carries what the issuer is asked, for a private authority or a proxy. It is like
	// [http.DefaultTransport] where it is nil.
	Transport http.RoundTripper
	// Now is another clock, for tests. It is [time.Now] where it is nil.
	Now func() time.Time
}

// Feed says how the endings of an issuer are followed: by a client of the issuer that may have scope revocations by
// client_credentials.
type Feed struct {
	// ClientID and ClientSecret are the client's, at each issuer.
	ClientID     string
	ClientSecret string `json:"-"`
	// Bound is how long nothing may be heard until the guard counts as behind; five seconds where it is zero.
	Bound time.Duration
	// WhenBehind is what becomes of good tokens meanwhile; they are refused where it is not said.
	WhenBehind WhenBehind
	// Polling asks for a page so often in place of the stream, where a proxy in between holds streams back. It is less
	// than Bound; zero where the stream is read.
	Polling time.Duration
}

// String says all of it but the secret, so that no log bears it.
func (f Feed) String() string {
	return fmt.Sprintf("feed of %s, bound %v, when behind %s, polling %v", f.ClientID, f.Bound, f.WhenBehind, f.Polling)
}

// GoString is [Feed.String].
func (f Feed) GoString() string { return f.String() }

// WhenBehind is what to do with a good token while the guard has not heard from the issuer for longer than its bound.
type WhenBehind string

const (
	// Refuse refuses it, with 503: whoever was signed out stays out.
	Refuse WhenBehind = "refuse"
	// AskIntrospection asks the issuer about it (RFC 7662), and refuses it with 503 where that cannot be had either.
	AskIntrospection WhenBehind = "ask-introspection"
	// GoOn lets it pass until it expires, and counts it.
	GoOn WhenBehind = "go-on"
)

// BoundTokens is what to do with a token that is bound to a key or a certificate (cnf, RFC 7800).
type BoundTokens string

const (
	// RefuseBound refuses it: whoever bears it may have stolen it.
	RefuseBound BoundTokens = "refuse"
	// CallerChecks lets it pass: the API itself checks what [Principal.Confirmation] shows (RFC 8705, RFC 9449).
	CallerChecks BoundTokens = "caller-checks"
)

// complete is the same with what was left out, or what is wrong with it.
func (c Config) complete() (Config, error) {
	if c.Audience == "" {
		return c, errors.New("guard: an audience is needed")
	}
	if len(c.Issuers) == 0 {
		return c, errors.New("guard: an issuer is needed")
	}
	for _, name := range c.Issuers {
		if err := mayBeIssuer(name); err != nil {
			return c, err
		}
	}
	if c.BoundTokens == "" {
		c.BoundTokens = RefuseBound
	}
	if c.BoundTokens != RefuseBound && c.BoundTokens != CallerChecks {
		return c, fmt.Errorf("guard: %q is nothing to do with bound tokens", c.BoundTokens)
	}
	if c.Leeway == 0 {
		c.Leeway = usualLeeway
	}
	c.Leeway = max(c.Leeway, 0)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Feed == nil {
		return c, nil
	}
	feed, err := c.Feed.complete()
	c.Feed = &feed
	return c, err
}

func (f Feed) complete() (Feed, error) {
	if f.ClientID == "" {
		return f, errors.New("guard: the feed needs a client")
	}
	if f.Bound == 0 {
		f.Bound = usualBound
	}
	if f.Bound < 0 || f.Polling < 0 || f.Polling >= f.Bound {
		return f, errors.New("guard: the feed is to be asked more often than its bound, and with a pause")
	}
	if f.WhenBehind == "" {
		f.WhenBehind = Refuse
	}
	if !slices.Contains([]WhenBehind{Refuse, AskIntrospection, GoOn}, f.WhenBehind) {
		return f, fmt.Errorf("guard: %q is nothing to do when behind", f.WhenBehind)
	}
	return f, nil
}

// mayBeIssuer says what is wrong with the name of an issuer, or with a pattern of such.
func mayBeIssuer(name string) error {
	if strings.Count(name, tenantMark) > 1 {
		return fmt.Errorf("guard: %s is no pattern of issuers: it has one %s", name, tenantMark)
	}
	address, err := url.Parse(strings.Replace(name, tenantMark, "tenant", 1))
	// RFC 8414 section 2: no query and no fragment.
	if err != nil || address.Host == "" || address.User != nil || strings.ContainsAny(name, "?#") {
		return fmt.Errorf("guard: %s is no address of an issuer", name)
	}
	// Nobody in between can answer for https, nor for this very machine.
	isLocal := slices.Contains([]string{"127.0.0.1", "localhost", "::1"}, address.Hostname())
	if strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "http://") && isLocal {
		return nil
	}
	return fmt.Errorf("guard: %s is no address of https", name)
}
