package proc

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// final is a probe's error that waiting cannot mend.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// Await asks probe at once and then at the interval until it answers nil. When ctx ends first the error is ctx's together
// with the last answer of probe. Everything in the development stack and its tests that waits, waits here, for a state.
func Await(ctx context.Context, every time.Duration, probe Probe) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := probe(ctx)
		if err == nil {
			return nil
		}
		if f, ok := errors.AsType[final](err); ok {
			return f.error
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; last answer: %w", ctx.Err(), err)
		case <-tick.C:
		}
	}
}
