package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// side is one way of doing a number of things.
type side struct {
	prepare func(ctx context.Context) error            // not measured; nil: nothing to prepare
	do      func(ctx context.Context) (float64, error) // returns how many a second
}

// comparison is what two sides came to: the medians of their rates and of the ratios of neighbouring rounds, by the clock and by the
// processor time of all programs involved. The second hardly hears what else the machine does.
type comparison struct {
	ours, limit, ratio float64
	low, high          float64 // quartiles of the ratios
	processor          float64
}

// takeTurns lets both sides do rounds of equally many things in turn, the first of each unmeasured and the order reversed each time, so
// that a noisy machine is noisy for both. Processor time is that of this program and its children, and of the servers and theirs.
func takeTurns(ctx context.Context, rounds int, ours, limit side, servers ...int) (comparison, error) {
	var our, their, ratios, processor []float64
	for i := range rounds + 1 {
		first, second := ours, limit
		if i%2 == 1 {
			first, second = limit, ours
		}
		a, aTime, err := first.round(ctx, servers)
		if err != nil {
			return comparison{}, err
		}
		b, bTime, err := second.round(ctx, servers)
		if err != nil {
			return comparison{}, err
		}
		if i%2 == 1 {
			a, b, aTime, bTime = b, a, bTime, aTime
		}
		fmt.Fprintf(os.Stderr, "  round %d: %.1f/s against %.1f/s, processor time %s against %s\n", i, a, b, aTime, bTime)
		if i > 0 {
			our, their, ratios, processor = append(our, a), append(their, b), append(ratios, a/b), append(processor, float64(bTime)/float64(aTime))
		}
	}
	slices.Sort(ratios)
	return comparison{
		ours: median(our), limit: median(their), ratio: median(ratios), low: ratios[len(ratios)/4], high: ratios[(3*len(ratios)-1)/4],
		processor: median(processor),
	}, nil
}

func (s side) round(ctx context.Context, servers []int) (rate float64, processor time.Duration, err error) {
	if s.prepare != nil {
		if err := s.prepare(ctx); err != nil {
			return 0, 0, err
		}
	}
	all := append([]int{os.Getpid()}, servers...)
	before, err := cpuTime(all...)
	if err != nil {
		return 0, 0, err
	}
	if rate, err = s.do(ctx); err != nil {
		return 0, 0, err
	}
	after, err := cpuTime(all...)
	return rate, max(after-before, tick), err
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// each does n things, so many at a time, and returns how many a second. The first error ends it.
func each(ctx context.Context, n, atATime int, do func(ctx context.Context, i int) error) (float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var group sync.WaitGroup
	start := time.Now()
	for range atATime {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	group.Wait()
	return float64(n) / time.Since(start).Seconds(), context.Cause(ctx)
}
