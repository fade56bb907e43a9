package store_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/devstack/need"
	"securemailid.example/internal/devstack/postgres"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/store"
)

// ownServer is a PostgreSQL that the test may kill.
func ownServer(t *testing.T) *postgres.Server {
	t.Helper()
	if _, err := postgres.FindBinaries(""); err != nil {
		need.Skip(t, err.Error())
	}
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755)) // PostgreSQL may run as another user
	s, err := postgres.Start(t.Context(), postgres.Options{Dir: filepath.Join(dir, "pg"), Volatile: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Kill9()) })
	return s
}

// PostgreSQL is killed under load. Callers retry what is Unavailable, as activities do, and in the end every order was accepted once.
func TestRecordRecoversFromKill9(t *testing.T) {
	t.Parallel()
	server := ownServer(t)
	s, err := store.New(store.Config{DSN: server.DSN(), Now: func() time.Time { return noon }})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	r := &record{Store: s, t: t, now: noon}
	const orders = 40
	hashes := r.vouchers(orders)

	var accepted, refused atomic.Int32
	var wg sync.WaitGroup
	for _, hash := range hashes {
		wg.Go(func() {
			sub := submission(hash)
			number := ""
			untilAvailable(t, &refused, func() (err error) { number, _, err = s.ReserveNumber(t.Context(), sub); return err })
			untilAvailable(t, &refused, func() error { return s.Accept(t.Context(), acceptance(number, sub, noon)) })
			accepted.Add(1)
			for _, c := range phoneSteps {
				untilAvailable(t, &refused, func() error { _, err := s.RecordCommand(t.Context(), number, c, noon, nil); return err })
			}
		})
	}
	require.Eventually(t, func() bool { return accepted.Load() > 3 }, 30*time.Second, time.Millisecond)
	require.NoError(t, server.Kill9())
	isFault(t, s.Ping(t.Context()), fault.Unavailable, "record.unavailable")
	require.NoError(t, server.Restart(t.Context()))
	wg.Wait()

	list, err := s.Orders(t.Context(), order.Filter{})
	require.NoError(t, err)
	require.Len(t, list, orders)
	for _, o := range list {
		st, err := s.Order(t.Context(), o.Number)
		require.NoError(t, err)
		require.True(t, st.Phone.Done())
		require.Len(t, st.Timeline, 4, "each step once")
		require.Len(t, st.Letters, 1)
	}
	_, err = s.VerifyAudit(t.Context(), nil)
	require.NoError(t, err)
	require.Positive(t, refused.Load(), "the test has met the outage")
	require.NoError(t, s.Disconnect())
}

// untilAvailable retries as an activity does: only what is Unavailable.
func untilAvailable(t *testing.T, refused *atomic.Int32, do func() error) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		err := do()
		if fault.KindOf(err) != fault.Unavailable || time.Now().After(deadline) {
			if err != nil {
				t.Errorf("%v", err)
			}
			return
		}
		refused.Add(1)
		select {
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
			return
		}
	}
}

func TestOpenSaysThatTheDatabaseDoesNotAnswer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = store.Open(t.Context(), "postgres://user:hunter2@"+l.Addr().String()+"/x?sslmode=disable")
	isFault(t, err, fault.Unavailable, "record.unavailable")

	_, err = store.Open(t.Context(), "postgres://user:hunter2@host:not-a-port/")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2", "the password stays out of the log")
}

func TestContextErrorsPassThrough(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	cancelled, cancel := context.WithCancel(r.ctx())
	cancel()
	_, err := r.Order(cancelled, number)
	require.ErrorIs(t, err, context.Canceled)

	lock, err := r.db.BeginTx(r.ctx(), nil)
	require.NoError(t, err)
	_, err = lock.ExecContext(r.ctx(), `SELECT FROM orders WHERE number = $1 FOR UPDATE`, number)
	require.NoError(t, err)
	defer func() { require.NoError(t, lock.Rollback()) }()
	short, stop := context.WithTimeout(r.ctx(), 50*time.Millisecond)
	defer stop()
	err = r.Close(short, number, order.Cancelled, applicant, "", noon, nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotEqual(t, fault.Conflict, fault.KindOf(err))
}

func TestLocksAndStatementsAreBoundedInTime(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	lock, err := r.db.BeginTx(r.ctx(), nil)
	require.NoError(t, err)
	_, err = lock.ExecContext(r.ctx(), `SELECT FROM orders WHERE number = $1 FOR UPDATE`, number)
	require.NoError(t, err)
	defer func() { require.NoError(t, lock.Rollback()) }()
	for name, c := range map[string]store.Config{
		"lock":      {LockTimeout: 30 * time.Millisecond},
		"statement": {StatementTimeout: 30 * time.Millisecond},
	} {
		c.DSN, c.Now = r.dsn, r.clock
		s, err := store.New(c)
		require.NoError(t, err)
		isFault(t, s.Close(r.ctx(), number, order.Cancelled, applicant, "", noon, nil), fault.Unavailable, "record.unavailable")
		require.NoError(t, s.Disconnect(), name)
	}
}

// Two reminders that name the same orders in opposite order do not wait for each other for ever.
func TestNoDeadlockBetweenReminders(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	a, b := r.accepted(), r.accepted()
	rounds := make([]int, 40)
	for i := range rounds {
		rounds[i] = i
	}
	for _, err := range race(rounds, func(i int) error {
		ls := []order.Letter{letter(a, order.LetterReminder, "a", noon), letter(b, order.LetterReminder, "b", noon)}
		for j := range ls {
			ls[j].Key += strings.Repeat("x", i)
		}
		if i%2 == 1 {
			ls[0], ls[1] = ls[1], ls[0]
		}
		return r.RemindLetters(r.ctx(), ls)
	}) {
		require.NoError(t, err)
	}
	require.Equal(t, 80, one[int](r, `SELECT count(*) FROM letters WHERE kind = 'reminder'`))
}

// A deadlock that PostgreSQL ends is tried again inside.
func TestDeadlocksAreTriedAgain(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	tbs := r.reservedOrder()
	other, err := r.db.BeginTx(r.ctx(), nil)
	require.NoError(t, err)
	_, err = other.ExecContext(r.ctx(), `LOCK TABLE certificates IN EXCLUSIVE MODE`)
	require.NoError(t, err)
	_, err = other.ExecContext(r.ctx(), `SET deadlock_timeout = '1h'`) // the store's session is the one that gives up
	require.NoError(t, err)

	attempts := 0
	at := r.tick()
	blocked := make(chan error, 1)
	_, err = r.Issue(r.ctx(), tbs.Order, 1, at, func(t order.ToBeSigned) ([]byte, error) {
		if attempts++; attempts == 1 {
			go func() { // waits for the store's row lock while holding what the store wants next
				_, err := other.ExecContext(context.WithoutCancel(r.ctx()), `SELECT FROM orders WHERE number = $1 FOR UPDATE`, tbs.Order)
				blocked <- errors.Join(err, other.Rollback())
			}()
			require.Eventually(r.t, func() bool {
				return one[bool](r, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())`)
			}, 10*time.Second, time.Millisecond)
		}
		return sign(t)
	}, notices(at))
	require.NoError(t, err)
	require.NoError(t, <-blocked)
	require.GreaterOrEqual(t, attempts, 2, "more when the second attempt is again quicker than the one that waits")
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM certificates`))
}
