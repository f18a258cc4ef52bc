package main

import (
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
)

//go:embed pages.html
var source embed.FS

var pages = template.Must(template.ParseFS(source, "pages.html"))

// page is what pages.html shows; what is empty is left out.
type page struct {
	Title, Text, Alert string
	// SignIn or SignOut is offered, or neither.
	SignIn, SignOut bool
}

func show(w http.ResponseWriter, status int, it page) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := pages.ExecuteTemplate(w, "page", it); err != nil {
		slog.Debug("a page was not taken", "error", err)
	}
}

// withHeaders says what a browser may load and do: nothing but what the pages need.
func withHeaders(issuer string, next http.Handler) http.Handler {
	// A form leads on to Portcullis, which a browser counts as the form's action.
	policy := "default-src 'none'; form-action 'self' " + origin(issuer) + "; frame-ancestors 'none'; base-uri 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers := w.Header()
		headers.Set("Content-Security-Policy", policy)
		headers.Set("Cache-Control", "no-store")
		headers.Set("Referrer-Policy", "same-origin")
		headers.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

func origin(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return parsed.Scheme + "://" + parsed.Host
}
