package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// answerWithin is how long an issuer may take over an answer, as a whole.
	answerWithin = 5 * time.Second
	// mostOfAnswer is how much of an answer is read, in bytes: a key set of a hundred keys is far below.
	mostOfAnswer = 512 * 1024
	// mostOfPage is the same of a page of the feed: a thousand events with long names are far below.
	mostOfPage = 4 * 1024 * 1024
)

// statusError is an answer that is not the document that was asked for.
type statusError int

func (s statusError) Error() string { return "the issuer answered " + strconv.Itoa(int(s)) }

// isStatus says whether an answer had one of these statuses.
func isStatus(err error, statuses ...int) bool {
	var got statusError
	if !errors.As(err, &got) {
		return false
	}
	for _, status := range statuses {
		if int(got) == status {
			return true
		}
	}
	return false
}

// newClient is a client that follows no redirect: it may lead from an issuer to anywhere.
func newClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = http.DefaultTransport
		if usual, ok := transport.(*http.Transport); ok {
			transport = usual.Clone()
		}
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Transport: transport, CheckRedirect: stay}
}

// get reads a JSON document, and for how long it may be held: negative where that is not said.
func get(ctx context.Context, client *http.Client, address string) (object, time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, 0, err
	}
	header, document, err := ask(client, request, mostOfAnswer)
	if err != nil {
		return nil, 0, err
	}
	return document, maxAge(strings.Join(header.Values("Cache-Control"), ",")), nil
}

// ask sends a request and reads the JSON document that answers it, within [answerWithin] and of at most so many bytes.
func ask(client *http.Client, request *http.Request, most int64) (http.Header, object, error) {
	ctx, cancel := context.WithTimeout(request.Context(), answerWithin)
	defer cancel()
	answer, err := client.Do(request.WithContext(ctx))
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, nil, statusError(answer.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	if err != nil {
		return nil, nil, err
	}
	if int64(len(body)) > most {
		return nil, nil, fmt.Errorf("the answer is larger than %d bytes", most)
	}
	document, err := readObject(body)
	if err != nil {
		return nil, nil, fmt.Errorf("the answer is not what it should be: %w", err)
	}
	return answer.Header, document.withoutNulls(), nil
}

// maxAge is for how long Cache-Control lets an answer be held (RFC 9111 section 5.2.2): zero where it may not be, and
// negative where nothing is said.
func maxAge(line string) time.Duration {
	for directive := range strings.SplitSeq(strings.ToLower(line), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch name {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			// A number that is too large is as large as it can be (RFC 9111 section 1.2.2).
			seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
			if err == nil || errors.Is(err, strconv.ErrRange) {
				return time.Duration(seconds) * time.Second
			}
		}
	}
	return -1
}
