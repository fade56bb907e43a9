package workflows

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
)

var oneLetter = activities.PostInput{Number: number, Letter: "0197f1f2-6b1c-7d5e-8a43-5c1d2e3f4a5b"}

// post delivers a letter by an activity that answers as told, and returns what the workflow came to and how long that took.
func post(t *testing.T, deliver func(elapsed time.Duration) (activities.DeliverResult, error)) (activities.DeliverResult, time.Duration, error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	start := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	env.SetStartTime(start)
	env.SetTestTimeout(time.Minute)
	env.RegisterWorkflow(Post)
	env.OnActivity(mailing.DeliverLetter, mock.Anything, oneLetter).Return(
		func(context.Context, activities.PostInput) (activities.DeliverResult, error) {
			out, err := deliver(env.Now().Sub(start))
			return out, activities.ToTemporal(err)
		})
	env.ExecuteWorkflow(Post, oneLetter)
	require.True(t, env.IsWorkflowCompleted())
	var out activities.DeliverResult
	if err := env.GetWorkflowError(); err != nil {
		return out, env.Now().Sub(start), err
	}
	require.NoError(t, env.GetWorkflowResult(&out))
	return out, env.Now().Sub(start), nil
}

func TestPostDeliversOneLetter(t *testing.T) {
	t.Parallel()
	for what, want := range map[string]activities.DeliverResult{
		"taken": {Sent: 1}, "refused for good": {Failed: 1}, "delivered before": {},
	} {
		out, took, err := post(t, func(time.Duration) (activities.DeliverResult, error) { return want, nil })
		require.NoError(t, err, what)
		require.Equal(t, want, out, what)
		require.Zero(t, took, what)
	}
}

// The test environment gives up after ten tries, which take 42 minutes; a server retries for five days.
func TestPostOutlastsAMailServerThatIsAway(t *testing.T) {
	t.Parallel()
	away := fault.New(fault.Unavailable, "mail.unavailable", "", "the mail server does not answer")
	out, took, err := post(t, func(elapsed time.Duration) (activities.DeliverResult, error) {
		if elapsed < 20*time.Minute {
			return activities.DeliverResult{}, away
		}
		return activities.DeliverResult{Sent: 1}, nil
	})
	require.NoError(t, err)
	require.Equal(t, activities.DeliverResult{Sent: 1}, out)
	require.Less(t, took, time.Hour, "it is tried again within the half hour")

	_, _, err = post(t, func(time.Duration) (activities.DeliverResult, error) { return activities.DeliverResult{}, away })
	require.Error(t, err, "what stays undelivered is a failed workflow, which operators see")
}

func TestMailIsTriedForFiveDays(t *testing.T) {
	t.Parallel()
	o := mailOptions("")
	require.Equal(t, 5*day, o.ScheduleToCloseTimeout)
	require.LessOrEqual(t, o.RetryPolicy.MaximumInterval, 30*time.Minute)
	require.Zero(t, o.RetryPolicy.MaximumAttempts)
}
