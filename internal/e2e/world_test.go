package e2e_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"securemailid.example/internal/app"
	"securemailid.example/internal/config"
	"securemailid.example/internal/devstack"
	"securemailid.example/internal/devstack/proc"
	"securemailid.example/internal/engine"
	"securemailid.example/internal/mail"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
	"securemailid.example/internal/store"
	"securemailid.example/internal/voucher"
)

// patience bounds every wait; a state that is not reached by then never will be. It is above the longest timeouts by which a killed
// worker is noticed, two minutes, on a machine that does much else.
const patience = 4 * time.Minute

// longest bounds a whole test.
const longest = 10 * time.Minute

// tick is how often a wait looks.
const tick = 50 * time.Millisecond

// world is a test's view of a running stack: what an applicant, a domain owner and staff can do, and what the record says.
type world struct {
	*devstack.Stack
	t        *testing.T
	ctx      context.Context
	desk     *app.Desk
	temporal client.Client
	sql      *sql.DB
}

func enter(t *testing.T, s *devstack.Stack) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	t.Cleanup(cancel)
	w := &world{Stack: s, t: t, ctx: ctx}
	logger := slog.New(slog.DiscardHandler)
	desk, err := app.OpenDesk(w.ctx, config.Common{
		Database: config.Database{URL: s.Postgres.DSN()}, Temporal: s.Temporal.HostPort(), Policy: policy.Guide,
		VoucherKeyFile: setting(s, "SMID_VOUCHER_KEY_FILE"), PublicURL: s.PortalURL,
	}, logger)
	require.NoError(t, err)
	t.Cleanup(desk.Close)
	w.desk = desk
	w.temporal, err = engine.Dial(w.ctx, s.Temporal.HostPort(), logger)
	require.NoError(t, err)
	t.Cleanup(w.temporal.Close)
	w.sql, err = sql.Open("postgres", s.Postgres.DSN())
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.sql.Close() })
	return w
}

// in is the world as a subtest sees it.
func (w *world) in(t *testing.T) *world {
	t.Helper()
	return enter(t, w.Stack)
}

func setting(s *devstack.Stack, name string) string {
	for _, line := range s.Environ() {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return value
		}
	}
	return ""
}

// until waits until the probe is content.
func (w *world) until(what string, probe proc.Probe) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	require.NoErrorf(w.t, proc.Await(ctx, tick, probe), "waiting for %s", what)
}

// await waits until the record says what the test waits for.
func (w *world) await(number, what string, done func(order.Status) bool) order.Status {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	var st order.Status
	err := proc.Await(ctx, tick, func(ctx context.Context) error {
		var err error
		if st, err = w.desk.Records.Order(ctx, number); err != nil {
			return err
		}
		if !done(st) {
			return fmt.Errorf("order in state %s waits for %v", st.State, st.Awaited)
		}
		return nil
	})
	require.NoErrorf(w.t, err, "waiting for %s; last seen %+v", what, st.Timeline)
	return st
}

func (w *world) awaitState(number string, s order.State) order.Status {
	w.t.Helper()
	return w.await(number, string(s), func(st order.Status) bool { return st.State == s })
}

// status is the order as the record shows it now.
func (w *world) status(number string) order.Status {
	w.t.Helper()
	st, err := w.desk.Records.Order(w.ctx, number)
	require.NoError(w.t, err)
	return st
}

// actors returns who did an action, by the order's audit trail.
func actors(st order.Status, action string) (who []string) {
	for _, e := range st.Timeline {
		if e.Action == action {
			who = append(who, e.Actor)
		}
	}
	return who
}

// done counts how often an action was done.
func done(st order.Status, action string) int { return len(actors(st, action)) }

// vouchersUsed counts the vouchers that the order has used.
func (w *world) vouchersUsed(number string) int {
	w.t.Helper()
	vs, err := w.desk.Records.Vouchers(w.ctx, store.VoucherFilter{Order: number, State: voucher.Used})
	require.NoError(w.t, err)
	return len(vs)
}

// issuedOnce checks a good end: one certificate, one use of the voucher, both notices sent, and every repeat of a mail recognisable.
func (w *world) issuedOnce(number string) order.Certificate {
	w.t.Helper()
	st := w.awaitState(number, order.Issued)
	certs, err := w.desk.Records.Certificates(w.ctx, number)
	require.NoError(w.t, err)
	require.Len(w.t, certs, 1)
	require.Equal(w.t, 1, done(st, "certificate-issued"))
	require.Equal(w.t, 1, w.vouchersUsed(number))
	subjects := mail.GuideBrand().Subjects // of the notices (G21)
	w.mail(st.CertificateEmail, subjects.IssuedCertificate.In(st.Language))
	w.mail(st.Application.TechnicalContact.Email, subjects.IssuedContact.In(st.Language))
	return certs[0]
}

// endedWithout checks the other end: no certificate, the voucher free again, the technical contact told why.
func (w *world) endedWithout(number string, s order.State, why string) order.Status {
	w.t.Helper()
	st := w.awaitState(number, s)
	w.closed(number)
	require.Empty(w.t, st.Certificates)
	require.Zero(w.t, w.vouchersUsed(number))
	require.Contains(w.t, st.Reason, why)
	return st
}

// complete takes an order whose challenge is out to its good end.
func (w *world) complete(number string) order.Certificate {
	w.t.Helper()
	w.prove(number)
	w.phone(number)
	c := w.issuedOnce(number)
	w.closed(number)
	return c
}
