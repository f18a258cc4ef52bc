package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"portcullis/guard"
)

// newGuard makes what takes the API's tokens: C to F of RFC 6749's picture. It hears what was ended.
func newGuard(with settings) (*guard.Guard, error) {
	return guard.New(guard.Config{
		Audience: with.audience,
		Issuers:  []string{with.issuer},
		Feed:     &guard.Feed{ClientID: with.apiClientID, ClientSecret: with.apiClientSecret},
	})
}

func addAPI(mux *http.ServeMux, g *guard.Guard) {
	mux.Handle("GET /api/reports", g.Require("reports.read")(http.HandlerFunc(reports)))
	mux.Handle("GET /api/me", g.Require()(http.HandlerFunc(me)))
}

func reports(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintf(w, "the reports of %s", guard.FromContext(r.Context()).Subject())
}

func me(w http.ResponseWriter, r *http.Request) {
	caller := guard.FromContext(r.Context())
	w.Header().Set("Content-Type", "application/json")
	whom := map[string]string{"sub": caller.Subject(), "scope": strings.Join(caller.Scope(), " ")}
	if err := json.NewEncoder(w).Encode(whom); err != nil {
		slog.Debug("an answer was not taken", "error", err)
	}
}
