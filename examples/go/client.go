package main

import (
	"errors"
	"log/slog"
	"net/http"
)

// The cookies. Served by https they are to be Secure too, with __Host- before their names.
const (
	sessionCookie = "session"
	// browserCookie binds what comes back to the browser that has asked. It is no session: nobody is signed in by it.
	browserCookie = "sign-in"
)

// client is what a browser sees. Tokens stay here; the browser has a cookie that names its session.
type client struct {
	settings settings
	provider *provider
	api      *caller
	sessions kept[*session]
	// signIns are apart: anybody can begin as many as they like, and would push out who is signed in.
	signIns kept[signIn]
}

func newClient(with settings) *client {
	portcullis := &provider{settings: with, http: newHTTP()}
	return &client{
		settings: with,
		provider: portcullis,
		api:      &caller{http: newHTTP(), refresh: portcullis.refresh},
		sessions: newKept[*session](keptFor),
		signIns:  newKept[signIn](signInWithin),
	}
}

func (c *client) addTo(mux *http.ServeMux) {
	// A form of another site is not the user's own wish: this looks at Sec-Fetch-Site, and at Origin.
	ownForms := http.NewCrossOriginProtection()
	ownForms.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		show(w, http.StatusForbidden, page{Title: "Not signed out", Alert: "This came from another site."})
	}))
	mux.HandleFunc("GET /{$}", c.home)
	mux.HandleFunc("GET /login", c.login)
	mux.HandleFunc("GET /callback", c.callback)
	mux.HandleFunc("GET /reports", c.reports)
	mux.Handle("POST /logout", ownForms.Handler(http.HandlerFunc(c.logout)))
}

func (c *client) home(w http.ResponseWriter, r *http.Request) {
	who, found := c.sessions.find(valueOf(r, sessionCookie))
	if !found {
		show(w, http.StatusOK, page{Title: "Acme", SignIn: true})
		return
	}
	show(w, http.StatusOK, page{Title: "Acme", Text: "Signed in as " + who.name, SignOut: true})
}

func (c *client) login(w http.ResponseWriter, r *http.Request) {
	browser := valueOf(r, browserCookie)
	if browser == "" {
		browser = newID()
	}
	begun, there, err := c.provider.begin(browser)
	if err != nil {
		c.notSignedIn(w, r, err)
		return
	}
	setCookie(w, browserCookie, browser)
	http.Redirect(w, r, there(c.signIns.put(begun)), http.StatusSeeOther)
}

func (c *client) callback(w http.ResponseWriter, r *http.Request) {
	back := r.URL.Query()
	begun, found := c.signIns.take(back.Get("state"))
	if !found || begun.browser != valueOf(r, browserCookie) {
		c.notSignedIn(w, r, refused("This sign-in was not begun in this browser, took too long, or is done already."))
		return
	}
	who, err := c.provider.finish(r.Context(), begun, back)
	if err != nil {
		c.notSignedIn(w, r, err)
		return
	}
	// A new id: nobody who knew the one before is signed in by this.
	c.sessions.take(valueOf(r, sessionCookie))
	setCookie(w, sessionCookie, c.sessions.put(who))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (c *client) notSignedIn(w http.ResponseWriter, r *http.Request, err error) {
	if why, isRefused := errors.AsType[refused](err); isRefused {
		alert := string(why) + " Sign in once more."
		show(w, http.StatusBadRequest, page{Title: "Not signed in", Alert: alert, SignIn: true})
		return
	}
	away(w, r, err, page{Title: "Not signed in", Alert: "Portcullis does not answer. Try again soon."})
}

func (c *client) reports(w http.ResponseWriter, r *http.Request) {
	id := valueOf(r, sessionCookie)
	who, found := c.sessions.find(id)
	if !found {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	text, err := c.api.get(r.Context(), c.settings.base()+"/api/reports", who.tokens)
	switch {
	case err == nil:
		show(w, http.StatusOK, page{Title: "Reports", Text: text})
	case errors.Is(err, errEnded):
		// The cookie stays: another tab may have a new one by now.
		c.sessions.take(id)
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	case errors.Is(err, errForbidden):
		show(w, http.StatusForbidden, page{Title: "Not for you", Alert: "These reports are not open to you."})
	default:
		away(w, r, err, page{Title: "Not now", Alert: "The reports cannot be had now. Try again soon."})
	}
}

func (c *client) logout(w http.ResponseWriter, r *http.Request) {
	there := "/"
	if who, found := c.sessions.take(valueOf(r, sessionCookie)); found {
		there = c.provider.signOut(who.idToken)
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1})
	http.Redirect(w, r, there, http.StatusSeeOther)
}

// away answers where somebody cannot be reached, and says to the log who it was.
func away(w http.ResponseWriter, r *http.Request, err error, it page) {
	// A browser that has gone is nothing that is wrong here.
	if r.Context().Err() == nil {
		slog.Warn("a page cannot be shown now", "path", r.URL.Path, "error", err)
	}
	show(w, http.StatusServiceUnavailable, it)
}

func valueOf(r *http.Request, name string) string {
	cookie, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

func setCookie(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
}
