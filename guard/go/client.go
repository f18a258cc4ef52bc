package guard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// errNoToken: the client of the feed is given no token.
var errNoToken = errors.New("the client is given no token")

// fetchToken gets the client's own token, for the feed (RFC 6749 section 4.4).
func (f *follower) fetchToken(ctx context.Context) (string, error) {
	told := f.keys.readMetadata(ctx)
	if told == nil || told.token == "" {
		return "", errNoEndpoint
	}
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"revocations"}}
	granted, err := f.post(ctx, told.token, form)
	if err != nil {
		return "", err
	}
	read := &reading{object: granted}
	return required[string](read, "access_token"), read.err
}

// introspect says whether the issuer says of a token that it counts (RFC 7662).
func (i *issuer) introspect(ctx context.Context, token string) (bool, error) {
	told := i.keys.readMetadata(ctx)
	if told == nil || told.introspection == "" {
		return false, errNoEndpoint
	}
	answer, err := i.post(ctx, told.introspection, url.Values{"token": {token}})
	if err != nil {
		return false, err
	}
	read := &reading{object: answer}
	return required[bool](read, "active"), read.err
}

// post sends a form as the client of the feed.
func (i *issuer) post(ctx context.Context, address string, form url.Values) (object, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// Both halves are encoded before they are joined (RFC 6749 section 2.3.1).
	request.SetBasicAuth(url.QueryEscape(i.feed.ClientID), url.QueryEscape(i.feed.ClientSecret))
	_, answer, err := ask(i.client, request, mostOfAnswer)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	return answer, nil
}
