package workflows

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"securemailid.example/activities"
	"securemailid.example/internal/order"
)

func TestReconcileGoesThroughEverythingAndCounts(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflow(Reconcile)
	start := env.Now()
	var compared []string
	env.OnActivity(reconciling.CompareOrders, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.CompareInput) (activities.CompareResult, error) {
			compared = append(compared, in.After)
			if len(compared) == 1 {
				return activities.CompareResult{Open: 200, Restarted: 1, Next: "4711000200"}, nil
			}
			return activities.CompareResult{Open: 7, Ended: 2, Stray: 3}, nil
		})
	last := &activities.WaitingInput{}
	env.OnActivity(reconciling.PostWaiting, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.WaitingInput) (activities.WaitingResult, error) {
			*last = in
			if in.After == nil {
				return activities.WaitingResult{Waiting: 100, Next: &order.PendingLetter{ID: "x", Order: number, CreatedAt: start}}, nil
			}
			return activities.WaitingResult{Waiting: 5, Unposted: 1}, nil
		})
	env.OnActivity(reconciling.ForgetSubmissions, mock.Anything, mock.Anything).Return(activities.ForgetResult{Forgotten: 4}, nil)
	env.ExecuteWorkflow(Reconcile, ReconcileInput{})
	require.NoError(t, env.GetWorkflowError())
	var out ReconcileResult
	require.NoError(t, env.GetWorkflowResult(&out))
	require.Equal(t, ReconcileResult{Open: 207, Restarted: 1, Ended: 2, Stray: 3, Waiting: 105, Unposted: 1, Forgotten: 4}, out)
	require.Equal(t, []string{"", "4711000200"}, compared)
	require.Equal(t, "x", last.After.ID)
	require.Equal(t, postPause, env.Now().Sub(start))
}

// resumed runs an order from where the record has it.
func resumed(t *testing.T, st order.Status, happens func(*scene)) (*scene, OrderResult) {
	t.Helper()
	s := newScene(t, order.DCVTXT)
	st.Number, st.Type, st.CreatedAt, st.DeadlineAt = number, order.New, s.start.Add(-5*day), s.start.Add(85*day)
	plan := activities.Plan{Type: st.Type, Method: order.DCVTXT, DeadlineAt: st.DeadlineAt, Reminders: []time.Time{s.start.Add(-2 * day), s.start.Add(2 * day)}}
	happens(s)
	s.ExecuteWorkflow(Order, Resume(st, plan, s.start))
	require.NoError(t, s.GetWorkflowError())
	var out OrderResult
	require.NoError(t, s.GetWorkflowResult(&out))
	return s, out
}

func TestAnOrderGoesOnWhereTheRecordHasIt(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	all := order.PhoneSteps{NumberVerifiedAt: at, ReachedAt: at, ConfirmedAt: at}
	open := &order.ChallengeView{ID: "first-1", Sequence: 1, Method: order.DCVTXT, ExpiresAt: at.Add(30 * day)}
	proved := *open
	proved.SatisfiedAt = at

	s, out := resumed(t, order.Status{State: order.Accepted}, func(s *scene) { s.found(time.Hour); s.phone(2 * time.Hour) })
	require.Equal(t, order.Issued, out.State)
	require.Len(t, s.opened, 1, "no challenge had been given out")
	require.Equal(t, 1, s.opened[0].Sequence)

	s, out = resumed(t, order.Status{State: order.DomainValidation, Challenge: open, Phone: all}, func(s *scene) { s.found(3 * day) })
	require.Equal(t, order.Issued, out.State)
	require.Empty(t, s.opened, "the challenge goes on")
	require.Equal(t, 1, s.reminded, "one reminder was behind it, one comes")

	s, out = resumed(t, order.Status{State: order.OrganizationValidation, Challenge: &proved, Phone: order.PhoneSteps{NumberVerifiedAt: at}}, func(s *scene) {
		s.before = []order.CommandName{order.CmdPhoneNumberVerified}
		s.at(time.Hour, order.CmdRepresentativeReached, `{"actor":"staff/ops","how":"transferred"}`)
		s.at(time.Hour, order.CmdRepresentativeConfirmed, `{"actor":"staff/ops"}`)
	})
	require.Equal(t, order.Issued, out.State)
	require.Empty(t, s.opened)
	require.Len(t, s.recorded, 2, "the first phone step counts")

	answered := []order.Inquiry{{OpenedAt: at, AnsweredAt: at, Answer: "yes"}}
	waiting := []order.Inquiry{answered[0], {OpenedAt: at}}
	_, out = resumed(t, order.Status{State: order.OrganizationValidation, Challenge: &proved, Phone: all, Inquiries: answered}, func(*scene) {})
	require.Equal(t, order.Issued, out.State)
	_, out = resumed(t, order.Status{State: order.OrganizationValidation, Challenge: &proved, Phone: all, Inquiries: waiting}, func(*scene) {})
	require.Equal(t, order.Expired, out.State, "an open question holds it back")

	reused := &order.ReuseView{Reused: []order.ReusedEvidence{{EvidenceRef: order.EvidenceRef{Kind: order.OrganizationEvidence, Order: "4711000000", At: at}}}}
	_, out = resumed(t, order.Status{State: order.OrganizationValidation, Challenge: &proved, Reuse: reused}, func(*scene) {})
	require.Equal(t, order.Issued, out.State, "what an earlier order has proved still counts")

	s, out = resumed(t, order.Status{State: order.Issuing, Challenge: &proved, Phone: all}, func(*scene) {})
	require.Equal(t, order.Issued, out.State)
	require.Zero(t, s.prepared, "what is reserved is signed")
	require.Equal(t, 1, s.signed)
}

// TestWhatWasDecidedIsNotForgotten: somebody's word that ends the order counts, though the run that heard it was cut off before it could act.
func TestWhatWasDecidedIsNotForgotten(t *testing.T) {
	t.Parallel()
	for action, end := range map[string]order.State{
		"domain-denied": order.Rejected, "reuse-denied": order.Rejected, string(order.CmdOrderRejected): order.Rejected,
		string(order.CmdOrderCancelled): order.Cancelled,
	} {
		_, out := resumed(t, order.Status{State: order.DomainValidation, Timeline: []order.Event{{Actor: "staff/ops", Action: action}}}, func(s *scene) {
			s.found(time.Hour)
			s.phone(2 * time.Hour)
		})
		require.Equal(t, end, out.State, action)
	}
}

// TestAResumedOrderCanBeFound: its last run's search attributes are gone with it.
func TestAResumedOrderCanBeFound(t *testing.T) {
	t.Parallel()
	in := Resume(order.Status{Number: number, State: order.DomainValidation}, activities.Plan{}, time.Now())
	require.True(t, in.Carried.Restarted)
	s := newScene(t, order.DCVTXT)
	in.Carried.Plan = activities.Plan{Type: order.New, Method: order.DCVTXT, DeadlineAt: s.start.Add(day)}
	s.found(never)
	shown := 0
	s.OnUpsertTypedSearchAttributes(mock.Anything).Return(nil).Run(func(mock.Arguments) { shown++ }).Maybe()
	s.ExecuteWorkflow(Order, in)
	require.NoError(t, s.GetWorkflowError())
	require.Equal(t, 2, shown, "at the restart, and at its end")
}
