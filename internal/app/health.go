package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// serveHealth answers /healthz (the process lives) and /readyz (it polls and its record answers) until ctx ends. Without an
// address it only waits.
func serveHealth(ctx context.Context, addr string, ready func(context.Context) error) error {
	if addr == "" {
		<-ctx.Done()
		return nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if ready(r.Context()) != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return serve(ctx, addr, &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second})
}

// serve runs a server until ctx ends, then lets requests under way end.
func serve(ctx context.Context, addr string, s *http.Server) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err = s.Shutdown(stop)
	if served := <-done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
