package guard

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestATokenIsForHereAndNow(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, nil)
		now := time.Now().Unix()
		for name, changes := range map[string]members{
			"as usual": {}, "one of two": {"aud": []string{"https://b.example", api}}, "just over": {"exp": now - 9},
			"a fraction left": {"exp": float64(now) - 9.5}, "almost": {"nbf": now + 10},
		} {
			if _, err := g.Verify(t.Context(), p.token(t, changes)); err != nil {
				t.Errorf("%s: it is %v", name, err)
			}
		}
		for name, changes := range map[string]members{
			"over": {"exp": now - 10}, "a fraction over": {"exp": float64(now) - 10.5}, "not yet": {"nbf": now + 11},
			"for another": {"aud": api + "/v2"}, "of another": {"iss": "https://elsewhere.example"},
		} {
			if _, err := g.Verify(t.Context(), p.token(t, changes)); err != ErrInvalidToken {
				t.Errorf("%s: it is %v", name, err)
			}
		}
	})
}

func TestAHeldTokenIsSeenByTheClockEachTime(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		var passed time.Duration
		g := p.guard(t, func(c *Config) {
			c.Leeway = -time.Hour
			c.Now = func() time.Time { return time.Now().Add(passed) }
		})
		token := p.token(t, members{"exp": time.Now().Unix() + 60, "nbf": time.Now().Unix()})
		mustBe(t, g, token, nil)
		passed = 59 * time.Second
		mustBe(t, g, token, nil)
		passed = 60 * time.Second
		mustBe(t, g, token, ErrInvalidToken)
		passed = -time.Second
		mustBe(t, g, token, ErrInvalidToken)
	})
}

func TestAHeldTokenCostsNoSecondSignature(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, nil)
		held := p.token(t, nil)
		mustBe(t, g, held, nil)
		// The very same key, which from now on verifies nothing.
		key := g.issuers.named[acme].keys.known.Load().keys[0]
		key.public = &newTestKey(t, "another").private.PublicKey
		mustBe(t, g, held, nil)
		mustBe(t, g, p.token(t, nil), ErrInvalidToken)
	})
}

func TestNoMoreTokensAreHeldThanTenThousand(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, nil)
		first := p.token(t, nil)
		mustBe(t, g, first, nil)
		for at := range mostSeen - 1 {
			g.seen.Add(fmt.Sprint(at), nil)
		}
		mustEqual(t, g.seen.Contains(first), true, "the first is held")
		mustBe(t, g, p.token(t, nil), nil)
		mustEqual(t, g.seen.Len(), 10_000, "held")
		mustEqual(t, g.seen.Contains(first), false, "the first is held")
		// What is refused takes nobody's place.
		mustBe(t, g, p.token(t, members{"sub": nil}), ErrInvalidToken)
		mustEqual(t, g.seen.Contains("0"), true, "the second is held")
	})
}

func TestOneBearerTokenIsTaken(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g, token := p.guard(t, nil), p.token(t, nil)
		for _, one := range []struct {
			lines []string
			want  *Refusal
		}{
			{[]string{"Bearer " + token}, nil},
			{[]string{"BEARER   " + token + " "}, nil},
			{nil, ErrNoToken},
			{[]string{""}, ErrNoToken},
			{[]string{"Bearer"}, ErrNoToken},
			{[]string{"Bearer  "}, ErrNoToken},
			{[]string{"Basic YTpi"}, ErrNoToken},
			{[]string{token}, ErrNoToken},
			{[]string{"Bearer\t" + token}, ErrNoToken},
			{[]string{"Bearer " + token + " " + token}, ErrInvalidRequest},
			{[]string{"Bearer " + token + ", Bearer " + token}, ErrInvalidRequest},
			{[]string{"Bearer " + token, "Bearer " + token}, ErrInvalidRequest},
			{[]string{"Basic YTpi", "Bearer " + token}, ErrInvalidRequest},
			{[]string{"Bearer " + token + ","}, ErrInvalidToken},
		} {
			if _, err := g.VerifyHeader(t.Context(), one.lines); one.want == nil && err != nil || one.want != nil && err != one.want {
				t.Errorf("%s: it is %v", strings.Join(one.lines, " | "), err)
			}
		}
	})
}

func TestABoundTokenPassesWhereTheCallerChecks(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		bound := p.token(t, members{"cnf": members{"jkt": "print"}})
		mustBe(t, p.guard(t, nil), bound, ErrInvalidToken)
		g := p.guard(t, func(c *Config) { c.BoundTokens = CallerChecks })
		principal, err := g.Verify(t.Context(), bound)
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, fmt.Sprint(principal.Confirmation()), "map[jkt:print]", "what it is bound to")
	})
}

func TestAnotherKeyOfTheSameNameVerifiesNothing(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, nil)
		mustBe(t, g, newTestKey(t, "one").token(t, nil), ErrInvalidToken)
		mustBe(t, g, p.token(t, nil), nil)
		// Nor is one that is named by nobody the only one, where there are two.
		p.set(func() { p.keys = append(p.keys, newTestKey(t, "two").jwk()) })
		unnamed := p.key.sign(t, `{"alg":"ES256","typ":"at+jwt"}`, `{"iss":"`+acme+`","sub":"a","aud":"`+api+`","exp":4102444800}`)
		mustBe(t, g, unnamed, nil)
		mustBe(t, g, newTestKey(t, "three").token(t, nil), ErrInvalidToken)
		mustBe(t, g, unnamed, ErrInvalidToken)
	})
}

func TestAGuardIsMadeOfWhatCanBe(t *testing.T) {
	for name, config := range map[string]Config{
		"no audience":     {Issuers: []string{acme}},
		"no issuer":       {Audience: api},
		"bound tokens":    {Audience: api, Issuers: []string{acme}, BoundTokens: "perhaps"},
		"no client":       {Audience: api, Issuers: []string{acme}, Feed: &Feed{}},
		"polls too late":  {Audience: api, Issuers: []string{acme}, Feed: &Feed{ClientID: "api", Polling: 5 * time.Second}},
		"polls backwards": {Audience: api, Issuers: []string{acme}, Feed: &Feed{ClientID: "api", Polling: -1}},
		"when behind":     {Audience: api, Issuers: []string{acme}, Feed: &Feed{ClientID: "api", WhenBehind: "wait"}},
	} {
		if _, err := New(config); err == nil {
			t.Error(name)
		}
	}
	for _, issuer := range []string{
		"http://id.example", "http://localhost.evil.example", "http://127.0.0.2", "http://{tenant}.localhost", "http://{tenant}",
		"http://localhost:80@evil.example", "https://", "https://id.example/?a", "https://id.example/#a", "HTTPS://id.example",
		"https://a:b@id.example", "id.example", "ftp://localhost", "", "https://id.example/{tenant}/{tenant}",
		"http://localhos{tenant}", "https://id.example:{tenant}",
	} {
		if err := mayBeIssuer(issuer); err == nil {
			t.Error(issuer)
		}
	}
	for _, issuer := range []string{
		"https://id.example", "https://id.example/t/{tenant}", "https://{tenant}.id.example", "http://localhost:8000/t/acme",
		"http://127.0.0.1:8000", "http://[::1]:8000/t/{tenant}",
	} {
		if err := mayBeIssuer(issuer); err != nil {
			t.Error(err)
		}
	}
}

func TestASecretIsShownToNobody(t *testing.T) {
	config := Config{Feed: &Feed{ClientID: "api", ClientSecret: "hush"}}
	for _, shown := range []string{
		fmt.Sprintf("%v %+v %#v %s", config, config, config, *config.Feed),
		fmt.Sprintf("%v %+v %#v", config.Feed, *config.Feed, *config.Feed),
	} {
		if strings.Contains(shown, "hush") {
			t.Error(shown)
		}
	}
}
