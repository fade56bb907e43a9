// Command histories makes the golden histories anew: it carries orders over every path of the workflows on a real stack and writes
// what the engine kept of each. workflows/replay_test.go holds every later version of the workflows to them. Without names it walks
// every path.
//
//	go run ./internal/bench/histories [directory [name …]]
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"securemailid.example/internal/bench/stand"
)

func main() {
	dir, walks := filepath.Join("workflows", "testdata", "histories"), paths()
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if len(os.Args) > 2 {
		maps.DeleteFunc(walks, func(name string, _ path) bool { return !slices.Contains(os.Args[2:], name) })
	}
	if err := run(dir, walks); err != nil {
		fmt.Fprintln(os.Stderr, "histories:", err)
		os.Exit(1)
	}
}

// run walks the paths, a few at a time, and writes <path>.json for each.
func run(dir string, all map[string]path) error {
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
	for name, walk := range all {
		walks.Go(func() error {
			id, err := walk(ctx, s)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			h, err := s.History(ctx, id)
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
