package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

// begin begins a sign-in; what Portcullis is asked.
func (w *world) begin() url.Values {
	status, text, there := w.get("/login")
	asked, err := url.Parse(there)
	if err != nil || status != http.StatusSeeOther {
		w.t.Fatalf("%d to %q: %s", status, there, text)
	}
	return asked.Query()
}

// grants answers a code with an ID token for this nonce.
func (w *world) grants(asked url.Values, nonce string) {
	w.onToken(func(to http.ResponseWriter, r *http.Request) {
		if oauth2.S256ChallengeFromVerifier(r.FormValue("code_verifier")) != asked.Get("code_challenge") {
			w.t.Error("the verifier is another's")
		}
		w.tokens(nonce)(to, r)
	})
}

func (w *world) tokens(nonce string) http.HandlerFunc {
	return func(to http.ResponseWriter, _ *http.Request) {
		sendJSON(to, http.StatusOK, map[string]any{
			"access_token": "access 1", "refresh_token": "refresh 1", "token_type": "Bearer", "id_token": w.idToken(nonce),
		})
	}
}

func (w *world) back(asked url.Values) url.Values {
	return url.Values{"code": {"a code"}, "state": {asked.Get("state")}, "iss": {w.client.settings.issuer}}
}

func TestSignInAndSignOut(t *testing.T) {
	w := newWorld(t)
	w.signedIn(pairOf("0"))
	asked := w.begin()
	if asked.Get("code_challenge_method") != "S256" || asked.Get("redirect_uri") != w.base+"/callback" ||
		asked.Get("scope") != "openid profile email offline_access reports.read" {
		t.Errorf("it is asked %v", asked)
	}
	w.grants(asked, asked.Get("nonce"))
	callback := "/callback?" + w.back(asked).Encode()
	if status, text, there := w.get(callback); status != http.StatusSeeOther || there != "/" {
		t.Fatalf("%d to %q: %s", status, there, text)
	}
	if _, text, _ := w.get("/"); !strings.Contains(text, "Signed in as Ada &lt;Lovelace&gt;") {
		t.Error(text)
	}
	if count := w.client.sessions.held.Len(); count != 1 {
		t.Errorf("%d sessions: the one before is there", count)
	}
	if status, text, _ := w.get(callback); status != http.StatusBadRequest || w.refreshes.Load() != 1 {
		t.Errorf("the same twice: %d %s", status, text)
	}
	elsewhere := map[string]string{"Origin": "https://elsewhere.example"}
	if status, _, _ := w.do(http.MethodPost, "/logout", elsewhere); status != http.StatusForbidden {
		t.Errorf("another site's form: %d", status)
	}
	status, _, there := w.do(http.MethodPost, "/logout", map[string]string{"Origin": w.base})
	to, _ := url.Parse(there)
	if status != http.StatusSeeOther || !strings.HasPrefix(there, w.client.settings.issuer+"/logout?") ||
		to.Query().Get("id_token_hint") == "" || to.Query().Get("post_logout_redirect_uri") != w.base+"/" {
		t.Errorf("%d to %q", status, there)
	}
	if _, text, _ := w.get("/"); strings.Contains(text, "Signed in") {
		t.Error(text)
	}
	if _, _, there := w.do(http.MethodPost, "/logout", map[string]string{"Sec-Fetch-Site": "same-origin"}); there != "/" {
		t.Errorf("signed out already, to %q", there)
	}
}

func withoutIDToken(to http.ResponseWriter, _ *http.Request) { sendPair(to, pairOf("1")) }

func TestAnAnswerThatFitsNoSignInIsRefused(t *testing.T) {
	for name, change := range map[string]func(w *world, back url.Values){
		"strange state":   func(_ *world, back url.Values) { back.Set("state", "another") },
		"no state":        func(_ *world, back url.Values) { back.Del("state") },
		"another issuer":  func(_ *world, back url.Values) { back.Set("iss", "https://elsewhere.example") },
		"no issuer":       func(_ *world, back url.Values) { back.Del("iss") },
		"no code":         func(_ *world, back url.Values) { back.Del("code") },
		"not allowed":     func(_ *world, back url.Values) { back.Set("error", "access_denied") },
		"another browser": func(w *world, _ url.Values) { w.browser.Jar = nil },
		"another nonce":   func(w *world, _ url.Values) { w.onToken(w.tokens("another")) },
		"code used up":    func(w *world, _ url.Values) { w.onToken(sendError(400, "invalid_grant")) },
		"not an ID token": func(w *world, _ url.Values) { w.onToken(withoutIDToken) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			asked := w.begin()
			w.grants(asked, asked.Get("nonce"))
			back := w.back(asked)
			change(w, back)
			status, text, _ := w.get("/callback?" + back.Encode())
			if status != http.StatusBadRequest || !strings.Contains(text, "Sign in once more.") {
				t.Errorf("%d %s", status, text)
			}
			if _, text, _ := w.get("/"); strings.Contains(text, "Signed in") {
				t.Error(text)
			}
		})
	}
}

func TestWhileTheIssuerIsAwayThatIsSaid(t *testing.T) {
	w := newWorld(t)
	w.client.provider.settings.issuer = "http://127.0.0.1:1"
	if status, text, _ := w.get("/login"); status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", status, text)
	}
	w.client.provider.settings.issuer = w.client.settings.issuer
	asked := w.begin()
	w.onToken(lose)
	if status, text, _ := w.get("/callback?" + w.back(asked).Encode()); status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", status, text)
	}
	if status, _, there := w.get("/reports"); status != http.StatusSeeOther || there != "/login" {
		t.Errorf("%d to %q", status, there)
	}
}
