package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// How soon the feed is asked again after it broke off: doubled each time, up to the most.
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
	// somePerPage is how many events are asked for at once.
	somePerPage = "1000"
)

// errNoEndpoint: the issuer's metadata cannot be had, or lacks an endpoint that is needed.
var errNoEndpoint = errors.New("the issuer's metadata cannot be had, or lacks an endpoint that is needed")

// follower follows the endings of an issuer by its feed.
type follower struct {
	*issuer
	// cursor is where it stands, and token the client's own; empty where it has none.
	cursor, token string
}

// page is some of the endings.
type page struct {
	events []event
	next   string
	isLast bool
}

// follow follows for as long as ctx lives.
func (f *follower) follow(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		began := f.now()
		err := f.read(ctx)
		if ctx.Err() != nil {
			return
		}
		// One that was heard in between is asked again soon.
		if f.endings.heardSince(began) {
			pause = firstPause
		}
		if err != nil {
			f.takeRefusal(err)
		}
		sleep(ctx, pause)
		pause = min(2*pause, longestPause)
	}
}

// takeRefusal learns from why the feed could not be read.
func (f *follower) takeRefusal(err error) {
	switch {
	case errors.Is(err, errNoToken):
		f.log.Warn("the token for an issuer's feed cannot be had", "issuer", f.url, "error", err)
	case isStatus(err, http.StatusUnauthorized):
		f.token = ""
	case isStatus(err, http.StatusGone):
		f.log.Warn("the issuer counts its endings anew: they are read from the beginning", "issuer", f.url)
		f.cursor = ""
	default:
		f.log.Warn("the endings of an issuer cannot be read", "issuer", f.url, "error", err)
	}
}

// read reads what was missed, and then what comes, until that breaks off.
func (f *follower) read(ctx context.Context) error {
	if err := f.catchUp(ctx); err != nil {
		return err
	}
	if f.feed.Polling == 0 {
		return f.stream(ctx)
	}
	for {
		sleep(ctx, f.feed.Polling)
		if err := f.catchUp(ctx); err != nil {
			return err
		}
	}
}

// catchUp reads pages up to the last event that there is.
func (f *follower) catchUp(ctx context.Context) error {
	for {
		query := url.Values{"limit": {somePerPage}}
		if f.cursor != "" {
			query.Set("after", f.cursor)
		}
		request, err := f.request(ctx, "?"+query.Encode())
		if err != nil {
			return err
		}
		began := f.now()
		_, document, err := ask(f.client, request, mostOfPage)
		if err != nil {
			return err
		}
		read, err := readPage(document)
		if err != nil {
			return fmt.Errorf("a page is not what it should be: %w", err)
		}
		for _, told := range read.events {
			f.endings.apply(told)
		}
		if read.isLast {
			f.cursor = read.next
			f.hear(began)
			return nil
		}
		if read.next == f.cursor {
			return errors.New("the feed has another page, and it is the same")
		}
		f.cursor = read.next
	}
}

// request is one to the feed, by the client's own token.
func (f *follower) request(ctx context.Context, query string) (*http.Request, error) {
	if f.token == "" {
		token, err := f.fetchToken(ctx)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNoToken, err)
		}
		f.token = token
	}
	address := strings.TrimRight(f.url, "/") + "/oauth2/revocations" + query
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+f.token)
	return request, nil
}

// hear notes that nothing else had ended at this time.
func (f *follower) hear(at time.Time) {
	f.endings.heard(at)
	f.prune()
}

// prune drops what can meet no token any more.
func (f *follower) prune() {
	now := f.now()
	f.endings.prune(now, now.Add(-f.leeway).Unix())
}

func readPage(document object) (page, error) {
	read := &reading{object: document}
	events := required[[]json.RawMessage](read, "events")
	next, head := required[string](read, "next"), required[int64](read, "head")
	if read.err != nil {
		return page{}, read.err
	}
	told := page{next: next, isLast: next == strconv.FormatInt(head, 10)}
	for _, raw := range events {
		one, err := readEvent(raw)
		if err != nil {
			return page{}, err
		}
		told.events = append(told.events, one)
	}
	return told, nil
}

// sleep sleeps for so long, or until ctx is over.
func sleep(ctx context.Context, pause time.Duration) {
	over := time.NewTimer(pause)
	defer over.Stop()
	select {
	case <-over.C:
	case <-ctx.Done():
	}
}
