package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	_ "github.com/lib/pq"
	"go.temporal.io/sdk/client"

	"securemailid.example/activities"
	"securemailid.example/internal/bench/stand"
	"securemailid.example/internal/order"
	"securemailid.example/workflows"
)

// schedules are what the system does by the clock, each in a state of things in which it has something to do.
func schedules() map[string]path {
	return map[string]path{"remind-expiry": reminded, "reconcile": reconciled, "publish-crl": published}
}

// reminded is a morning on which a certificate has thirty days left.
func reminded(ctx context.Context, s *stand.Stand) (string, error) {
	number, err := s.Carry(ctx, order.DCVTXT)
	if err != nil {
		return "", err
	}
	if err := change(ctx, s, `UPDATE certificates SET issued_at = issued_at - interval '1 year', not_after = now() + interval '29 days 1 hour'
		WHERE order_number = $1`, number); err != nil {
		return "", err
	}
	var out workflows.RemindExpiryResult
	id, err := triggered(ctx, s, "remind-expiry", &out)
	if err == nil && out.Letters != 2 {
		err = fmt.Errorf("%+v", out)
	}
	return id, err
}

// reconciled is an hour after which an order has no workflow; it goes on to its certificate.
func reconciled(ctx context.Context, s *stand.Stand) (string, error) {
	st, err := s.Start(ctx, order.DCVTXT)
	if err != nil {
		return "", err
	}
	if err := s.AwaitQuiet(ctx, st.Number); err != nil {
		return "", err
	}
	if err := s.Temporal.TerminateWorkflow(ctx, workflows.OrderID(st.Number), "", "stands in for a loss"); err != nil {
		return "", err
	}
	var out workflows.ReconcileResult
	id, err := triggered(ctx, s, "reconcile", &out)
	if err == nil && out.Restarted == 0 {
		err = fmt.Errorf("%+v", out)
	}
	if err != nil {
		return "", err
	}
	return id, s.Finish(ctx, st.Number)
}

// change lets time pass in the record.
func change(ctx context.Context, s *stand.Stand, statement string, args ...any) error {
	db, err := sql.Open("postgres", s.Postgres.DSN())
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(ctx, statement, args...)
	return err
}

// published is a run that finds a list of two days ago.
func published(ctx context.Context, s *stand.Stand) (string, error) {
	if err := change(ctx, s, `UPDATE crls SET this_update = this_update - interval '49 hours', next_update = next_update - interval '49 hours'`); err != nil {
		return "", err
	}
	var out activities.PublishResult
	id, err := triggered(ctx, s, "publish-crl", &out)
	if err == nil && len(out.Lists) != 1 {
		err = fmt.Errorf("%+v", out)
	}
	return id, err
}

// triggered runs a schedule by hand and returns the id of the workflow, with its result.
func triggered(ctx context.Context, s *stand.Stand, schedule string, out any) (string, error) {
	h := s.Temporal.ScheduleClient().GetHandle(ctx, schedule)
	before, err := h.Describe(ctx)
	if err != nil {
		return "", err
	}
	if err := h.Trigger(ctx, client.ScheduleTriggerOptions{}); err != nil {
		return "", err
	}
	for range 200 {
		now, err := h.Describe(ctx)
		if err != nil {
			return "", err
		}
		if all := now.Info.RecentActions; len(all) > len(before.Info.RecentActions) {
			id := all[len(all)-1].StartWorkflowResult.WorkflowID
			return id, s.Temporal.GetWorkflow(ctx, id, "").Get(ctx, out)
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return "", errors.New("the schedule did not start anything")
}
