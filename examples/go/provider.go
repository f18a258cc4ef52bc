package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

// answerWithin is how long an answer may take. A refresh and its retry are to fit into Portcullis's grace, which is ten
// seconds.
const answerWithin = 4 * time.Second

var wanted = []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess, "reports.read"}

// signIn is a sign-in that has begun. It stays here: what comes back must fit it.
type signIn struct {
	// browser is whose it is.
	browser  string
	nonce    string
	verifier string
}

// refused is why nobody was signed in, as people are told.
type refused string

func (r refused) Error() string { return string(r) }

// provider is the tenant at Portcullis, as a client sees it: A and B of RFC 6749's picture, and the refresh (G, H).
type provider struct {
	settings settings
	http     *http.Client
	asking   singleflight.Group
	held     atomic.Pointer[discovered]
}

// discovered is what the issuer says of itself.
type discovered struct {
	client     oauth2.Config
	verifier   *oidc.IDTokenVerifier
	endSession string
}

// newHTTP makes a client that follows no redirect: one could lead from the issuer to anywhere.
func newHTTP() *http.Client {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Timeout: answerWithin, CheckRedirect: stay}
}

// discover asks the issuer when it is first needed, once for all who wait. The error is errAway.
func (p *provider) discover() (*discovered, error) {
	if held := p.held.Load(); held != nil {
		return held, nil
	}
	// Nobody's context: the answer is for all of them.
	_, err, _ := p.asking.Do("", func() (any, error) { return nil, p.readMetadata(context.Background()) })
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAway, err)
	}
	return p.held.Load(), nil
}

func (p *provider) readMetadata(ctx context.Context) error {
	issuer, err := oidc.NewProvider(oidc.ClientContext(ctx, p.http), p.settings.issuer)
	if err != nil {
		return err
	}
	var more struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := issuer.Claims(&more); err != nil {
		return err
	}
	endpoint := issuer.Endpoint()
	// Where it is not said, whatever is refused is sent once more in another style: a code would be used twice.
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	p.held.Store(&discovered{
		client: oauth2.Config{
			ClientID:     p.settings.clientID,
			ClientSecret: p.settings.clientSecret,
			Endpoint:     endpoint,
			RedirectURL:  p.settings.base() + "/callback",
			Scopes:       wanted,
		},
		verifier:   issuer.Verifier(&oidc.Config{ClientID: p.settings.clientID}),
		endSession: more.EndSession,
	})
	return nil
}

// begin is A: what to remember, and where the browser is to go with the state under which that is kept.
func (p *provider) begin(browser string) (signIn, func(state string) string, error) {
	known, err := p.discover()
	if err != nil {
		return signIn{}, nil, err
	}
	begun := signIn{browser: browser, nonce: newID(), verifier: oauth2.GenerateVerifier()}
	there := func(state string) string {
		return known.client.AuthCodeURL(state, oidc.Nonce(begun.nonce), oauth2.S256ChallengeOption(begun.verifier))
	}
	return begun, there, nil
}

// finish is B: it takes what came back with the right state, and exchanges the code. The error is refused or errAway.
func (p *provider) finish(ctx context.Context, begun signIn, back url.Values) (*session, error) {
	// RFC 9207: an answer of another server is not to be taken to this one. No library looks at it.
	if back.Get("iss") != p.settings.issuer {
		return nil, refused("This answer comes from somewhere else.")
	}
	if back.Get("error") == "access_denied" {
		return nil, refused("You did not allow it.")
	}
	if back.Has("error") || back.Get("code") == "" {
		return nil, refused("Portcullis refused the sign-in.")
	}
	known, err := p.discover()
	if err != nil {
		return nil, err
	}
	ctx = oidc.ClientContext(ctx, p.http)
	token, err := known.client.Exchange(ctx, back.Get("code"), oauth2.VerifierOption(begun.verifier))
	if isInvalidGrant(err) {
		return nil, refused("The code is used up or too old.")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAway, withoutBody(err))
	}
	return known.signedIn(ctx, begun, token)
}

// signedIn checks the ID token. Its nonce is left to us by the library.
func (d *discovered) signedIn(ctx context.Context, begun signIn, token *oauth2.Token) (*session, error) {
	raw, _ := token.Extra("id_token").(string)
	idToken, err := d.verifier.Verify(ctx, raw)
	if err != nil || idToken.Nonce != begun.nonce {
		return nil, refused("The ID token is not for this sign-in.")
	}
	claims := struct{ Name string }{Name: idToken.Subject}
	if err := idToken.Claims(&claims); err != nil {
		return nil, refused("The ID token cannot be read.")
	}
	first := pair{access: token.AccessToken, refresh: token.RefreshToken}
	return &session{name: claims.Name, idToken: raw, tokens: &renewed{pair: first}}, nil
}

// refresh is G and H: a new pair for a refresh token (RFC 6749 section 6). Where the answer is lost nobody knows
// whether the token was used up. It is sent once more: within its grace the server answers the same again. The error
// is errEnded or errAway.
func (p *provider) refresh(token string) (pair, error) {
	if token == "" {
		return pair{}, errEnded
	}
	known, err := p.discover()
	if err != nil {
		return pair{}, err
	}
	next, err := p.refreshOnce(known, token)
	if isLost(err) {
		next, err = p.refreshOnce(known, token)
	}
	switch {
	case isInvalidGrant(err):
		return pair{}, errEnded
	case err != nil:
		// Any other refusal is a fault of this client's settings, which no sign-in mends.
		return pair{}, fmt.Errorf("%w: %w", errAway, withoutBody(err))
	}
	return pair{access: next.AccessToken, refresh: next.RefreshToken}, nil
}

// refreshOnce has a token source made for one question: without an access token it refreshes at once. It is given no
// context of a request's, and is thrown away before it could refresh by itself ([renewed] says why).
func (p *provider) refreshOnce(known *discovered, token string) (*oauth2.Token, error) {
	ctx := oidc.ClientContext(context.Background(), p.http)
	return known.client.TokenSource(ctx, &oauth2.Token{RefreshToken: token}).Token()
}

// signOut is where the browser is to go to be signed out of Portcullis too (OpenID Connect RP-Initiated Logout 1.0).
func (p *provider) signOut(idToken string) string {
	known, err := p.discover()
	if err != nil || known.endSession == "" {
		return "/"
	}
	return known.endSession + "?" + url.Values{
		"id_token_hint":            {idToken},
		"post_logout_redirect_uri": {p.settings.base() + "/"},
	}.Encode()
}

// isLost says whether nothing was decided, as far as it is known here.
func isLost(err error) bool {
	answer, isAnswer := errors.AsType[*oauth2.RetrieveError](err)
	return err != nil && (!isAnswer || answer.Response.StatusCode >= http.StatusInternalServerError)
}

func isInvalidGrant(err error) bool {
	answer, isAnswer := errors.AsType[*oauth2.RetrieveError](err)
	return isAnswer && answer.ErrorCode == "invalid_grant"
}

// withoutBody is an error that may be logged: the library's has the whole answer in it.
func withoutBody(err error) error {
	if answer, isAnswer := errors.AsType[*oauth2.RetrieveError](err); isAnswer {
		return fmt.Errorf("the token endpoint answered with %d %q", answer.Response.StatusCode, answer.ErrorCode)
	}
	return err
}
