package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/tmaxmax/go-sse"
)

// silence is how long a stream may say nothing until it is given up, before the usual bound is reached.
const silence = 4 * time.Second

var errSilent = fmt.Errorf("nothing was heard for %v", silence)

// stream reads what is ended as it comes, until that breaks off or falls silent.
func (f *follower) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	request, err := f.request(ctx, "")
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "text/event-stream")
	// What is compressed may be held back until there is enough of it.
	request.Header.Set("Accept-Encoding", "identity")
	if f.cursor != "" {
		request.Header.Set("Last-Event-ID", f.cursor)
	}
	tooLong := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer tooLong.Stop()
	answer, err := f.client.Do(request)
	if err == nil {
		defer func() { _ = answer.Body.Close() }()
		err = f.listen(answer, func() { tooLong.Reset(silence) })
	}
	if errors.Is(context.Cause(ctx), errSilent) {
		return errSilent
	}
	return err
}

// listen takes up what a stream says, and says that it does.
func (f *follower) listen(answer *http.Response, goOn func()) error {
	if answer.StatusCode != http.StatusOK {
		return statusError(answer.StatusCode)
	}
	if kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); kind != "text/event-stream" {
		return errors.New("the feed answered with something else than a stream")
	}
	// A comment is the sign that nothing else has ended, and no event.
	pieces := &comments{from: answer.Body, heard: func() {
		f.hear(f.now())
		goOn()
	}}
	for said, err := range sse.Read(pieces, nil) {
		if err != nil {
			return fmt.Errorf("the stream broke off: %w", err)
		}
		goOn()
		if said.Data != "" {
			told, err := readEvent([]byte(said.Data))
			if err != nil {
				return fmt.Errorf("an event is not what it should be: %w", err)
			}
			f.endings.apply(told)
			f.prune()
		}
		if said.LastEventID != "" {
			f.cursor = said.LastEventID
		}
	}
	return nil
}

// comments notices comments in a stream: lines that begin with a colon, wherever the pieces are cut that it comes in.
// Who reads is given what came before a comment first: what that ends is taken up when the comment is heard.
type comments struct {
	from  io.Reader
	heard func()

	buffer [4096]byte
	rest   []byte
	isIn   bool // within a line
	err    error
}

// Read is for [io.Reader].
func (c *comments) Read(into []byte) (int, error) {
	if len(into) == 0 {
		return 0, nil
	}
	if len(c.rest) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		var n int
		n, c.err = c.from.Read(c.buffer[:])
		if c.rest = c.buffer[:n]; n == 0 {
			return 0, c.err
		}
	}
	if !c.isIn && c.rest[0] == ':' {
		c.heard()
	}
	end := 1
	for end < len(c.rest) && (c.rest[end] != ':' || !isLineEnd(c.rest[end-1])) {
		end++
	}
	n := copy(into, c.rest[:end])
	c.rest = c.rest[n:]
	c.isIn = !isLineEnd(into[n-1])
	return n, nil
}

func isLineEnd(c byte) bool { return c == '\n' || c == '\r' }
