package guard

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func TestKeysAreHeldAsTheirAnswerSaysAndFetchedAhead(t *testing.T) {
	for said, fetchedAfter := range map[string]time.Duration{
		"public, max-age=100": 80 * time.Second,
		"max-age=1":           8 * time.Second,
		"no-store":            8 * time.Second,
		"":                    240 * time.Second,
		"max-age=999999999":   24 * time.Hour / 5 * 4,
	} {
		in(t, func(t *testing.T, p *played) {
			p.cacheControl = said
			g := p.guard(t, nil)
			mustBe(t, g, p.token(t, nil), nil)
			time.Sleep(fetchedAfter - time.Second)
			mustBe(t, g, p.token(t, nil), nil)
			synctest.Wait()
			mustEqual(t, p.askedFor("jwks"), 1, said+": fetched too early")
			time.Sleep(time.Second)
			synctest.Wait()
			mustEqual(t, p.askedFor("jwks"), 1, said+": fetched though no token came")
			for range 5 {
				mustBe(t, g, p.token(t, nil), nil)
			}
			synctest.Wait()
			mustEqual(t, p.askedFor("jwks"), 2, said+": fetched ahead, once")
		})
	}
}

func TestAFetchThatHangsBlocksNobodyWhoseKeyIsThere(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, nil)
		mustBe(t, g, p.token(t, nil), nil)
		time.Sleep(240 * time.Second)
		p.set(func() { p.slow = time.Hour })
		began := time.Now()
		for range 5 {
			mustBe(t, g, p.token(t, nil), nil)
			time.Sleep(time.Second)
		}
		mustEqual(t, time.Since(began), 5*time.Second, "the time that it took")
		mustEqual(t, p.askedFor(".well-known/openid-configuration"), 2, "one fetch at a time")
	})
}

// together asks about so many tokens at once.
func together(t *testing.T, g *Guard, count int, token func() string, want *Refusal) {
	t.Helper()
	var all sync.WaitGroup
	for range count {
		made := token()
		all.Go(func() {
			var got *Refusal
			if _, err := g.Verify(context.Background(), made); err != nil {
				errors.As(err, &got)
			}
			if got != want {
				t.Errorf("it is %v, not %v", got, want)
			}
		})
	}
	all.Wait()
}

func TestManyWhoComeFirstFetchTheKeysOnce(t *testing.T) {
	for _, issuers := range []string{acme, anyIssuer} {
		in(t, func(t *testing.T, p *played) {
			g := p.guard(t, func(c *Config) { c.Issuers = []string{issuers} })
			together(t, g, 50, func() string { return p.token(t, nil) }, nil)
			mustEqual(t, p.askedFor("jwks"), 1, "fetches")
		})
	}
}

func TestAKidThatNobodyKnowsAsksOnceAMinute(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, nil)
		mustBe(t, g, p.token(t, nil), nil)
		unknown := newTestKey(t, "two")
		strange := func() string { return unknown.token(t, nil) }
		together(t, g, 50, strange, ErrInvalidToken)
		mustEqual(t, p.askedFor("jwks"), 2, "all of them share one fetch")
		// The key comes too late for who has just asked.
		p.set(func() { p.keys = append(p.keys, unknown.jwk()) })
		time.Sleep(59 * time.Second)
		mustBe(t, g, strange(), ErrInvalidToken)
		mustEqual(t, p.askedFor("jwks"), 2, "within the minute")
		time.Sleep(time.Second)
		together(t, g, 50, strange, nil)
		mustEqual(t, p.askedFor("jwks"), 3, "after the minute")
	})
}

func TestWhileTheIssuerIsAwayItsLastKeysStay(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, nil)
		mustBe(t, g, p.token(t, nil), nil)
		p.set(func() { p.isAway = true })
		time.Sleep(time.Hour)
		mustBe(t, g, p.token(t, nil), nil)
		synctest.Wait()
		// Of a key that is not known it cannot be said now whether it is the issuer's.
		unknown := newTestKey(t, "two").token(t, nil)
		tries := p.askedFor(".well-known/openid-configuration")
		for range 10 {
			mustBe(t, g, unknown, ErrUnavailable)
			mustBe(t, g, p.token(t, nil), nil)
			time.Sleep(999 * time.Millisecond)
		}
		mustBe(t, g, unknown, ErrUnavailable)
		mustEqual(t, p.askedFor(".well-known/openid-configuration"), tries, "tries within ten seconds")
		time.Sleep(10 * time.Millisecond)
		p.set(func() { p.isAway = false })
		mustBe(t, g, unknown, ErrInvalidToken)
	})
}

func TestBeforeTheIssuerHasAnsweredItIsAskedEachSecond(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		p.isAway = true
		g := p.guard(t, nil)
		for range 5 {
			mustBe(t, g, p.token(t, nil), ErrUnavailable)
		}
		mustEqual(t, p.askedFor(".well-known/openid-configuration"), 1, "tries")
		p.set(func() { p.isAway = false })
		mustBe(t, g, p.token(t, nil), ErrUnavailable)
		time.Sleep(time.Second)
		mustBe(t, g, p.token(t, nil), nil)
	})
}

func TestAFetchIsFinishedThoughItsCallerIsGone(t *testing.T) {
	for _, issuers := range []string{acme, anyIssuer} {
		in(t, func(t *testing.T, p *played) {
			p.slow = 2 * time.Second
			g := p.guard(t, func(c *Config) { c.Issuers = []string{issuers} })
			began := time.Now()
			// Whoever hangs up again and again has asked once.
			for range 10 {
				short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				if _, err := g.Verify(short, p.token(t, nil)); !errors.Is(err, ErrUnavailable) {
					t.Fatal(err)
				}
				cancel()
			}
			mustEqual(t, time.Since(began), time.Second, "the callers wait no longer than they want to")
			time.Sleep(3 * time.Second)
			mustEqual(t, p.askedFor("jwks"), 1, "fetches")
			p.set(func() { p.isAway = true })
			mustBe(t, g, p.token(t, nil), nil)
		})
	}
}

func TestAKeyThatIsUnchangedStaysAndOneThatIsGoneVerifiesNothing(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, nil)
		held := p.token(t, nil)
		mustBe(t, g, held, nil)
		set := g.issuers.named[acme].keys
		before := set.known.Load()
		time.Sleep(240 * time.Second)
		mustBe(t, g, held, nil)
		synctest.Wait()
		after := set.known.Load()
		if before == after || before.keys[0] != after.keys[0] {
			t.Fatal("an unchanged key is another object")
		}
		// Another key of the same name.
		another := newTestKey(t, "one")
		p.set(func() { p.keys = []jose.JSONWebKey{another.jwk()} })
		time.Sleep(240 * time.Second)
		mustBe(t, g, held, nil)
		synctest.Wait()
		mustBe(t, g, held, ErrInvalidToken)
		mustBe(t, g, another.token(t, nil), nil)
	})
}

func TestAnAnswerThatIsTooLateOrTooLargeOrElsewhereIsNone(t *testing.T) {
	large := make([]jose.JSONWebKey, 4000)
	for name, change := range map[string]func(p *played){
		"late": func(p *played) { p.slow = time.Hour },
		"large": func(p *played) {
			for at := range large {
				large[at] = p.key.jwk()
			}
			p.keys = large
		},
		"another issuer": func(p *played) { p.changed["issuer"] = "https://id.example" },
		"no keys":        func(p *played) { p.changed["jwks_uri"] = nil },
		"no address":     func(p *played) { p.changed["jwks_uri"] = acme + "/nothing" },
	} {
		in(t, func(t *testing.T, p *played) {
			change(p)
			began := time.Now()
			mustBe(t, p.guard(t, nil), p.token(t, nil), ErrUnavailable)
			if within := time.Since(began); within > 5*time.Second {
				t.Fatalf("%s: it took %v", name, within)
			}
		})
	}
}

func TestAnAnswerIsReadNoFurtherThanItsMost(t *testing.T) {
	for filling, want := range map[int]bool{500 * 1024: true, 512 * 1024: false} {
		client := newClient(carrier(func(*http.Request) (*http.Response, error) {
			answer := httptest.NewRecorder()
			writeJSON(answer, members{})
			_, _ = answer.WriteString(strings.Repeat(" ", filling))
			return answer.Result(), nil
		}))
		_, _, err := get(t.Context(), client, acme)
		mustEqual(t, err == nil, want, "it is read")
	}
}

func TestWhoHasSeenNoneOfAFetchSharesIt(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		set := newKeySet(acme, p.guard(t, nil).common)
		seen := set.known.Load()
		<-set.fetch(seen, false)
		<-set.fetch(seen, false)
		mustEqual(t, p.askedFor("jwks"), 1, "fetches")
		<-set.fetch(set.known.Load(), false)
		mustEqual(t, p.askedFor("jwks"), 2, "fetches")
	})
}

func TestClosingEndsAFetch(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		p.slow = time.Hour
		g := p.guard(t, nil)
		ended := make(chan error)
		go func() {
			_, err := g.Verify(context.Background(), p.token(t, nil))
			ended <- err
		}()
		synctest.Wait()
		began := time.Now()
		g.Close()
		if err := <-ended; !errors.Is(err, ErrUnavailable) {
			t.Fatal(err)
		}
		mustEqual(t, time.Since(began), 0, "the time that it took")
	})
}

func TestARedirectIsNotFollowed(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, nil)
		followed := 0
		g.client.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			followed++
			header := http.Header{"Location": {acme + "/.well-known/openid-configuration"}}
			return &http.Response{StatusCode: http.StatusFound, Header: header, Body: http.NoBody, Request: r}, nil
		})
		mustBe(t, g, p.token(t, nil), ErrUnavailable)
		mustEqual(t, followed, 1, "requests")
	})
}

// carrier is a transport of the test's own.
type carrier func(*http.Request) (*http.Response, error)

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }
