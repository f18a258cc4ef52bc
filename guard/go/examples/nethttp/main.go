// Command nethttp is an API behind the guard, with net/http.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"portcullis/guard"
)

func newGuard() (*guard.Guard, error) {
	return guard.New(guard.Config{
		Audience: os.Getenv("AUDIENCE"),
		Issuers:  []string{os.Getenv("ISSUER")},
		Feed: &guard.Feed{
			ClientID:     os.Getenv("CLIENT_ID"),
			ClientSecret: os.Getenv("CLIENT_SECRET"),
			WhenBehind:   guard.WhenBehind(os.Getenv("WHEN_BEHIND")),
		},
	})
}

func routes(g *guard.Guard) http.Handler {
	gold := guard.RequireAuthentication([]string{"gold"}, 300*time.Second)
	mux := http.NewServeMux()
	mux.Handle("GET /me", g.Require()(http.HandlerFunc(me)))
	mux.Handle("GET /reports", g.Require("reports.read")(http.HandlerFunc(reports)))
	mux.Handle("GET /transfer", g.Require()(gold(http.HandlerFunc(transfer))))
	mux.HandleFunc("GET /figures", func(w http.ResponseWriter, _ *http.Request) { answer(w, g.Figures()) })
	return mux
}

func me(w http.ResponseWriter, r *http.Request) {
	principal := guard.FromContext(r.Context())
	whom := map[string]any{"sub": principal.Subject(), "tenant": nil}
	if tenant := principal.Tenant(); tenant != "" {
		whom["tenant"] = tenant
	}
	answer(w, whom)
}

func reports(w http.ResponseWriter, r *http.Request) {
	answer(w, "the reports of "+guard.FromContext(r.Context()).Subject())
}

func transfer(w http.ResponseWriter, _ *http.Request) {
	answer(w, "done")
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(value); err != nil {
		slog.Warn("an answer was not taken", "error", err)
	}
}

// run serves until it is told to end, and lets the requests finish that are under way.
func run() error {
	g, err := newGuard()
	if err != nil {
		return err
	}
	defer g.Close()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	server := &http.Server{Addr: os.Getenv("LISTEN"), Handler: routes(g), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	select {
	case err := <-ended:
		return fmt.Errorf("it cannot be served: %w", err)
	case <-ctx.Done():
	}
	within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(within)
}

func main() {
	if err := run(); err != nil {
		slog.Error("it ends", "error", err)
		os.Exit(1)
	}
}
