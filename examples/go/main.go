// Command example-go is an application and its API behind Portcullis, with net/http: RFC 6749's picture from A to H.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// run serves until it is told to end, and lets the requests finish that are under way.
func run() error {
	with := readSettings()
	g, err := newGuard(with)
	if err != nil {
		return err
	}
	defer g.Close()
	mux := http.NewServeMux()
	addAPI(mux, g)
	newClient(with).addTo(mux)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	listener, err := net.Listen("tcp", with.listen)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           withHeaders(with.issuer, mux),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	fmt.Println("Open", with.base())
	select {
	case err := <-ended:
		return err
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
