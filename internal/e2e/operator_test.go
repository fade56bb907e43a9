package e2e_test

import (
	"context"
	"fmt"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflowservice/v1"

	"securemailid.example/workflows"
)

// closed waits until the order's workflow has ended well and returns what it came to.
func (w *world) closed(number string) workflows.OrderResult {
	w.t.Helper()
	var out workflows.OrderResult
	require.NoError(w.t, w.temporal.GetWorkflow(w.ctx, workflows.OrderID(number), "").Get(w.ctx, &out))
	return out
}

// history returns the events of the order's latest run.
func (w *world) history(number string) []*historypb.HistoryEvent {
	w.t.Helper()
	return w.historyOf(workflows.OrderID(number))
}

// historyOf returns the events of a workflow's latest run.
func (w *world) historyOf(id string) []*historypb.HistoryEvent {
	w.t.Helper()
	var events []*historypb.HistoryEvent
	it := w.temporal.GetWorkflowHistory(w.ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		e, err := it.Next()
		require.NoError(w.t, err)
		events = append(events, e)
	}
	return events
}

// idle waits until the order's workflow has nothing to do but wait for messages and timers.
func (w *world) idle(number string) {
	w.t.Helper()
	w.until("an idle workflow", func(ctx context.Context) error {
		d, err := w.temporal.DescribeWorkflowExecution(ctx, workflows.OrderID(number), "")
		if err == nil && (d.GetPendingWorkflowTask() != nil || len(d.GetPendingActivities()) > 0) {
			err = fmt.Errorf("task %v, activities %v", d.GetPendingWorkflowTask(), d.GetPendingActivities())
		}
		return err
	})
}

// details is what the Temporal UI shows as the order's current details.
func (w *world) details(number string) string {
	w.t.Helper()
	v, err := w.temporal.QueryWorkflow(w.ctx, workflows.OrderID(number), "", "__temporal_workflow_metadata")
	require.NoError(w.t, err)
	var m sdkpb.WorkflowMetadata
	require.NoError(w.t, v.Get(&m))
	return m.GetCurrentDetails()
}

// listed waits until the order appears in the Temporal UI's list under a filter.
func (w *world) listed(number, filter string) {
	w.t.Helper()
	q := fmt.Sprintf("WorkflowId = '%s' AND %s", workflows.OrderID(number), filter)
	w.until(filter, func(ctx context.Context) error {
		page, err := w.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: q})
		if err == nil && len(page.GetExecutions()) != 1 {
			err = fmt.Errorf("%d orders match", len(page.GetExecutions()))
		}
		return err
	})
}

// scheduled counts how often the order's latest run has called an activity.
func (w *world) scheduled(number, activity string) int {
	w.t.Helper()
	n := 0
	for _, e := range w.history(number) {
		if e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == activity {
			n++
		}
	}
	return n
}
