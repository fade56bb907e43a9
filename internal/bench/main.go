// Command bench measures the system, each figure beside its limit in the same run: our way and the bare way take turns on the same
// machine, and the ratio of the two is what counts. docs/performance.md says what the figures mean.
//
//	go run ./internal/bench [-only probe,issuance,vouchers,status,orders,waiting] [-waiting 1000,10000]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are the flags.
type settings struct {
	only    []string
	waiting []int
}

// section measures one thing and adds its lines to the table.
type section struct {
	name    string
	measure func(ctx context.Context, s settings, t *table) error
}

func sections() []section {
	return []section{
		{"probe", measureProbe},
		{"issuance", measureIssuance},
		{"vouchers", measureVouchers},
		{"status", measureStatus},
		{"orders", measureOrders},
		{"waiting", measureWaiting},
	}
}

func main() {
	bare := flag.String("bare-worker", "", "run the worker of the bare workflow for the Temporal server at this `address` (for the program itself)")
	only := flag.String("only", "", "measure only these, separated by commas: probe, issuance, vouchers, status, orders, waiting")
	waiting := flag.String("waiting", "1000", "numbers of waiting orders at which the worker's memory is read; 10,000 take some ten minutes")
	flag.Parse()
	var err error
	if *bare != "" {
		err = runBareWorker(*bare)
	} else {
		err = run(*only, *waiting)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(only, waiting string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s, err := read(only, waiting)
	if err != nil {
		return err
	}
	var t table
	for _, each := range sections() {
		if len(s.only) > 0 && !slices.Contains(s.only, each.name) {
			continue
		}
		start := time.Now()
		fmt.Fprintf(os.Stderr, "measuring %s …\n", each.name)
		if err := each.measure(ctx, s, &t); err != nil {
			return fmt.Errorf("%s: %w", each.name, err)
		}
		fmt.Fprintf(os.Stderr, "  %s took %s\n", each.name, time.Since(start).Round(time.Second))
	}
	t.print(os.Stdout)
	return nil
}

func read(only, waiting string) (settings, error) {
	var s settings
	if only != "" {
		s.only = strings.Split(only, ",")
	}
	for _, name := range s.only {
		if !slices.ContainsFunc(sections(), func(each section) bool { return each.name == name }) {
			return s, fmt.Errorf("nothing is called %q", name)
		}
	}
	for text := range strings.SplitSeq(waiting, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return s, errors.New("-waiting takes numbers, separated by commas")
		}
		s.waiting = append(s.waiting, n)
	}
	slices.Sort(s.waiting)
	return s, nil
}
