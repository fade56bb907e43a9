package stand

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"securemailid.example/internal/devstack/proc"
	"securemailid.example/workflows"
)

// Cost is what an order has cost the engine so far.
type Cost struct {
	Events      int64 // in the history
	Transitions int64 // of the state that the server keeps
	Bytes       int64 // of the history
}

// Sub returns what c has cost more than before.
func (c Cost) Sub(before Cost) Cost {
	return Cost{c.Events - before.Events, c.Transitions - before.Transitions, c.Bytes - before.Bytes}
}

// Cost reads an order's cost from the server.
func (s *Stand) Cost(ctx context.Context, number string) (Cost, error) {
	d, err := s.Temporal.DescribeWorkflowExecution(ctx, workflows.OrderID(number), "")
	if err != nil {
		return Cost{}, err
	}
	i := d.GetWorkflowExecutionInfo()
	return Cost{i.GetHistoryLength(), i.GetStateTransitionCount(), i.GetHistorySizeBytes()}, nil
}

// AwaitQuiet waits until the engine has nothing left to do for an order but to look for its challenge.
func (s *Stand) AwaitQuiet(ctx context.Context, number string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return proc.Await(ctx, 30*time.Millisecond, func(ctx context.Context) error {
		d, err := s.Temporal.DescribeWorkflowExecution(ctx, workflows.OrderID(number), "")
		if err != nil {
			return err
		}
		if d.GetPendingWorkflowTask() != nil {
			return fmt.Errorf("order %s has a workflow task", number)
		}
		for _, a := range d.GetPendingActivities() {
			if name := a.GetActivityType().GetName(); name != "PollDomain" {
				return fmt.Errorf("order %s runs %s", number, name)
			}
		}
		return nil
	})
}

// History reads a workflow's history.
func (s *Stand) History(ctx context.Context, id string) (*historypb.History, error) {
	var h historypb.History
	it := s.Temporal.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		e, err := it.Next()
		if err != nil {
			return nil, err
		}
		h.Events = append(h.Events, e)
	}
	return &h, nil
}

// AwaitEnd waits until the order's workflow has ended, with its last mail out.
func (s *Stand) AwaitEnd(ctx context.Context, number string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.Temporal.GetWorkflow(ctx, workflows.OrderID(number), "").Get(ctx, nil)
}

// AwaitBlocked waits until the engine shows that issuance is blocked.
func (s *Stand) AwaitBlocked(ctx context.Context, number string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return proc.Await(ctx, 30*time.Millisecond, func(ctx context.Context) error {
		d, err := s.Temporal.DescribeWorkflow(ctx, workflows.OrderID(number), "")
		if err != nil {
			return err
		}
		if on, _ := d.TypedSearchAttributes.GetKeyword(workflows.WaitingOn); on != "blocked" {
			return fmt.Errorf("order %s waits on %s", number, on)
		}
		return nil
	})
}
