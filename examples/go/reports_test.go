package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestTwentyRequestsWithAnExpiredTokenCauseOneRefresh(t *testing.T) {
	w := newWorld(t)
	w.signedIn(pairOf("1"))
	w.takes("access 2")
	w.onToken(func(to http.ResponseWriter, r *http.Request) {
		if r.FormValue("grant_type") != "refresh_token" || r.FormValue("refresh_token") != "refresh 1" {
			t.Errorf("it is asked %v", r.Form)
		}
		time.Sleep(100 * time.Millisecond)
		sendPair(to, pairOf("2"))
	})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			status, text, _ := w.get("/reports")
			if status != http.StatusOK || !strings.Contains(text, "the reports of &lt;1&gt;") {
				t.Errorf("%d %s", status, text)
			}
		})
	}
	all.Wait()
	if w.refreshes.Load() != 1 || w.calls.Load() > 40 {
		t.Errorf("%d refreshes, %d calls", w.refreshes.Load(), w.calls.Load())
	}
}

func TestALostAnswerIsAskedForOnceMore(t *testing.T) {
	for name, first := range map[string]http.HandlerFunc{
		"broken off": lose,
		"503":        sendError(http.StatusServiceUnavailable, "temporarily_unavailable"),
		"502":        func(to http.ResponseWriter, _ *http.Request) { to.WriteHeader(http.StatusBadGateway) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.signedIn(pairOf("1"))
			w.takes("access 2")
			w.onToken(func(to http.ResponseWriter, r *http.Request) {
				if r.FormValue("refresh_token") != "refresh 1" {
					t.Errorf("it is asked %v", r.Form)
				}
				if w.refreshes.Load() == 1 {
					first(to, r)
				}
				sendPair(to, pairOf("2"))
			})
			if status, text, _ := w.get("/reports"); status != http.StatusOK || w.refreshes.Load() != 2 {
				t.Errorf("%d refreshes, %d %s", w.refreshes.Load(), status, text)
			}
		})
	}
}

// What each page says, how often Portcullis and the API were asked, and whether the session is there after it.
func TestWhatDoesNotWorkIsSaid(t *testing.T) {
	good := func(to http.ResponseWriter, _ *http.Request) { sendPair(to, pairOf("2")) }
	answer := func(status int) http.HandlerFunc {
		return func(to http.ResponseWriter, _ *http.Request) { to.WriteHeader(status) }
	}
	for name, is := range map[string]struct {
		token, api       http.HandlerFunc
		status           int
		refreshes, calls int32
		there            string
	}{
		"refused refresh":     {sendError(400, "invalid_grant"), answer(401), 303, 1, 1, "/login"},
		"refused with 401":    {sendError(401, "invalid_grant"), answer(401), 303, 1, 1, "/login"},
		"refused new token":   {good, answer(401), 303, 1, 2, "/login"},
		"client not known":    {sendError(401, "invalid_client"), answer(401), 503, 1, 1, ""},
		"issuer away":         {lose, answer(401), 503, 2, 1, ""},
		"not allowed":         {good, answer(403), 403, 0, 1, ""},
		"API away":            {good, answer(503), 503, 0, 1, ""},
		"API breaks off":      {good, lose, 503, 0, 2, ""},
		"API leads elsewhere": {good, answer(302), 503, 0, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.signedIn(pairOf("1"))
			w.onToken(is.token)
			w.onAPI(is.api)
			status, text, there := w.get("/reports")
			if status != is.status || there != is.there {
				t.Errorf("%d to %q: %s", status, there, text)
			}
			if w.refreshes.Load() != is.refreshes || w.calls.Load() > is.calls {
				t.Errorf("%d refreshes, %d calls", w.refreshes.Load(), w.calls.Load())
			}
			_, text, _ = w.get("/")
			if isThere := strings.Contains(text, "Signed in as Ada"); isThere != (is.there == "") {
				t.Errorf("the session is there: %v", isThere)
			}
		})
	}
}

func TestWithoutARefreshTokenOnlySignInIsLeft(t *testing.T) {
	w := newWorld(t)
	w.signedIn(pair{access: "access 1"})
	w.takes("access 2")
	status, _, there := w.get("/reports")
	if status != http.StatusSeeOther || there != "/login" || w.refreshes.Load() != 0 {
		t.Errorf("%d to %q after %d refreshes", status, there, w.refreshes.Load())
	}
}
