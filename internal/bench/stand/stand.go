// Package stand runs the whole system to measure it and to record histories of it: the development stack with the programs as they
// are shipped, and the people who use it (applicant, domain owner, staff).
package stand

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"securemailid.example/internal/app"
	"securemailid.example/internal/config"
	"securemailid.example/internal/devstack"
	"securemailid.example/internal/engine"
	"securemailid.example/internal/policy"
)

// Options says what to run.
type Options struct {
	Poll     time.Duration // between two looks at a challenge; 0: 300 ms
	Volatile bool          // PostgreSQL without fsync: where only counts matter
	Env      []string      // further settings of the programs
	Report   func(step string)
}

// Stand is a running system and its users.
type Stand struct {
	*devstack.Stack
	Desk     *app.Desk
	Temporal client.Client

	dir string
	csr string
}

// Open builds the programs and starts everything in a directory of its own.
func Open(ctx context.Context, o Options) (s *Stand, err error) {
	s = &Stand{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close(context.WithoutCancel(ctx)))
		}
	}()
	if s.dir, err = os.MkdirTemp("", "smid-bench-"); err != nil {
		return s, err
	}
	if err := os.Chmod(s.dir, 0o755); err != nil { //nolint:gosec // PostgreSQL's own user must be able to pass
		return s, err
	}
	if err := build(ctx, s.dir); err != nil {
		return s, err
	}
	s.Stack, err = devstack.Start(ctx, devstack.Options{
		Dir: filepath.Join(s.dir, "stack"), Worker: filepath.Join(s.dir, "worker"), Starter: filepath.Join(s.dir, "starter"),
		Volatile: o.Volatile, Poll: cmp.Or(o.Poll, 300*time.Millisecond), Env: o.Env, Report: o.Report,
	})
	if err != nil {
		return s, err
	}
	err = s.enter(ctx)
	return s, err
}

// build makes the programs as they are shipped.
func build(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", dir+"/", "securemailid.example/worker", "securemailid.example/starter") //nolint:gosec // dir is our own
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return nil
}

// enter connects the users.
func (s *Stand) enter(ctx context.Context) error {
	logger := slog.New(slog.DiscardHandler)
	var err error
	s.Desk, err = app.OpenDesk(ctx, config.Common{
		Database: config.Database{URL: s.Postgres.DSN()}, Temporal: s.Stack.Temporal.HostPort(), Policy: policy.Guide,
		VoucherKeyFile: s.Setting("SMID_VOUCHER_KEY_FILE"), PublicURL: s.PortalURL,
	}, logger)
	if err != nil {
		return err
	}
	if s.Temporal, err = engine.Dial(ctx, s.Stack.Temporal.HostPort(), logger); err != nil {
		return err
	}
	s.csr, err = Request()
	return err
}

// Close stops everything and removes its directory.
func (s *Stand) Close(ctx context.Context) error {
	if s.Temporal != nil {
		s.Temporal.Close()
	}
	if s.Desk != nil {
		s.Desk.Close()
	}
	var err error
	if s.Stack != nil {
		err = s.Stop(ctx)
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// Setting returns a setting of the programs by its name.
func (s *Stand) Setting(name string) string {
	for _, line := range s.Environ() {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return value
		}
	}
	return ""
}
