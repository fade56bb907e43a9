package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"securemailid.example/activities"
	"securemailid.example/internal/order"
	"securemailid.example/workflows"
)

// RunningOrders lists the orders above after, up to and including to, whose workflow is open: one query of visibility for a whole range of
// numbers. Describing each order instead would load each one's state into the history service; visibility lags by seconds in return.
func (o *Orders) RunningOrders(ctx context.Context, after, to string) ([]string, error) {
	request := &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: 1000,
		Query: fmt.Sprintf(`WorkflowType = '%s' AND ExecutionStatus = 'Running' AND WorkflowId > '%s' AND WorkflowId <= '%s'`,
			workflows.OrderType, workflows.OrderID(after), workflows.OrderID(to)),
	}
	var numbers []string
	for {
		page, err := o.Client.ListWorkflow(ctx, request)
		if err != nil {
			return nil, translate(err)
		}
		for _, e := range page.GetExecutions() {
			if number, ok := strings.CutPrefix(e.GetExecution().GetWorkflowId(), workflows.OrderID("")); ok {
				numbers = append(numbers, number)
			}
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return numbers, nil
		}
	}
}

// OrderRun says how the order's last run stands, at this moment.
func (o *Orders) OrderRun(ctx context.Context, number string) (activities.Run, error) {
	d, err := o.Client.DescribeWorkflowExecution(ctx, workflows.OrderID(number), "")
	if is[*serviceerror.NotFound](err) {
		return activities.RunNone, nil
	}
	if err != nil {
		return "", translate(err)
	}
	switch d.GetWorkflowExecutionInfo().GetStatus() {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW, enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED:
		return activities.RunOpen, nil
	case enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return activities.RunTerminated, nil
	case enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return activities.RunTimedOut, nil
	default:
		return activities.RunEnded, nil
	}
}

// RestartOrder starts the order's workflow where the record has it, unless there is one or the last one has completed.
func (o *Orders) RestartOrder(ctx context.Context, st order.Status, plan activities.Plan, at time.Time) (started bool, err error) {
	_, err = o.Client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                    workflows.OrderID(st.Number),
		TaskQueue:             workflows.TaskQueue,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		StaticSummary:         "Secure Mail ID order " + st.Number,

		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, workflows.OrderType, workflows.Resume(st, plan, at))
	if is[*serviceerror.WorkflowExecutionAlreadyStarted](err) {
		return false, nil
	}
	return err == nil, translate(err)
}
