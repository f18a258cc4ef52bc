package guard

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestAPatternTakesOneNameAndNothingThatLeadsElsewhere(t *testing.T) {
	for _, one := range []struct{ pattern, name, want string }{
		{"https://id.example/t/{tenant}", "https://id.example/t/acme", "acme"},
		{"https://id.example/t/{tenant}", "https://id.example/t/A-b_9", "A-b_9"},
		{"https://id.example/t/{tenant}", "https://id.example/t/", ""},
		{"https://id.example/t/{tenant}", "https://id.example/t/acme/", ""},
		{"https://id.example/t/{tenant}", "https://id.example/t/acme/x", ""},
		{"https://id.example/t/{tenant}", "https://id.example/t/../admin", ""},
		{"https://id.example/t/{tenant}", "https://id.example/t/acme?x", ""},
		{"https://id.example/t/{tenant}", "https://id.example/t/%61cme", ""},
		{"https://id.example/t/{tenant}", "https://id.example/t/acmé", ""},
		{"https://id.example/t/{tenant}", "https://ID.example/t/acme", ""},
		{"https://id.example/t/{tenant}", "https://id.example.evil/t/acme", ""},
		{"https://id.example/t/{tenant}", "http://id.example/t/acme", ""},
		{"https://{tenant}.id.example", "https://acme.id.example", "acme"},
		{"https://{tenant}.id.example", "https://evil.example/.id.example", ""},
		{"https://{tenant}.id.example", "https://a.b.id.example", ""},
		// Both sides may not be the same letters of a name.
		{"https://a/x{tenant}x", "https://a/x", ""},
	} {
		all, err := newIssuers([]string{one.pattern}, &common{})
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, all.tenantIn(one.name), one.want, one.name)
	}
	all, _ := newIssuers([]string{anyIssuer}, &common{})
	long := fmt.Sprintf("%063d", 0)
	mustEqual(t, all.tenantIn(base+"/"+long), long, "a long name")
	mustEqual(t, all.tenantIn(base+"/0"+long), "", "one that is too long")
}

// of makes the configuration of a guard of every tenant.
func ofEvery(c *Config) { c.Issuers = []string{anyIssuer} }

func TestEachTenantHasItsOwnKeys(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, ofEvery)
		mustBe(t, g, p.token(t, nil), nil)
		// Globex has another key of the same name from now on.
		globex := newTestKey(t, "one")
		p.set(func() { p.keys[0] = globex.jwk() })
		mustBe(t, g, globex.token(t, members{"iss": base + "/globex"}), nil)
		mustBe(t, g, globex.token(t, nil), ErrInvalidToken)
		mustBe(t, g, p.token(t, members{"iss": base + "/globex"}), ErrInvalidToken)
	})
}

func TestATenantThatIsNotThereIsNotAskedForAgainForAMinute(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		p.tenants = map[string]bool{"acme": true}
		g := p.guard(t, ofEvery)
		nobody := func() string { return p.token(t, members{"iss": base + "/nobody"}) }
		together(t, g, 20, nobody, ErrInvalidToken)
		time.Sleep(59 * time.Second)
		mustBe(t, g, nobody(), ErrInvalidToken)
		mustEqual(t, p.askedFor(".well-known/openid-configuration"), 1, "tries at the first address")
		p.set(func() { p.tenants["nobody"] = true })
		mustBe(t, g, nobody(), ErrInvalidToken)
		time.Sleep(time.Second)
		mustBe(t, g, nobody(), nil)
	})
}

func TestATenantThatAnswersForAnotherIsNotThere(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, ofEvery)
		p.set(func() { p.changed["issuer"] = base + "/globex" })
		mustBe(t, g, p.token(t, nil), ErrInvalidToken)
		mustBe(t, g, p.token(t, nil), ErrInvalidToken)
		mustEqual(t, p.askedFor(".well-known/openid-configuration"), 1, "tries")
		mustEqual(t, len(g.issuers.every()), 0, "held")
	})
}

func TestATenantThatIsAwayIsAskedForAgainSoon(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		p.isAway = true
		g := p.guard(t, ofEvery)
		for range 5 {
			mustBe(t, g, p.token(t, nil), ErrUnavailable)
		}
		mustEqual(t, p.askedFor(".well-known/openid-configuration"), 1, "tries")
		p.set(func() { p.isAway = false })
		time.Sleep(time.Second)
		mustBe(t, g, p.token(t, nil), nil)
	})
}

func TestNoMoreThanSixteenTenantsAreAskedForAtOnce(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		p.slow = 4 * time.Second
		g := p.guard(t, ofEvery)
		ended := make(chan time.Duration, 20)
		began := time.Now()
		for at := range cap(ended) {
			token := p.token(t, members{"iss": fmt.Sprint(base, "/t", at)})
			go func() {
				_, _ = g.Verify(context.Background(), token)
				ended <- time.Since(began)
			}()
		}
		synctest.Wait()
		mustEqual(t, p.askedFor(".well-known/openid-configuration"), 16, "asked for at once")
		for range 4 {
			mustEqual(t, <-ended, 2*time.Second, "who gets no turn waits no longer")
		}
		time.Sleep(10 * time.Second)
		mustEqual(t, len(g.issuers.every()), 16, "held")
	})
}

func TestNoMoreTenantsAreHeldThanTenThousand(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, ofEvery)
		mustBe(t, g, p.token(t, nil), nil)
		for at := range mostTenants - 1 {
			g.issuers.tenants[fmt.Sprint(at)] = g.issuers.tenants[acme]
		}
		mustBe(t, g, p.token(t, members{"iss": base + "/globex"}), ErrUnavailable)
		mustBe(t, g, p.token(t, nil), nil)
		for at := range mostNotThere + 1 {
			g.issuers.refused.Add(fmt.Sprint(at), refusedName{})
		}
		mustEqual(t, g.issuers.refused.Len(), 10_000, "names that are not there")
	})
}
