package guard

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	api       = "https://api.example"
	base      = "http://localhost"
	acme      = base + "/acme"
	anyIssuer = base + "/{tenant}"
)

type members = map[string]any

// testKey is a key of P-256.
type testKey struct {
	id      string
	private *ecdsa.PrivateKey
}

func newTestKey(t *testing.T, id string) testKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return testKey{id, private}
}

func (k testKey) jwk() jose.JSONWebKey {
	return jose.JSONWebKey{Key: &k.private.PublicKey, KeyID: k.id, Algorithm: "ES256", Use: "sig"}
}

// sign makes a token of these very parts.
func (k testKey) sign(t *testing.T, header, payload string) string {
	t.Helper()
	message := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." +
		base64.RawURLEncoding.EncodeToString([]byte(payload))
	digest := sha256.Sum256([]byte(message))
	r, s, err := ecdsa.Sign(rand.Reader, k.private, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return message + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// played is what the test plays: issuers at http://localhost/{tenant}, over connections that are no machine's, so that
// time stands still while everybody waits (testing/synctest).
type played struct {
	transport *http.Transport

	mu           sync.Mutex
	key          testKey
	keys         []jose.JSONWebKey
	cacheControl string
	isAway       bool
	slow         time.Duration   // until the metadata and the keys are answered
	asked        map[string]int  // by the end of the path
	changed      map[string]any  // in the metadata
	tenants      map[string]bool // none where all are there
	feed         feedPlayed
}

// play starts to answer, within a bubble.
func play(t *testing.T) *played {
	t.Helper()
	key := newTestKey(t, "one")
	p := &played{
		key: key, keys: []jose.JSONWebKey{key.jwk()}, cacheControl: "max-age=300",
		asked: map[string]int{}, changed: map[string]any{},
	}
	connections := pipes{make(chan net.Conn), make(chan struct{})}
	p.transport = &http.Transport{DialContext: connections.dial}
	server := &http.Server{Handler: p, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(connections) }()
	t.Cleanup(func() {
		p.transport.CloseIdleConnections()
		_ = server.Close()
		<-ended
		// Whoever still answers comes to its end.
		time.Sleep(2 * time.Hour)
	})
	return p
}

// pipes are connections within the test.
type pipes struct {
	begun chan net.Conn
	ended chan struct{}
}

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.begun <- theirs:
		return ours, nil
	case <-p.ended:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case connection := <-p.begun:
		return connection, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	close(p.ended)
	return nil
}

func (pipes) Addr() net.Addr { return &net.UnixAddr{} }

// guard makes a guard of the issuers that are played, which is closed when the test ends.
func (p *played) guard(t *testing.T, change func(*Config)) *Guard {
	t.Helper()
	config := Config{
		Audience: api, Issuers: []string{acme}, Transport: p.transport, Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&config)
	}
	made, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(made.Close)
	return made
}

// set changes what is played.
func (p *played) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// askedFor is how often something was asked for, by the end of its path.
func (p *played) askedFor(what string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[what]
}

func (p *played) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tenant, what, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	p.mu.Lock()
	p.asked[what]++
	isThere := p.tenants == nil || p.tenants[tenant]
	isAway, slow, isFeed := p.isAway, p.slow, what == "oauth2/revocations" || what == "token"
	p.mu.Unlock()
	if !isFeed {
		sleep(r.Context(), slow)
	}
	switch {
	case isAway:
		w.WriteHeader(http.StatusServiceUnavailable)
	case !isThere:
		w.WriteHeader(http.StatusNotFound)
	case isFeed || what == "introspect":
		p.feed.answer(p, what, w, r)
	case what == ".well-known/openid-configuration":
		p.tellMetadata(w, base+"/"+tenant)
	case what == "jwks":
		p.mu.Lock()
		defer p.mu.Unlock()
		w.Header().Set("Cache-Control", p.cacheControl)
		writeJSON(w, jose.JSONWebKeySet{Keys: p.keys})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (p *played) tellMetadata(w http.ResponseWriter, issuer string) {
	told := members{
		"issuer": issuer, "jwks_uri": issuer + "/jwks",
		"token_endpoint": issuer + "/token", "introspection_endpoint": issuer + "/introspect",
	}
	p.mu.Lock()
	maps.Copy(told, p.changed)
	p.mu.Unlock()
	writeJSON(w, told)
}

func writeJSON(w io.Writer, value any) {
	if err := json.NewEncoder(w).Encode(value); err != nil {
		panic(err)
	}
}

var tokens struct {
	sync.Mutex
	made int
}

// token is a good one with these claims beside the usual ones, or in their place; nil leaves one out.
func (p *played) token(t *testing.T, changes members) string {
	t.Helper()
	return p.key.token(t, changes)
}

func (k testKey) token(t *testing.T, changes members) string {
	t.Helper()
	tokens.Lock()
	tokens.made++
	id := fmt.Sprint("made-", tokens.made)
	tokens.Unlock()
	claims := members{
		"iss": acme, "sub": "ada", "aud": api, "client_id": "app", "jti": id, "scope": "reports.read",
		"iat": time.Now().Unix(), "exp": time.Now().Add(240 * time.Hour).Unix(),
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return k.sign(t, fmt.Sprintf(`{"alg":"ES256","typ":"at+jwt","kid":%q}`, k.id), string(payload))
}

// in runs a test in a bubble, whose time goes on when everybody waits.
func in(t *testing.T, test func(t *testing.T, p *played)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, play(t)) })
}

// mustBe asks a guard about a token; nil is a good one.
func mustBe(t *testing.T, g *Guard, token string, want *Refusal) {
	t.Helper()
	_, err := g.Verify(t.Context(), token)
	var got *Refusal
	if errors.As(err, &got); got != want {
		t.Fatalf("it is %v, not %v", err, want)
	}
}

func mustEqual[T comparable](t *testing.T, got, want T, what string) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: it is %v, not %v", what, got, want)
	}
}

// form is the parameters that were posted.
func form(r *http.Request) url.Values {
	if err := r.ParseForm(); err != nil {
		panic(err)
	}
	return r.PostForm
}

// jsonAnswer is an answer with a document.
func jsonAnswer(document any) *http.Response {
	answer := httptest.NewRecorder()
	writeJSON(answer, document)
	return answer.Result()
}
