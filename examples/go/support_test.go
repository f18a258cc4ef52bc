package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// world is the client, before an issuer and an API that do as a test says.
type world struct {
	t       *testing.T
	base    string
	client  *client
	browser *http.Client
	key     jose.JSONWebKey
	// token answers the token endpoint, api the API.
	token, api atomic.Pointer[http.HandlerFunc]
	// refreshes and calls are how often each was asked.
	refreshes, calls atomic.Int32
}

func newWorld(t *testing.T) *world {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, key: jose.JSONWebKey{Key: key, KeyID: "1", Algorithm: "ES256", Use: "sig"}}
	issuer := httptest.NewServer(nil)
	mux := http.NewServeMux()
	own := httptest.NewServer(mux)
	issuer.Config.Handler = w.issuer(issuer.URL)
	t.Cleanup(issuer.Close)
	t.Cleanup(own.Close)
	listen := strings.TrimPrefix(own.URL, "http://")
	with := settings{issuer: issuer.URL, clientID: "web", clientSecret: "secret", listen: listen}
	w.base, w.client = own.URL, newClient(with)
	w.client.addTo(mux)
	mux.HandleFunc("GET /api/reports", func(to http.ResponseWriter, r *http.Request) {
		w.calls.Add(1)
		(*w.api.Load())(to, r)
	})
	w.browser = newHTTP()
	if w.browser.Jar, err = cookiejar.New(nil); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) issuer(base string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(to http.ResponseWriter, _ *http.Request) {
		sendJSON(to, http.StatusOK, map[string]any{
			"issuer": base, "authorization_endpoint": base + "/authorize", "token_endpoint": base + "/token",
			"jwks_uri": base + "/jwks", "end_session_endpoint": base + "/logout",
			"id_token_signing_alg_values_supported": []string{"ES256"},
		})
	})
	mux.HandleFunc("GET /jwks", func(to http.ResponseWriter, _ *http.Request) {
		sendJSON(to, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{w.key.Public()}})
	})
	mux.HandleFunc("POST /token", func(to http.ResponseWriter, r *http.Request) {
		if id, secret, _ := r.BasicAuth(); id != "web" || secret != "secret" {
			w.t.Errorf("the client comes as %q", id)
		}
		w.refreshes.Add(1)
		(*w.token.Load())(to, r)
	})
	return mux
}

// idToken is an ID token of the issuer's for the client.
func (w *world) idToken(nonce string) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: w.key}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	claims := fmt.Sprintf(`{"iss":%q,"aud":"web","sub":"1","name":"Ada <Lovelace>","nonce":%q,"exp":%d}`,
		w.client.settings.issuer, nonce, time.Now().Add(time.Minute).Unix())
	signed, err := signer.Sign([]byte(claims))
	if err != nil {
		w.t.Fatal(err)
	}
	compact, _ := signed.CompactSerialize()
	return compact
}

// signedIn gives the browser a session with these tokens.
func (w *world) signedIn(first pair) {
	id := w.client.sessions.put(&session{name: "Ada", idToken: "the ID token", tokens: &renewed{pair: first}})
	own, _ := url.Parse(w.base)
	w.browser.Jar.SetCookies(own, []*http.Cookie{{Name: sessionCookie, Value: id, Path: "/"}})
}

func (w *world) onToken(answer http.HandlerFunc) { w.token.Store(&answer) }
func (w *world) onAPI(answer http.HandlerFunc)   { w.api.Store(&answer) }

// takes lets the API take one access token, and refuse all others.
func (w *world) takes(access string) {
	w.onAPI(func(to http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+access {
			to.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = to.Write([]byte("the reports of <1>"))
	})
}

// get asks for a page; what it says, and where it leads.
func (w *world) get(address string) (status int, text, there string) {
	return w.do(http.MethodGet, address, nil)
}

func (w *world) do(method, address string, headers map[string]string) (status int, text, there string) {
	if strings.HasPrefix(address, "/") {
		address = w.base + address
	}
	request, err := http.NewRequestWithContext(w.t.Context(), method, address, nil)
	if err != nil {
		w.t.Error(err)
		return 0, "", ""
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	answer, err := w.browser.Do(request)
	if err != nil {
		w.t.Error(err)
		return 0, "", ""
	}
	defer func() { _ = answer.Body.Close() }()
	var body strings.Builder
	_ = answer.Write(&body)
	return answer.StatusCode, body.String(), answer.Header.Get("Location")
}

func sendJSON(to http.ResponseWriter, status int, value any) {
	to.Header().Set("Content-Type", "application/json")
	to.WriteHeader(status)
	_ = json.NewEncoder(to).Encode(value)
}

func sendPair(to http.ResponseWriter, it pair) {
	sendJSON(to, http.StatusOK, map[string]any{
		"access_token": it.access, "refresh_token": it.refresh, "token_type": "Bearer", "expires_in": 900,
	})
}

func sendError(status int, code string) http.HandlerFunc {
	return func(to http.ResponseWriter, _ *http.Request) { sendJSON(to, status, map[string]string{"error": code}) }
}

// lose breaks off before there is an answer.
func lose(to http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }
