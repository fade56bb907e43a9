// Command histories makes the golden histories anew: it carries orders over every path of the workflow on a real stack and writes
// what the engine kept of each. workflows/replay_test.go holds every later version of the workflow to them.
//
//	go run ./internal/bench/histories [directory]
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"securemailid.example/internal/bench/stand"
)

func main() {
	dir := filepath.Join("workflows", "testdata", "histories")
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := run(dir); err != nil {
		fmt.Fprintln(os.Stderr, "histories:", err)
		os.Exit(1)
	}
}

// run walks every path, a few at a time, and writes <path>.json for each.
func run(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // part of the source
		return err
	}
	s, err := stand.Open(ctx, stand.Options{Volatile: true, Poll: time.Second, Report: func(step string) { fmt.Fprintln(os.Stderr, step) }})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close(context.WithoutCancel(ctx)) }() // its directory is a temporary one
	walks, ctx := errgroup.WithContext(ctx)
	walks.SetLimit(4)
	for name, walk := range paths() {
		walks.Go(func() error {
			number, err := walk(ctx, s)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			h, err := s.History(ctx, number)
			if err != nil {
				return err
			}
			text, err := render(h)
			if err != nil {
				return err
			}
			fmt.Printf("%-28s %3d events %6d bytes\n", name, len(h.GetEvents()), len(text))
			return os.WriteFile(filepath.Join(dir, name+".json"), text, 0o644) //nolint:gosec // part of the source
		})
	}
	return walks.Wait()
}
