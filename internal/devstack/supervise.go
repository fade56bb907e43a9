package devstack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"securemailid.example/internal/fault"
)

// A part that ends by itself is started again at most maxRestarts times within restartWindow: more often it is broken, and whoever
// develops wants to know.
const (
	maxRestarts   = 5
	restartWindow = time.Minute
	restartPause  = time.Second // after a failed start
)

// Supervise starts parts again that end by themselves, kill -9 included, until ctx ends, which is nil. A part that ends too often is a
// fault that names how it ended and its log. say is told what happens; it may be called from several goroutines. The caller stops no
// part meanwhile.
func (s *Stack) Supervise(ctx context.Context, say func(fault.Text)) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range []part{
		{"worker", s.shown("worker.log"), s.Worker},
		{"portal", s.shown("portal.log"), s.Portal},
		{"Temporal", s.shown("temporal.log"), s.Temporal.Process},
		{"PostgreSQL", s.shown("postgres/postgres.log"), s.Postgres},
	} {
		group.Go(func() error { return p.supervise(ctx, say) })
	}
	return group.Wait()
}

// shown is the path of a file below Dir as people read it: from where they are.
func (s *Stack) shown(name string) string {
	path := s.path(name)
	if here, err := os.Getwd(); err == nil {
		if short, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(short) {
			return short
		}
	}
	return path
}

// part is a child with what is said of it.
type part struct {
	name, log string
	child     interface {
		Done() <-chan struct{} // of the latest run
		Err() error            // how it ended
		Restart(ctx context.Context) error
	}
}

func (p part) supervise(ctx context.Context, say func(fault.Text)) error {
	var ends []time.Time // within the window
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.child.Done():
		}
		ends = append(ends, time.Now())
		for time.Since(ends[0]) > restartWindow {
			ends = ends[1:]
		}
		if len(ends) > maxRestarts {
			return p.givenUp()
		}
		say(fault.Text{
			JA: fmt.Sprintf("%s が終了しました (%s)。再起動しています… (記録: %s)", p.name, p.ended(), p.log),
			EN: fmt.Sprintf("%s has ended (%s), starting it again… (log: %s)", p.name, p.ended(), p.log),
		})
		err := p.child.Restart(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the stack is being stopped: that it did not start again is no fault
		}
		switch {
		case err != nil:
			reason, _, _ := strings.Cut(err.Error(), "\n") // behind it the end of the log
			say(fault.Text{JA: fmt.Sprintf("%s を起動できません: %s", p.name, reason), EN: fmt.Sprintf("%s does not start: %s", p.name, reason)})
			select { // what it needs may be starting itself
			case <-ctx.Done():
				return nil
			case <-time.After(restartPause):
			}
		default:
			say(fault.Text{JA: p.name + " は再び動作しています。", EN: p.name + " runs again."})
		}
	}
}

// ended says how the latest run ended, in the words of the system: "signal: killed", "exit status 1".
func (p part) ended() string {
	if err := p.child.Err(); err != nil {
		return err.Error()
	}
	return "exit status 0"
}

func (p part) givenUp() error {
	return fault.New(fault.Unavailable, "devstack.part-ended",
		fmt.Sprintf("%s が1分間に%d回を超えて終了したため、開発環境を停止します (最後: %s)。記録: %s", p.name, maxRestarts, p.ended(), p.log),
		fmt.Sprintf("%s has ended more than %d times within a minute (last: %s), so the development stack stops. Its log: %s", p.name, maxRestarts, p.ended(), p.log))
}
