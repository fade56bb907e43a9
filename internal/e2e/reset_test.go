package e2e_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"securemailid.example/internal/devstack"
	"securemailid.example/internal/order"
	"securemailid.example/workflows"
)

// reset does what the Temporal UI's "Reset" does: the run goes on anew from before the event.
func (w *world) reset(number string, event int64) {
	w.t.Helper()
	_, err := w.temporal.ResetWorkflowExecution(w.ctx, &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: client.DefaultNamespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: workflows.OrderID(number)},
		Reason: "test", WorkflowTaskFinishEventId: event, RequestId: uuid.NewString(),
	})
	require.NoError(w.t, err)
}

// taskBefore is the workflow task that scheduled an activity.
func taskBefore(t *testing.T, events []*historypb.HistoryEvent, activity string) int64 {
	t.Helper()
	for _, e := range events {
		if a := e.GetActivityTaskScheduledEventAttributes(); a.GetActivityType().GetName() == activity {
			return a.GetWorkflowTaskCompletedEventId()
		}
	}
	require.Failf(t, "no such activity", "%s was never scheduled", activity)
	return 0
}

// firstTask is the first workflow task that ended well.
func firstTask(t *testing.T, events []*historypb.HistoryEvent) int64 {
	t.Helper()
	for _, e := range events {
		if e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			return e.GetEventId()
		}
	}
	require.Fail(t, "no workflow task has ended")
	return 0
}

// stillOne checks that a reset run has come to its end and has changed nothing.
func (w *world) stillOne(number string, before order.Certificate) {
	w.t.Helper()
	require.Equal(w.t, workflows.OrderResult{State: order.Issued, Serial: before.Serial}, w.closed(number))
	require.Equal(w.t, before, w.issuedOnce(number))
	st := w.status(number)
	require.Equal(w.t, 1, done(st, "certificate-reserved"))
	for _, step := range phoneSteps() {
		require.Equal(w.t, 1, done(st, string(step.Name())))
	}
	require.Len(w.t, w.received(st.CertificateEmail, "発行のお知らせ"), 1, "nobody is told twice")
	require.Zero(w.t, st.Refusals)
}

func TestAnIssuedOrderResetInTheTemporalUIKeepsItsOneCertificate(t *testing.T) {
	t.Parallel()
	for _, method := range []order.DCVMethod{order.DCVTXT, order.DCVEmail} {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			w := common.enter(t)
			number := w.order(method)
			certificate := w.complete(number)
			domain := w.challenge(number).Domain
			require.NoError(t, w.Lab.Remove(domain, "TXT")) // the proof is recorded and need not stay
			for _, activity := range []string{"SignCertificate", "PrepareCertificate", "RecordCommand"} {
				w.reset(number, taskBefore(t, w.history(number), activity))
				w.stillOne(number, certificate)
			}
			w.reset(number, firstTask(t, w.history(number)))
			w.stillOne(number, certificate)
		})
	}
}

func TestAnOrderResetWhileItIsSignedGetsTheCertificateThatWasReserved(t *testing.T) {
	t.Parallel()
	w := private(t, devstack.Options{})
	number := w.validated(w.application(order.DCVTXT))
	tx, err := w.sql.BeginTx(w.ctx, nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(w.ctx, `LOCK TABLE certificates IN EXCLUSIVE MODE`)
	require.NoError(t, err)
	w.command(number, confirmed)
	w.awaitState(number, order.Issuing)
	var serial string
	require.NoError(t, w.sql.QueryRowContext(w.ctx, `SELECT serial FROM reservations WHERE order_number = $1`, number).Scan(&serial))
	w.reset(number, taskBefore(t, w.history(number), "PrepareCertificate")) // the attempt under way goes on as a zombie
	require.NoError(t, tx.Rollback())
	c := w.issuedOnce(number)
	require.Equal(t, serial, c.Serial)
	w.stillOne(number, c)
}
