package guard

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhyATokenWasRefusedIsLoggedAndNoTokenNorSecretIs(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		var written bytes.Buffer
		level := &slog.LevelVar{}
		level.Set(slog.LevelDebug)
		g := p.guard(t, func(c *Config) {
			c.Logger = slog.New(slog.NewTextHandler(&written, &slog.HandlerOptions{Level: level}))
			c.Feed = &Feed{ClientID: "api", ClientSecret: "hush"}
		})
		synctest.Wait()
		refused := p.token(t, members{"aud": "https://elsewhere.example"})
		mustBe(t, g, refused, ErrInvalidToken)
		log := written.String()
		if !strings.Contains(log, "level=DEBUG") || !strings.Contains(log, "it is for another audience") {
			t.Fatal(log)
		}
		// What is wrong with an issuer is worth more than a debug message.
		level.Set(slog.LevelWarn)
		written.Reset()
		p.set(func() { p.feed.status, p.feed.pieces = http.StatusForbidden, func(func(string)) {} })
		time.Sleep(2 * usualBound)
		mustBe(t, g, p.token(t, nil), ErrUnavailable)
		log += written.String()
		if !strings.Contains(log, "the issuer answered 403") {
			t.Fatal(log)
		}
		// It would be said at each request.
		if strings.Contains(log, "nothing was heard from the issuer for too long") {
			t.Fatal(log)
		}
		for _, hidden := range []string{"hush", "feed-1", refused, strings.Split(refused, ".")[1]} {
			if strings.Contains(log, hidden) {
				t.Fatal(log)
			}
		}
		g.Close()
	})
}

func TestARefusalKnowsWhatItIs(t *testing.T) {
	for refusal, want := range map[*Refusal]string{
		ErrNoToken: "", ErrInvalidRequest: "invalid_request", ErrInvalidToken: "invalid_token", ErrUnavailable: "",
	} {
		mustEqual(t, refusal.Code(), want, refusal.Error())
	}
	mustEqual(t, ErrUnavailable.Status(), http.StatusServiceUnavailable, "status")
}

func TestWithoutATokenForTheFeedItIsBehind(t *testing.T) {
	for name, change := range map[string]func(p *played){
		"no endpoint":     func(p *played) { p.changed["token_endpoint"] = nil },
		"another address": func(p *played) { p.changed["token_endpoint"] = acme + "/nothing" },
		"no token":        func(p *played) { p.changed["token_endpoint"] = acme + "/jwks" },
		"no events": func(p *played) {
			p.feed.events = []members{{"n": 1, "kind": "session", "id": "s1"}}
		},
	} {
		in(t, func(t *testing.T, p *played) {
			change(p)
			g := follows(t, p, nil)
			time.Sleep(10 * time.Second)
			mustBe(t, g, p.token(t, nil), ErrUnavailable)
			mustEqual(t, g.Figures().SilentForMS, nil, name)
		})
	}
}
