package e2e_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/devstack"
	"securemailid.example/internal/devstack/proc"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/workflows"
)

// part is something that can die at any moment.
type part struct {
	name   string
	kill   func(*devstack.Stack) error
	revive func(context.Context, *devstack.Stack) error
}

func parts() []part {
	return []part{
		{"the worker", func(s *devstack.Stack) error { s.Worker.Kill9(); return nil },
			func(ctx context.Context, s *devstack.Stack) error { return s.Worker.Start(ctx) }},
		{"the Temporal server", func(s *devstack.Stack) error { s.Temporal.Kill9(); return nil },
			func(ctx context.Context, s *devstack.Stack) error { return s.Temporal.Process.Start(ctx) }},
		{"PostgreSQL", func(s *devstack.Stack) error { return s.Postgres.Kill9() },
			func(ctx context.Context, s *devstack.Stack) error { return s.Postgres.Restart(ctx) }},
	}
}

func TestOrdersInEveryStageOutliveKill9(t *testing.T) {
	t.Parallel()
	for _, p := range parts() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			c := fill(private(t, devstack.Options{Poll: 3 * time.Second})) // so that a look is rarely under way at the kill
			require.NoError(t, p.kill(c.Stack))
			c.goOn()
			c.unlock() // whoever waited for a lock and lives gets it, and tells a server that may be dead
			require.NoError(t, p.revive(c.ctx, c.Stack))
			c.finish()
		})
	}
}

// crowd is one order in each stage.
type crowd struct {
	*world
	polled     string // its domain is looked up
	mailed     string // its domain owner has a mail to answer
	oneStep    string // one phone step is done
	twoSteps   string // two are
	issuing    string // its certificate is signed but cannot be recorded
	delivering string // its last mail is deferred
	inFlight   string // its submission is being accepted

	proof    dcv.Challenge  // what is to be published for polled
	approval string         // the link in the mail to the domain owner
	locks    []*sql.Tx      // by which orders are held where they are
	calls    sync.WaitGroup // of people who do not know what goes on
	faults   chan error     // what they were told in the end
	felt     chan struct{}  // closed when one of them has met the outage
}

// fill brings an order into each stage.
func fill(w *world) *crowd {
	w.t.Helper()
	c := &crowd{world: w, faults: make(chan error, 10), felt: make(chan struct{})}
	late := w.application(order.DCVTXT)
	w.Mailbox.Defer(late.CertificateEmail, 451, 1000)
	c.delivering = w.submit(late)
	c.polled, c.mailed = w.submit(w.application(order.DCVCNAME)), w.submit(w.application(order.DCVEmail))
	c.oneStep, c.twoSteps, c.issuing = w.submit(w.application(order.DCVFile)), w.submit(w.application(order.DCVTXT)), w.submit(w.application(order.DCVTXT))
	for _, number := range []string{c.delivering, c.oneStep, c.twoSteps, c.issuing} {
		w.prove(w.challenged(number))
	}
	w.phone(c.delivering)
	w.command(c.oneStep, numberVerified)
	for _, number := range []string{c.twoSteps, c.issuing} {
		w.command(number, numberVerified)
		w.command(number, reached)
	}
	c.approval = w.approvalLink(w.status(w.challenged(c.mailed)).Domain)
	c.proof = w.challenge(w.challenged(c.polled))
	for _, number := range []string{c.oneStep, c.twoSteps, c.issuing} {
		w.awaitState(number, order.OrganizationValidation)
	}
	w.await(c.delivering, "a deferred mail", deferred)
	c.lock(`LOCK TABLE certificates IN EXCLUSIVE MODE`) // it may be read, but not written
	w.command(c.issuing, confirmed)
	w.awaitState(c.issuing, order.Issuing)
	c.handIn()
	w.until("two transactions that wait for locks", c.waitingForLocks)
	w.until("a pause", c.pausing)
	return c
}

// pausing says that no activity is under way or about to start, but for those that hang in locks: one that dies with the worker is
// missed only after its whole timeout, five minutes for mail.
func (c *crowd) pausing(ctx context.Context) error {
	soon := time.Now().Add(time.Second)
	for _, number := range []string{c.polled, c.mailed, c.oneStep, c.twoSteps, c.delivering} {
		d, err := c.temporal.DescribeWorkflowExecution(ctx, workflows.OrderID(number), "")
		if err != nil {
			return err
		}
		for _, a := range d.GetPendingActivities() {
			if next := a.GetNextAttemptScheduleTime(); next == nil || next.AsTime().Before(soon) {
				return fmt.Errorf("%s is under way", a.GetActivityType().GetName())
			}
		}
	}
	return nil
}

// deferred reports whether the mail to the certificate's address has met a passing failure.
func deferred(st order.Status) bool {
	for _, l := range st.Letters {
		if l.Kind == order.LetterIssuedCertificate && l.State == order.LetterPending && l.Attempts > 0 {
			return true
		}
	}
	return false
}

// lock takes a lock and holds it until unlock.
func (c *crowd) lock(statement string, args ...any) {
	c.t.Helper()
	tx, err := c.sql.BeginTx(c.ctx, nil)
	require.NoError(c.t, err)
	_, err = tx.ExecContext(c.ctx, statement, args...)
	require.NoError(c.t, err)
	c.locks = append(c.locks, tx)
}

func (c *crowd) unlock() {
	for _, tx := range c.locks {
		_ = tx.Rollback() // PostgreSQL may have died with the lock
	}
}

func (c *crowd) waitingForLocks(ctx context.Context) error {
	var n int
	if err := c.sql.QueryRowContext(ctx, `SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted`).Scan(&n); err != nil {
		return err
	}
	if n < 2 {
		return fmt.Errorf("%d wait", n)
	}
	return nil
}

// handIn starts a submission that hangs where its voucher is redeemed. Its applicant tries until there is an answer.
func (c *crowd) handIn() {
	c.t.Helper()
	form := c.application(order.DCVTXT)
	c.lock(`SELECT FROM vouchers WHERE hash = $1 FOR UPDATE`, c.hash(form.Voucher))
	c.call(func() error {
		return proc.Await(c.ctx, time.Second, func(ctx context.Context) error {
			r, err := c.desk.Submit(ctx, form, "")
			c.inFlight = r.Number
			return err
		})
	})
}

// call does something beside the test.
func (c *crowd) call(do func() error) { c.calls.Go(func() { c.faults <- do() }) }

// goOn is what people do who do not know of the outage. It returns once one of them has met it.
func (c *crowd) goOn() {
	c.t.Helper()
	c.publish(c.proof)
	for number, steps := range map[string][]order.Command{c.polled: phoneSteps(), c.oneStep: {reached}} {
		for _, step := range steps {
			c.call(func() error { // patient: one call
				_, err := c.desk.Orders.Command(c.ctx, number, step)
				return err
			})
		}
	}
	c.call(func() error { return c.impatient(c.twoSteps, confirmed) })
	c.call(func() error { return proc.Await(c.ctx, time.Second, c.approve) })
	select {
	case <-c.felt:
	case <-c.ctx.Done():
		require.Fail(c.t, "nobody met the outage")
	}
}

// impatient gives up after a moment and tries again, as often as it takes.
func (c *crowd) impatient(number string, cmd order.Command) error {
	var once sync.Once
	return proc.Await(c.ctx, tick, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		_, err := c.desk.Orders.Command(ctx, number, cmd)
		if f, ok := errors.AsType[*fault.Error](err); ok && (f.Code == "order.ended" || f.Code == "order.issuing" || f.Code == "order.not-running") {
			return nil // an earlier try has done it
		}
		if err != nil {
			once.Do(func() { close(c.felt) })
		}
		return err
	})
}

// approve opens the domain owner's page until it has worked; they may not learn that an earlier try had.
func (c *crowd) approve(ctx context.Context) error {
	err := c.tryDecide(ctx, c.approval, "approve")
	if err == nil {
		return nil
	}
	st, readErr := c.desk.Records.Order(ctx, c.mailed)
	if readErr == nil && st.State != order.DomainValidation {
		return nil
	}
	return errors.Join(err, readErr)
}

// finish does the rest and checks that every order came to its good end, once.
func (c *crowd) finish() {
	c.t.Helper()
	c.signal(c.oneStep, confirmed)
	c.phone(c.mailed)
	st := c.status(c.delivering)
	c.Mailbox.Heal(st.CertificateEmail)
	c.calls.Wait()
	close(c.faults)
	for err := range c.faults {
		require.NoError(c.t, err)
	}
	c.prove(c.challenged(c.inFlight))
	c.phone(c.inFlight)
	all := []string{c.polled, c.mailed, c.oneStep, c.twoSteps, c.issuing, c.delivering, c.inFlight}
	for _, number := range all {
		c.issuedOnce(number)
		c.closed(number)
		st := c.status(number)
		for _, step := range phoneSteps() {
			require.Equal(c.t, 1, done(st, string(step.Name())), step.Name())
		}
		require.Equal(c.t, 1, done(st, "order-accepted"))
		require.Equal(c.t, 1, done(st, "domain-validated"))
		require.Zero(c.t, st.Refusals)
		c.repeatsAreRecognisable(st.Domain)
	}
	c.onlyThese(len(all))
	_, err := c.desk.Records.VerifyAudit(c.ctx, nil)
	require.NoError(c.t, err)
}

// onlyThese checks that nothing else came of it: no order, certificate or voucher use beside those that were asked for.
func (c *crowd) onlyThese(orders int) {
	c.t.Helper()
	for _, count := range []string{`SELECT count(*) FROM orders`, `SELECT count(*) FROM certificates`, `SELECT count(*) FROM reservations`,
		`SELECT count(*) FROM vouchers WHERE used_at IS NOT NULL`} {
		var n int
		require.NoError(c.t, c.sql.QueryRowContext(c.ctx, count).Scan(&n))
		require.Equal(c.t, orders, n, count)
	}
}
