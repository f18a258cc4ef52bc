package guard

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// feedPlayed is the feed of each issuer that is played: the same of all, under the lock of [played].
type feedPlayed struct {
	events []members
	// perPage is how many events a page has; all where it is zero.
	perPage int
	// pieces is what a stream says in a way of its own, in the place of comments and events.
	pieces func(say func(string))
	// slow is until a page is answered.
	slow time.Duration
	// isMute says no comments; hangs answers nothing; status is answered in the place of all.
	isMute, hangs bool
	status        int
	// good are the tokens that were given out, as long as they are not forgotten.
	good map[string]bool
	// credentials are what the last token was asked for with, and cursors what pages and streams began after.
	credentials string
	cursors     []string
	isInactive  bool
}

// speaksEach is how often a stream says a comment.
const speaksEach = 2 * time.Second

func (f *feedPlayed) answer(p *played, what string, w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	status, hangs, isInactive, slow := f.status, f.hangs, f.isInactive, f.slow
	p.mu.Unlock()
	if r.URL.RawQuery != "" {
		sleep(r.Context(), slow)
	}
	switch {
	case what == "introspect":
		if status != 0 {
			w.WriteHeader(status)
			return
		}
		writeJSON(w, members{"active": !isInactive})
	case what == "token":
		f.grant(p, w, r)
	case hangs:
		<-r.Context().Done()
	case status != 0:
		w.WriteHeader(status)
	default:
		f.revocations(p, w, r)
	}
}

func (f *feedPlayed) grant(p *played, w http.ResponseWriter, r *http.Request) {
	asked := form(r)
	id, secret, _ := r.BasicAuth()
	p.mu.Lock()
	defer p.mu.Unlock()
	f.credentials = id + ":" + secret + " " + asked.Get("grant_type") + " " + asked.Get("scope")
	if f.good == nil {
		f.good = map[string]bool{}
	}
	token := fmt.Sprint("feed-", p.asked["token"])
	f.good[token] = true
	writeJSON(w, members{"access_token": token})
}

func (f *feedPlayed) revocations(p *played, w http.ResponseWriter, r *http.Request) {
	isStream := r.Header.Get("Accept") == "text/event-stream"
	cursor := r.URL.Query().Get("after")
	if isStream {
		cursor = r.Header.Get("Last-Event-ID")
	}
	after, _ := strconv.ParseInt(cursor, 10, 64)
	p.mu.Lock()
	f.cursors = append(f.cursors, cursor)
	isGood := f.good[r.Header.Get("Authorization")[len("Bearer "):]]
	isTooOld := after > f.head()
	p.mu.Unlock()
	switch {
	case !isGood:
		w.WriteHeader(http.StatusUnauthorized)
	case isTooOld:
		w.WriteHeader(http.StatusGone)
	case isStream:
		f.stream(p, after, w, r)
	default:
		f.page(p, after, w)
	}
}

func (f *feedPlayed) page(p *played, after int64, w http.ResponseWriter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	events := f.since(after)
	if f.perPage > 0 && len(events) > f.perPage {
		events = events[:f.perPage]
	}
	if len(events) > 0 {
		after = numberOf(events[len(events)-1])
	}
	writeJSON(w, members{"events": events, "next": fmt.Sprint(after), "head": f.head()})
}

func (f *feedPlayed) stream(p *played, after int64, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	say := func(text string) {
		_, _ = w.Write([]byte(text))
		_ = http.NewResponseController(w).Flush()
	}
	say("")
	for spoken := time.Now(); r.Context().Err() == nil; time.Sleep(100 * time.Millisecond) {
		p.mu.Lock()
		events, pieces, isMute := f.since(after), f.pieces, f.isMute
		f.pieces = nil
		p.mu.Unlock()
		if pieces != nil {
			pieces(say)
			return
		}
		for _, told := range events {
			after = numberOf(told)
			say(fmt.Sprintf("id: %d\ndata: ", after))
			writeJSON(w, told)
			say("\n")
		}
		if !isMute && time.Since(spoken) >= speaksEach {
			spoken = time.Now()
			say(": alive\n\n")
		}
	}
}

func (f *feedPlayed) since(after int64) []members {
	events := []members{}
	for _, told := range f.events {
		if numberOf(told) > after {
			events = append(events, told)
		}
	}
	return events
}

func (f *feedPlayed) head() int64 {
	if len(f.events) == 0 {
		return 0
	}
	return numberOf(f.events[len(f.events)-1])
}

func numberOf(told members) int64 { return int64(told["n"].(int)) }

// ends is an event of the feed, which is over in a hundred days.
func ends(number int, kind, id string) members {
	return members{"n": number, "kind": kind, "id": id, "until": time.Now().Add(2400 * time.Hour).Unix()}
}

// cursors are what pages and streams began after, in turn.
func (p *played) cursors() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.feed.cursors)
}

// credentials are what the client of the feed has shown, and asked for.
func (p *played) credentials() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.feed.credentials
}

func lastOf(list []string) string { return list[len(list)-1] }
