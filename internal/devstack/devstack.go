// Package devstack is the whole system on one machine: PostgreSQL, Temporal, DNS, WHOIS, a web host, a mailbox, a CA, the worker and
// the portal, all real and all private to the machine. "starter dev" and "starter demo" run it, and so do the end-to-end tests, which
// kill its parts.
package devstack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"securemailid.example/internal/cli"
	"securemailid.example/internal/devstack/mailbox"
	"securemailid.example/internal/devstack/netlab"
	"securemailid.example/internal/devstack/postgres"
	"securemailid.example/internal/devstack/proc"
	"securemailid.example/internal/devstack/temporal"
)

// Options says how to run the stack.
type Options struct {
	Dir      string        // keeps all state; found again after a restart
	Ports    Ports         // zero value: free ones
	Worker   string        // path of the worker's executable
	Starter  string        // path of the starter's executable, which serves the portal
	CADir    string        // an existing CA; empty: one is made below Dir
	UI       bool          // serve Temporal's UI
	Volatile bool          // tests: PostgreSQL without fsync
	Poll     time.Duration // between two looks at a challenge; 0: two seconds
	Env      []string      // further settings of worker and portal
	Report   func(step string)
	Lang     cli.Lang // of what Report is told; empty: Japanese and English
	Logger   *slog.Logger
}

// Stack is a running system. Its parts are exported, because tests kill them.
type Stack struct {
	Options  Options
	Postgres *postgres.Server
	Temporal *temporal.Server
	Lab      *netlab.Lab
	Mailbox  *mailbox.Box
	Worker   *proc.Process
	Portal   *proc.Process

	PortalURL string
	env       []string
	closers   []func(context.Context) error // in the order of starting
}

// Start brings everything up and returns when all of it answers. What had been started is stopped again when a part fails.
func Start(ctx context.Context, o Options) (*Stack, error) {
	if o.Report == nil {
		o.Report = func(string) {}
	}
	if o.Poll == 0 {
		o.Poll = 2 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	o.Dir = dir
	s := &Stack{Options: o}
	steps := []struct {
		ja, en string
		do     func(context.Context) error
	}{
		{"ポート", "ports", o.Ports.check},
		{"PostgreSQL", "PostgreSQL", s.startPostgres},
		{"Temporal", "Temporal", s.startTemporal},
		{"DNS、WHOIS、ウェブサーバ", "DNS, WHOIS, web host", s.startLab},
		{"メールボックス", "mailbox", s.startMailbox},
		{"設定、鍵、認証局", "settings, keys and CA", s.prepare},
		{"ワーカー", "worker", s.startWorker},
		{"ポータル", "portal", s.startPortal},
	}
	for _, step := range steps {
		o.Report(o.Lang.Say(step.ja, step.en))
		if err := step.do(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("start %s: %w", step.en, err), s.Stop(context.WithoutCancel(ctx)))
		}
	}
	return s, nil
}

// Stop ends every part, the last started first.
func (s *Stack) Stop(ctx context.Context) error {
	var all error
	for i := len(s.closers) - 1; i >= 0; i-- {
		all = errors.Join(all, s.closers[i](ctx))
	}
	s.closers = nil
	return all
}

// Environ is the settings with which programs reach this stack.
func (s *Stack) Environ() []string { return s.env }

func (s *Stack) path(name string) string { return filepath.Join(s.Options.Dir, name) }

func (s *Stack) onStop(f func(context.Context) error) { s.closers = append(s.closers, f) }

func (s *Stack) startPostgres(ctx context.Context) error {
	if err := os.MkdirAll(s.Options.Dir, 0o755); err != nil { // PostgreSQL's user must be able to pass
		return err
	}
	pg, err := postgres.Start(ctx, postgres.Options{
		Dir: s.path("postgres"), Port: s.Options.Ports.Postgres, Volatile: s.Options.Volatile,
	})
	if err != nil {
		return err
	}
	s.Postgres = pg
	s.onStop(pg.Stop)
	return nil
}

func (s *Stack) startTemporal(ctx context.Context) error {
	t, err := temporal.Start(ctx, temporal.Config{
		DBFile: s.path("temporal.db"), Log: s.path("temporal.log"), Port: s.Options.Ports.Temporal,
		UI: s.Options.UI, UIPort: s.Options.Ports.TemporalUI, EagerActivities: true,
	})
	if err != nil {
		return err
	}
	s.Temporal = t
	s.onStop(t.Stop)
	return nil
}

// addr returns a listen address on the wanted port, or says which setting changes a taken one.
func addr(ctx context.Context, wanted int, setting string) (string, error) {
	port, err := proc.ClaimPort(ctx, "127.0.0.1", wanted, setting)
	return fmt.Sprintf("127.0.0.1:%d", port), err
}

func (s *Stack) startMailbox(ctx context.Context) error {
	smtp, err := addr(ctx, s.Options.Ports.SMTP, "SMID_DEV_SMTP_PORT")
	if err != nil {
		return err
	}
	web, err := addr(ctx, s.Options.Ports.Mailbox, "SMID_DEV_MAILBOX_PORT")
	if err != nil {
		return err
	}
	box, err := mailbox.Start(context.WithoutCancel(ctx), mailbox.Options{SMTPAddr: smtp, WebAddr: web, Dir: s.path("mail")})
	if err != nil {
		return err
	}
	s.Mailbox = box
	s.onStop(func(context.Context) error { return box.Close() })
	return nil
}
