package devstack

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"securemailid.example/internal/ca/ceremony"
	"securemailid.example/internal/devstack/netlab"
	"securemailid.example/internal/devstack/proc"
	"securemailid.example/internal/store"
)

// SettingsFile is the file below Options.Dir in which the stack leaves its settings for commands in other terminals.
const SettingsFile = "env"

func (s *Stack) startLab(ctx context.Context) error {
	var o netlab.Options
	p := s.Options.Ports
	for _, l := range []struct {
		addr    *string
		port    int
		setting string
	}{
		{&o.DNS, p.DNS, "SMID_DEV_DNS_PORT"}, {&o.Web, p.Web, "SMID_DEV_WEB_PORT"},
		{&o.WHOIS, p.WHOIS, "SMID_DEV_WHOIS_PORT"}, {&o.Admin, p.LabAdmin, "SMID_DEV_LAB_PORT"},
	} {
		var err error
		if *l.addr, err = addr(ctx, l.port, l.setting); err != nil {
			return err
		}
	}
	o.Dir = s.path("lab")
	lab, err := netlab.Start(context.WithoutCancel(ctx), o)
	if err != nil {
		return err
	}
	s.Lab = lab
	s.onStop(func(context.Context) error { return lab.Close() })
	return nil
}

// prepare makes what the programs need before they start: the schema, the key for vouchers, the CA, and the settings file.
func (s *Stack) prepare(ctx context.Context) error {
	records, err := store.Open(ctx, s.Postgres.DSN())
	if err != nil {
		return err
	}
	defer func() { _ = records.Disconnect() }()
	if err := records.Migrate(ctx); err != nil {
		return err
	}
	if err := s.makeVoucherKey(); err != nil {
		return err
	}
	if err := s.makeCA(ctx); err != nil {
		return err
	}
	if err := s.writeSettings(ctx); err != nil {
		return err
	}
	return nil
}

// makeVoucherKey draws the key under which vouchers are recognised, once. It is renamed into place when it is whole and on the disk: a
// crash meanwhile leaves no short key behind.
func (s *Stack) makeVoucherKey() error {
	final := s.path("voucher.key")
	if _, err := os.Stat(final); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.CreateTemp(s.Options.Dir, ".voucher.key-") // mode 0600
	if err != nil {
		return err
	}
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails since Go 1.24
	_, err = f.WriteString(hex.EncodeToString(key[:]) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), final)
}

// makeCA holds the ceremony with the example's settings, once.
func (s *Stack) makeCA(ctx context.Context) error {
	if s.Options.CADir != "" {
		return nil
	}
	s.Options.CADir = s.path("ca")
	return MakeCA(ctx, s.Options.CADir, func(step ceremony.Step) {
		s.Options.Report(fmt.Sprintf("CA %d/%d: %s", step.Number, step.Total, s.Options.Lang.Of(step.Text)))
	})
}

// MakeCA holds a ceremony with the example's settings in dir, unless one was completed there. report may be nil.
func MakeCA(ctx context.Context, dir string, report func(ceremony.Step)) error {
	if ceremony.Completed(dir) {
		return nil
	}
	spec, err := ceremony.Parse(strings.NewReader(ceremony.Example()))
	if err != nil {
		return err
	}
	if report == nil {
		report = func(ceremony.Step) {}
	}
	_, err = ceremony.Run(ctx, spec, dir, time.Now, rand.Reader, report)
	return err
}

func (s *Stack) startWorker(ctx context.Context) error {
	health, err := addr(ctx, 0, "")
	if err != nil {
		return err
	}
	p, err := proc.Start(ctx, proc.Spec{
		Name: "worker", Path: s.Options.Worker, Env: append(s.env, "SMID_HEALTH_LISTEN="+health), Log: s.path("worker.log"),
		Ready: answers("http://" + health + "/readyz"), Grace: 20 * time.Second,
	})
	if err != nil {
		return err
	}
	s.Worker = p
	s.onStop(p.Stop)
	return nil
}

func (s *Stack) startPortal(ctx context.Context) error {
	p, err := proc.Start(ctx, proc.Spec{
		Name: "portal", Path: s.Options.Starter, Args: []string{"serve"}, Env: s.env, Log: s.path("portal.log"),
		Ready: answers(s.PortalURL + "/readyz"),
	})
	if err != nil {
		return err
	}
	s.Portal = p
	s.onStop(p.Stop)
	return nil
}

// answers probes an address until it answers with success.
func answers(url string) proc.Probe {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		if err := res.Body.Close(); err != nil {
			return err
		}
		if res.StatusCode >= 300 {
			return fmt.Errorf("%s answers %s", url, res.Status)
		}
		return nil
	}
}
