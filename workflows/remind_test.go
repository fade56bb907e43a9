package workflows

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// pages is an environment in which RemindExpiry finds these pages; it keeps where each began.
func pages(t *testing.T, all ...activities.ExpiryResult) (*testsuite.TestWorkflowEnvironment, *[]order.ExpiryMark) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(time.Date(2026, 11, 24, 0, 10, 0, 0, time.UTC))
	env.RegisterWorkflow(RemindExpiry)
	asked := &[]order.ExpiryMark{}
	env.OnActivity(reminding.RemindExpiry, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.ExpiryInput) (activities.ExpiryResult, error) {
			*asked = append(*asked, in.After)
			return all[len(*asked)-1], nil
		})
	return env, asked
}

func mark(number string) *order.ExpiryMark {
	return &order.ExpiryMark{NotAfter: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Order: number, Sequence: 1}
}

func TestRemindersGoOutPageByPage(t *testing.T) {
	t.Parallel()
	env, asked := pages(t,
		activities.ExpiryResult{Certificates: 50, Letters: 99, Next: mark("1000000001")},
		activities.ExpiryResult{Certificates: 50, Letters: 100, Unposted: 2, Next: mark("1000000002")},
		activities.ExpiryResult{Certificates: 3, Letters: 6})
	start := env.Now()
	env.ExecuteWorkflow(RemindExpiry, RemindExpiryInput{})
	require.NoError(t, env.GetWorkflowError())
	var out RemindExpiryResult
	require.NoError(t, env.GetWorkflowResult(&out))
	require.Equal(t, RemindExpiryResult{Certificates: 103, Letters: 205, Unposted: 2}, out)
	require.Equal(t, []order.ExpiryMark{{}, *mark("1000000001"), *mark("1000000002")}, *asked)
	require.Equal(t, 2*postPause, env.Now().Sub(start), "other mail comes in between")
}

func TestALongRunGoesOnWithAnEmptyHistory(t *testing.T) {
	t.Parallel()
	env, _ := pages(t, activities.ExpiryResult{Certificates: 50, Letters: 100, Next: mark("1000000001")})
	env.SetContinueAsNewSuggested(true)
	env.ExecuteWorkflow(RemindExpiry, RemindExpiryInput{Done: RemindExpiryResult{Certificates: 7, Letters: 14}})
	var next RemindExpiryInput
	can, ok := errors.AsType[*workflow.ContinueAsNewError](env.GetWorkflowError())
	require.True(t, ok, "it goes on in a new run")
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(can.Input, &next))
	require.Equal(t, RemindExpiryInput{After: *mark("1000000001"), Done: RemindExpiryResult{Certificates: 57, Letters: 114}}, next)
}

func TestARecordThatIsAwayDelaysTheReminders(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflow(RemindExpiry)
	tries := 0
	env.OnActivity(reminding.RemindExpiry, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.ExpiryInput) (activities.ExpiryResult, error) {
			if tries++; tries < 5 {
				return activities.ExpiryResult{}, activities.ToTemporal(fault.New(fault.Unavailable, "store.unavailable", "", "away"))
			}
			return activities.ExpiryResult{Certificates: 1, Letters: 2}, nil
		})
	env.ExecuteWorkflow(RemindExpiry, RemindExpiryInput{})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, 5, tries)
}
