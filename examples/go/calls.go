package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// mostOfAnswer is how much of an answer of the API is read, in bytes.
const mostOfAnswer = 1 << 20

// errForbidden: the API does not let them.
var errForbidden = errors.New("the API does not allow it")

// caller calls the API for somebody who is signed in: C to H of RFC 6749's picture.
type caller struct {
	http    *http.Client
	refresh func(string) (pair, error)
}

// get asks the API; where it refuses the token, once more with a new one. The error is errEnded, errForbidden or
// errAway, or that of ctx.
func (c *caller) get(ctx context.Context, address string, tokens *renewed) (string, error) {
	access := tokens.now().access
	status, text, err := c.ask(ctx, address, access)
	if err == nil && status == http.StatusUnauthorized {
		if access, err = tokens.insteadOf(ctx, access, c.refresh); err == nil {
			status, text, err = c.ask(ctx, address, access)
		}
	}
	switch {
	case err != nil:
		return "", err
	case status == http.StatusOK:
		return text, nil
	case status == http.StatusUnauthorized:
		// A token that is as new as can be: it is the session that is not good.
		return "", errEnded
	case status == http.StatusForbidden:
		return "", errForbidden
	default:
		return "", fmt.Errorf("%w: the API answered with %d", errAway, status)
	}
}

func (c *caller) ask(ctx context.Context, address, access string) (status int, text string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Authorization", "Bearer "+access)
	answer, err := c.http.Do(request)
	if err != nil {
		return 0, "", fmt.Errorf("%w: %w", errAway, err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostOfAnswer))
	if err != nil {
		return 0, "", fmt.Errorf("%w: %w", errAway, err)
	}
	return answer.StatusCode, string(body), nil
}
