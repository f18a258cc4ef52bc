package guard

import (
	"strings"
	"testing"
	"time"
)

const goodHeader = `{"alg":"ES256","typ":"at+jwt","kid":"one"}`

func TestClaimsCountToTheLetterAndByTheirType(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, nil)
		good := `"iss":"` + acme + `","sub":"ada","aud":"` + api + `","exp":4102444800`
		mustBe(t, g, p.key.sign(t, goodHeader, `{`+good+`}`), nil)
		mustBe(t, g, p.key.sign(t, goodHeader, `{`+good+`,"Scope":7,"NBF":"x","nbf":0.5,"rev":-1,"auth_time":1.5,"amr":[]}`), nil)
		for _, changed := range []string{
			strings.Replace(good, `"exp"`, `"EXP"`, 1),
			strings.Replace(good, `"sub"`, `"Sub"`, 1),
			strings.Replace(good, `"ada"`, `null`, 1),
			strings.Replace(good, `4102444800`, `null`, 1),
			strings.Replace(good, `4102444800`, `"4102444800"`, 1),
			strings.Replace(good, `4102444800`, `1e400`, 1),
			strings.Replace(good, `"`+api+`"`, `null`, 1),
			strings.Replace(good, `"`+api+`"`, `[]`, 1),
			strings.Replace(good, `"`+api+`"`, `["`+api+`", null]`, 1),
			strings.Replace(good, `"`+api+`"`, `["`+api+`", 7]`, 1),
			strings.Replace(good, `"`+api+`"`, `{"`+api+`":1}`, 1),
			strings.Replace(good, `"ada"`, "\"\xff\"", 1),
			good + `,"exp":4102444801`,
			good + `,"\u0065xp":4102444801`,
			good + `,"sub":"bob"`,
			good + `,"scope":null`,
			good + `,"scope":["reports.read"]`,
			good + `,"nbf":"0"`,
			good + `,"nbf":null`,
			good + `,"client_id":7`,
			good + `,"jti":7`,
			good + `,"sid":7`,
			good + `,"gid":{}`,
			good + `,"acr":1`,
			good + `,"amr":"pwd"`,
			good + `,"amr":[null]`,
			good + `,"rev":"1"`,
			good + `,"rev":1.5`,
			good + `,"auth_time":"now"`,
			good + `,"cnf":null`,
		} {
			if _, err := g.Verify(t.Context(), p.key.sign(t, goodHeader, `{`+changed+`}`)); err != ErrInvalidToken {
				t.Errorf("%s: it is %v", changed, err)
			}
		}
		for _, payload := range []string{`null`, `[]`, `"text"`, ``, `{` + good + `}{}`} {
			mustBe(t, g, p.key.sign(t, goodHeader, payload), ErrInvalidToken)
		}
	})
}

func TestAHeaderCountsToTheLetterAndByItsType(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, nil)
		payload := `{"iss":"` + acme + `","sub":"ada","aud":"` + api + `","exp":4102444800}`
		for _, header := range []string{
			goodHeader,
			`{"alg":"ES256","typ":"application/AT+JWT","kid":"one"}`,
			// The only key there is.
			`{"alg":"ES256","typ":"at+jwt"}`,
		} {
			mustBe(t, g, p.key.sign(t, header, payload), nil)
		}
		for _, header := range []string{
			`{"alg":"ES256","Typ":"at+jwt","kid":"one"}`,
			`{"alg":"ES256","typ":"at+jwt","kid":"one","typ":"at+jwt"}`,
			`{"alg":"ES256","typ":"at+jwt","kid":null}`,
			`{"alg":"ES256","typ":"at+jwt","kid":1}`,
			`{"alg":"ES256","typ":null,"kid":"one"}`,
			`{"alg":"ES256","typ":["at+jwt"],"kid":"one"}`,
			`{"alg":"ES256","typ":"application/application/at+jwt","kid":"one"}`,
			`{"alg":"ES256","typ":"at+jwt","kid":"one","crit":[]}`,
			`{"alg":"ES256","typ":"at+jwt","kid":"one","crit":null}`,
			`{"alg":"ES384","typ":"at+jwt","kid":"one"}`,
			`{"alg":"es256","typ":"at+jwt","kid":"one"}`,
			`{"alg":"none","typ":"at+jwt","kid":"one"}`,
			`{"typ":"at+jwt","kid":"one"}`,
			`null`,
		} {
			if _, err := g.Verify(t.Context(), p.key.sign(t, header, payload)); err != ErrInvalidToken {
				t.Errorf("%s: it is %v", header, err)
			}
		}
	})
}

func TestATokenHasOneWayToBeWritten(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, nil)
		good := p.token(t, nil)
		mustBe(t, g, good, nil)
		fill := func(by int) string { return p.token(t, members{"filling": strings.Repeat("x", by)}) }
		room := (16*1024 - len(fill(0))) / 4 * 3
		mustBe(t, g, fill(room-3), nil)
		mustBe(t, g, fill(room+3), ErrInvalidToken)
		for _, token := range []string{
			"", ".", "..", "a.b.c", good + ".", good + "=", good[:len(good)-1] + "=", good + "\n", good[:9] + "\n" + good[9:],
			" " + good, good + "A", "🔑", strings.ReplaceAll(good, ".", ".."),
		} {
			mustBe(t, g, token, ErrInvalidToken)
		}
		// Bits that say nothing: the same signature by another text.
		last := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", good[len(good)-1])
		mustBe(t, g, good[:len(good)-1]+string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last^1]), ErrInvalidToken)
	})
}

func TestAPrincipalSaysWhatTheTokenSays(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, func(c *Config) { c.Issuers = []string{anyIssuer} })
		now := time.Now().Unix()
		token := p.token(t, members{
			"scope": "b reports.read  b", "sid": "s", "acr": "gold", "auth_time": now - 60, "amr": []string{"pwd"},
			"roles": []string{"admin"}, "large": 9007199254740993, "jti": "j", "exp": now + 60,
		})
		principal, err := g.VerifyHeader(t.Context(), []string{"bEARER   " + token})
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, principal.Issuer()+" "+principal.Tenant()+" "+principal.Subject()+" "+principal.ClientID(),
			acme+" acme ada app", "names")
		mustEqual(t, principal.Session()+principal.TokenID()+principal.ACR()+principal.AMR()[0], "sjgoldpwd", "names")
		mustEqual(t, strings.Join(principal.Scope(), " "), "b reports.read", "scope")
		mustEqual(t, principal.HasScope("reports") || principal.HasScope("") || !principal.HasScope("b"), false, "scope")
		mustEqual(t, principal.IsClient(), false, "is a client")
		mustEqual(t, principal.ExpiresAt().Unix(), now+60, "expiry")
		mustEqual(t, principal.AuthenticatedAt().Unix(), now-60, "authentication")
		mustEqual(t, principal.Confirmation(), nil, "confirmation")
		number := principal.Claims()["large"].(interface{ String() string })
		mustEqual(t, number.String(), "9007199254740993", "a large number")
		// What one does with the claims is no other's.
		principal.Claims()["sub"] = "bob"
		principal.Scope()[0] = "admin"
		mustEqual(t, principal.Claims()["sub"], any("ada"), "the subject")
		mustEqual(t, principal.HasScope("admin"), false, "scope")
	})
}

func TestWhatAHandlerWantsIsSaid(t *testing.T) {
	in(t, func(t *testing.T, p *played) {
		g := p.guard(t, nil)
		token := p.token(t, members{"scope": "a b", "acr": "gold", "auth_time": time.Now().Unix() - 60})
		principal, err := g.Verify(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		challenge := func(err error) string {
			if err == nil {
				return ""
			}
			return err.(*Refusal).Challenge()
		}
		mustEqual(t, challenge(principal.Require("a", "b")), "", "both")
		mustEqual(t, challenge(principal.Require("a", "c")), `Bearer error="insufficient_scope", `+
			`error_description="the access token lacks scope a c", scope="a c"`, "one lacks")
		mustEqual(t, challenge(principal.RequireAuthentication([]string{"gold"}, time.Minute)), "", "well")
		mustEqual(t, challenge(principal.RequireAuthentication(nil, 0)), "", "anyhow")
		stale := `Bearer error="insufficient_user_authentication", ` +
			`error_description="the user must authenticate again"`
		mustEqual(t, challenge(principal.RequireAuthentication([]string{"diamond", "gold"}, 59*time.Second)),
			stale+`, acr_values="diamond gold", max_age=59`, "too long ago")
		mustEqual(t, challenge(principal.RequireAuthentication([]string{"diamond"}, 0)), stale+`, acr_values="diamond"`, "not so")
		time.Sleep(time.Second)
		mustEqual(t, challenge(principal.RequireAuthentication(nil, time.Minute)), stale+`, max_age=60`, "a second later")
	})
}
