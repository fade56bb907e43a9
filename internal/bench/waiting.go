package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"securemailid.example/internal/bench/stand"
	"securemailid.example/internal/devstack/proc"
	"securemailid.example/internal/order"
)

const (
	waitingAtATime = 64
	waitingLooks   = 10 // a second apart, by waitingSample orders
	waitingSample  = 50
	looksADay      = 24
)

// measureWaiting reads the worker's memory with orders that wait for their domain to be proved, looked at once an hour, and what a look
// costs the engine and the record.
func measureWaiting(ctx context.Context, s settings, t *table) error {
	if err := measureLooks(ctx, t); err != nil {
		return err
	}
	return measureMemory(ctx, s.waiting, t)
}

// measureLooks looks once a second at a few orders and says what a day of hourly looks costs.
func measureLooks(ctx context.Context, t *table) (err error) {
	s, err := stand.Open(ctx, stand.Options{Poll: time.Second})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()
	connector, err := pq.NewConnector(s.Postgres.DSN())
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	numbers, err := wait(ctx, s, waitingSample)
	if err != nil {
		return err
	}
	before, err := looksSoFar(ctx, s, db, numbers, 1)
	if err != nil {
		return err
	}
	after, err := looksSoFar(ctx, s, db, numbers, 1+waitingLooks)
	if err != nil {
		return err
	}
	cost, looks := after.Sub(before.Cost), after.looks-before.looks
	perDay := func(n int64) float64 { return float64(n) * looksADay / float64(looks) }
	t.count("an order that waits costs the engine, a day of hourly looks", "%.0f events, %.0f state transitions, %.0f bytes of history",
		perDay(cost.Events), perDay(cost.Transitions), perDay(cost.Bytes))
	t.count("an order that waits costs the record, a day of hourly looks", "%.0f kB of write-ahead log", perDay(after.wal-before.wal)/1000)
	return nil
}

// looked is the state of the sample after some looks.
type looked struct {
	stand.Cost
	looks, wal int64
}

func looksSoFar(ctx context.Context, s *stand.Stand, db *sql.DB, numbers []string, looks int) (looked, error) {
	var out looked
	for _, number := range numbers {
		st, err := s.Await(ctx, number, "looks", func(st order.Status) bool { return st.Challenge != nil && st.Challenge.Checks >= looks })
		if err != nil {
			return out, err
		}
		c, err := s.Cost(ctx, number)
		if err != nil {
			return out, err
		}
		out.looks += int64(st.Challenge.Checks)
		out.Events, out.Transitions, out.Bytes = out.Events+c.Events, out.Transitions+c.Transitions, out.Bytes+c.Bytes
	}
	err := db.QueryRowContext(ctx, `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint`).Scan(&out.wal)
	return out, err
}

// measureMemory lets more and more orders wait, and in the end starts the worker anew: it then knows none of them until they wake.
func measureMemory(ctx context.Context, levels []int, t *table) (err error) {
	s, err := stand.Open(ctx, stand.Options{Volatile: true, Poll: time.Hour})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()
	empty, err := residentBytes(s.Worker.PID())
	if err != nil {
		return err
	}
	t.count("memory of the worker, no order waits", "%d MB", empty>>20)
	var waiting int
	for _, level := range levels {
		if _, err := wait(ctx, s, level-waiting); err != nil {
			return err
		}
		waiting = level
		held, err := residentBytes(s.Worker.PID())
		if err != nil {
			return err
		}
		t.count(fmt.Sprintf("memory of the worker, %d orders wait", waiting), "%d MB, %d kB an order", held>>20, (held-empty)>>10/int64(waiting))
	}
	if err := s.Worker.Restart(ctx); err != nil {
		return err
	}
	again, err := residentBytes(s.Worker.PID())
	t.count(fmt.Sprintf("memory of a worker started anew, %d orders wait", waiting), "%d MB", again>>20)
	return err
}

// wait submits n orders and returns when each has been looked at in vain and its mail is out: then it waits.
func wait(ctx context.Context, s *stand.Stand, n int) ([]string, error) {
	forms, err := s.Applications(ctx, order.DCVTXT, n)
	if err != nil {
		return nil, err
	}
	numbers := make([]string, n)
	_, err = each(ctx, n, waitingAtATime, func(ctx context.Context, i int) error {
		r, err := s.Desk.Submit(ctx, forms[i], "")
		numbers[i] = r.Number
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, number := range numbers {
		if err := s.AwaitQuiet(ctx, number); err != nil {
			return nil, err
		}
	}
	return numbers, proc.Await(ctx, 100*time.Millisecond, func(ctx context.Context) error {
		st, err := s.Desk.Records.Order(ctx, numbers[n-1])
		if err == nil && (st.Challenge == nil || st.Challenge.Checks == 0) {
			err = errors.New("nobody has looked yet")
		}
		return err
	})
}
