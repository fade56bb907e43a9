package workflows

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
)

const request = "0198c6f2-0000-7000-8000-00000000000a"

// clockwork is a revocation in virtual time: its record, and what was done.
type clockwork struct {
	*testsuite.TestWorkflowEnvironment
	t       *testing.T
	start   time.Time
	publish func(issuer string) error
	read    func(activities.RevocationStanding) (activities.RevocationStanding, error) // what a look into the record comes back with

	recording *testsuite.MockCallWrapper // of warnings

	mu        sync.Mutex
	standing  activities.RevocationStanding
	published []string
	escalated []time.Duration // after the start
	asked     []time.Duration // for the preliminary answer, after the start
	nth       []int           // the warnings of both clocks, by their number
	notified  int
	posted    []string
}

func newClock(t *testing.T, standing activities.RevocationStanding) *clockwork {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	c := &clockwork{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t, start: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), standing: standing}
	c.SetStartTime(c.start)
	c.SetTestTimeout(time.Minute)
	c.standing.DueAt = c.start.Add(24 * time.Hour)
	for _, before := range []time.Duration{12 * time.Hour, 4 * time.Hour, 0} {
		c.standing.Warnings = append(c.standing.Warnings, c.standing.DueAt.Add(-before))
	}
	c.publish = func(string) error { return nil }
	c.read = func(s activities.RevocationStanding) (activities.RevocationStanding, error) { return s, nil }
	c.RegisterWorkflow(Revoke)
	c.RegisterWorkflowWithOptions(Post, workflow.RegisterOptions{Name: PostType})
	c.OnActivity(revoking.ReadRevocation, mock.Anything, activities.RevocationInput{ID: request}).Return(
		func(context.Context, activities.RevocationInput) (s activities.RevocationStanding, err error) {
			c.do(func() { s = c.standing })
			return c.read(s)
		})
	c.OnActivity(publishing.PublishCRL, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.ListInput) (activities.PublishedList, error) {
			c.do(func() { c.published = append(c.published, in.Issuer) })
			return activities.PublishedList{Issuer: in.Issuer, Number: 2}, activities.ToTemporal(c.publish(in.Issuer))
		}).Maybe()
	c.recording = c.OnActivity(revoking.EscalateRevocation, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.EscalateInput) (activities.LettersResult, error) {
			if in.Answer {
				c.do(func() { c.asked, c.nth = append(c.asked, c.Now().Sub(c.start)), append(c.nth, in.Nth) })
				return activities.LettersResult{}, nil
			}
			c.do(func() { c.escalated, c.nth = append(c.escalated, c.Now().Sub(c.start)), append(c.nth, in.Nth) })
			return activities.LettersResult{Letters: []activities.PostInput{{Number: number, Letter: "warning-" + string(rune('0'+in.Nth))}}}, nil
		}).Maybe()
	c.OnActivity(revoking.NotifyRevocation, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.RevocationInput) (activities.LettersResult, error) {
			c.do(func() { c.notified++ })
			return activities.LettersResult{Letters: []activities.PostInput{{Number: number, Letter: "user"}, {Number: number, Letter: "contact"}}}, nil
		}).Maybe()
	c.OnWorkflow(PostType, mock.Anything, mock.Anything).Return(
		func(_ workflow.Context, in activities.PostInput) (activities.DeliverResult, error) {
			c.do(func() { c.posted = append(c.posted, in.Letter) })
			return activities.DeliverResult{Sent: 1}, nil
		}).Maybe()
	return c
}

func (c *clockwork) do(f func()) { c.mu.Lock(); defer c.mu.Unlock(); f() }

// changed lets the record change after a while, and says so.
func (c *clockwork) changed(after time.Duration, change func(*activities.RevocationStanding)) {
	c.RegisterDelayedCallback(func() {
		c.do(func() { change(&c.standing) })
		c.SignalWorkflow(RevocationChanged, nil)
	}, after)
}

// later gives the revocation that much time from the start.
func (c *clockwork) later(due time.Duration) {
	c.standing.DueAt = c.start.Add(due)
	c.standing.Warnings = []time.Time{c.standing.DueAt.Add(-12 * time.Hour), c.standing.DueAt.Add(-4 * time.Hour), c.standing.DueAt}
}

func (c *clockwork) run() RevokeResult {
	c.t.Helper()
	c.ExecuteWorkflow(Revoke, activities.RevocationInput{ID: request})
	require.True(c.t, c.IsWorkflowCompleted())
	require.NoError(c.t, c.GetWorkflowError())
	var out RevokeResult
	require.NoError(c.t, c.GetWorkflowResult(&out))
	return out
}

func TestARevocationIsPublishedAtOnceAndTold(t *testing.T) {
	t.Parallel()
	c := newClock(t, activities.RevocationStanding{Issuers: []string{"a"}})
	require.Equal(t, RevokeResult{Lists: 1, Letters: 2}, c.run())
	require.Equal(t, []string{"a"}, c.published)
	require.Equal(t, 1, c.notified)
	require.ElementsMatch(t, []string{"user", "contact"}, c.posted)
	require.Empty(t, c.escalated)
	require.Zero(t, c.Now().Sub(c.start).Truncate(time.Minute), "no timer is waited for")
}

func TestAProblemReportWaitsForStaffUnderItsClock(t *testing.T) {
	t.Parallel()
	c := newClock(t, activities.RevocationStanding{Undecided: true, Issuers: []string{"a"}})
	c.changed(18*time.Hour, func(s *activities.RevocationStanding) { s.Undecided = false })
	c.changed(time.Hour, func(*activities.RevocationStanding) {}) // somebody looked, and nothing was decided
	require.Equal(t, 1, c.run().Lists)
	require.Equal(t, []time.Duration{12 * time.Hour}, c.escalated)
	require.ElementsMatch(t, []string{"warning-1", "user", "contact"}, c.posted)
}

func TestAReportThatNobodyDecidesIsEscalatedToTheEndAndStaysOpen(t *testing.T) {
	t.Parallel()
	c := newClock(t, activities.RevocationStanding{Undecided: true, Issuers: []string{"a"}})
	c.changed(100*time.Hour, func(s *activities.RevocationStanding) { s.Undecided = false })
	require.Equal(t, 1, c.run().Lists, "late is better than never")
	require.Equal(t, []time.Duration{12 * time.Hour, 20 * time.Hour, 24 * time.Hour}, c.escalated)
	require.Equal(t, []int{1, 2, 3}, c.nth)
}

func TestADecisionThatNobodyTellsOfIsNoticedWithinADay(t *testing.T) {
	t.Parallel()
	c := newClock(t, activities.RevocationStanding{Undecided: true, Issuers: []string{"a"}})
	c.later(5 * 24 * time.Hour) // no warning looks before
	c.RegisterDelayedCallback(func() { c.do(func() { c.standing.Undecided, c.standing.Declined = false, true }) }, time.Hour)
	require.Equal(t, RevokeResult{Declined: true}, c.run())
	require.Equal(t, 24*time.Hour, c.Now().Sub(c.start).Truncate(time.Minute))
}

func TestWhatWasSettledWithoutAWordIsNoWarning(t *testing.T) {
	t.Parallel()
	c := newClock(t, activities.RevocationStanding{Undecided: true, Issuers: []string{"a"}})
	c.RegisterDelayedCallback(func() { c.do(func() { c.standing.Undecided, c.standing.Published = false, true }) }, time.Hour)
	require.Equal(t, RevokeResult{Letters: 2}, c.run(), "by another request")
	require.Empty(t, c.escalated)
	require.Equal(t, 12*time.Hour, c.Now().Sub(c.start).Truncate(time.Minute), "noticed when it would have warned")
}

func TestAReportHasAClockForItsPreliminaryAnswer(t *testing.T) {
	t.Parallel()
	report := func(t *testing.T) *clockwork {
		t.Helper()
		c := newClock(t, activities.RevocationStanding{Undecided: true, Issuers: []string{"a"}})
		c.standing.AnswerDueAt = c.start.Add(24 * time.Hour)
		c.standing.AnswerWarnings = c.standing.Warnings
		c.later(5 * 24 * time.Hour)
		return c
	}
	c := report(t)
	c.changed(15*time.Hour, func(s *activities.RevocationStanding) { s.Answered = true })
	c.changed(110*time.Hour, func(s *activities.RevocationStanding) { s.Undecided = false })
	c.run()
	require.Equal(t, []time.Duration{12 * time.Hour}, c.asked, "answered after the first warning")
	require.Equal(t, []time.Duration{108 * time.Hour}, c.escalated)

	c = report(t)
	c.changed(30*time.Hour, func(s *activities.RevocationStanding) { s.Undecided, s.Declined = false, true })
	c.run()
	require.Equal(t, []time.Duration{12 * time.Hour, 20 * time.Hour, 24 * time.Hour}, c.asked)
	require.Empty(t, c.escalated)
}

func TestAReasonThatLeavesLessTimeMovesTheClock(t *testing.T) {
	t.Parallel()
	c := newClock(t, activities.RevocationStanding{Undecided: true, Issuers: []string{"a"}})
	day := c.standing.Warnings
	c.later(5 * 24 * time.Hour)
	c.publish = func(string) error {
		if c.Now().Sub(c.start) < 21*time.Hour {
			return fault.New(fault.Conflict, "lint", "", "the list breaks its profile")
		}
		return nil
	}
	c.changed(2*time.Hour, func(s *activities.RevocationStanding) {
		s.Undecided, s.DueAt, s.Warnings = false, c.start.Add(24*time.Hour), day
	})
	c.run()
	require.Equal(t, []time.Duration{12 * time.Hour, 20 * time.Hour}, c.escalated)
}

func TestOfWarningsThatAReasonPutsIntoThePastTheLastIsHeard(t *testing.T) {
	t.Parallel()
	c := newClock(t, activities.RevocationStanding{Undecided: true, Issuers: []string{"a"}})
	c.later(5 * 24 * time.Hour)
	c.publish = func(string) error {
		if c.Now().Sub(c.start) < 60*time.Hour {
			return fault.New(fault.Conflict, "lint", "", "the list breaks its profile")
		}
		return nil
	}
	c.changed(48*time.Hour, func(s *activities.RevocationStanding) {
		s.Undecided, s.DueAt = false, c.start.Add(24*time.Hour)
		s.Warnings = []time.Time{s.DueAt.Add(-12 * time.Hour), s.DueAt.Add(-4 * time.Hour), s.DueAt}
	})
	c.run()
	require.Equal(t, []time.Duration{48 * time.Hour}, c.escalated)
	require.Equal(t, []int{3}, c.nth)
}

func TestAWarningDoesNotWaitForTheRecord(t *testing.T) {
	t.Parallel()
	c := newClock(t, activities.RevocationStanding{Undecided: true, Issuers: []string{"a"}})
	c.read = func(s activities.RevocationStanding) (activities.RevocationStanding, error) {
		if at := c.Now().Sub(c.start); at > time.Hour && at < 19*time.Hour {
			return s, fault.New(fault.Unavailable, "record", "", "PostgreSQL is away")
		}
		return s, nil
	}
	c.RegisterDelayedCallback(func() { c.do(func() { c.standing.Undecided, c.standing.Published = false, true }) }, 19*time.Hour+30*time.Minute)
	c.run()
	require.Len(t, c.escalated, 1, "what is settled by the second warning is silent")
	require.LessOrEqual(t, c.escalated[0], 12*time.Hour+time.Minute)
}

func TestAWarningThatIsNotRecordedYetHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	c := newClock(t, activities.RevocationStanding{Undecided: true, Issuers: []string{"a"}})
	c.recording.After(20 * time.Hour)
	c.changed(80*time.Hour, func(s *activities.RevocationStanding) { s.Undecided, s.Declined = false, true })
	c.run()
	require.ElementsMatch(t, []int{1, 2, 3}, c.nth)
}

func TestALookThatComesInLateUndoesNothing(t *testing.T) {
	t.Parallel()
	c := newClock(t, activities.RevocationStanding{Undecided: true, Issuers: []string{"a"}})
	c.standing.AnswerDueAt = c.start.Add(20 * time.Hour)
	c.later(24 * time.Hour)
	looks, decided := 0, make(chan struct{})
	seen := sync.OnceFunc(func() { close(decided) })
	c.read = func(s activities.RevocationStanding) (activities.RevocationStanding, error) {
		var nth int
		c.do(func() { looks++; nth = looks })
		if nth == 2 { // of the first warning; staff decide meanwhile
			c.do(func() { c.standing.Undecided, c.standing.DueAt = false, c.start.Add(23*time.Hour) })
			c.SignalWorkflow(RevocationChanged, nil)
			<-decided
		}
		return s, nil
	}
	shown := ""
	c.publish = func(string) error {
		seen()
		if c.Now().Sub(c.start) < 13*time.Hour {
			return fault.New(fault.Conflict, "lint", "", "the list breaks its profile")
		}
		return nil
	}
	c.OnUpsertTypedSearchAttributes(mock.Anything).Return(nil).Run(func(args mock.Arguments) {
		attributes, ok := args.Get(0).(temporal.SearchAttributes)
		require.True(t, ok)
		if due, ok := attributes.GetTime(DeadlineAt); ok {
			shown = due.Sub(c.start).String()
		}
	})
	c.run()
	require.Equal(t, "23h0m0s", shown, "of the decision, not of the look before it")
}

func TestADeclinedReportEndsItsClock(t *testing.T) {
	t.Parallel()
	c := newClock(t, activities.RevocationStanding{Undecided: true, Issuers: []string{"a"}})
	c.changed(time.Hour, func(s *activities.RevocationStanding) { s.Undecided, s.Declined = false, true })
	require.Equal(t, RevokeResult{Declined: true}, c.run())
	require.Empty(t, c.published)
	require.Empty(t, c.escalated)
	require.Zero(t, c.notified)
}

func TestAListThatCannotBeSignedIsTriedOnAndEscalated(t *testing.T) {
	t.Parallel()
	c := newClock(t, activities.RevocationStanding{Issuers: []string{"a"}})
	c.publish = func(string) error {
		if c.Now().Sub(c.start) < 21*time.Hour {
			return fault.New(fault.Conflict, "lint", "", "the list breaks its profile")
		}
		return nil
	}
	require.Equal(t, RevokeResult{Lists: 1, Letters: 2}, c.run())
	require.Equal(t, []time.Duration{12 * time.Hour, 20 * time.Hour}, c.escalated)
}

func TestAListThatIsRefusedIsTriedWithoutTheOther(t *testing.T) {
	t.Parallel()
	c := newClock(t, activities.RevocationStanding{Issuers: []string{"a", "b"}})
	c.publish = func(issuer string) error {
		if issuer == "a" && c.Now().Sub(c.start) < 12*time.Minute {
			return fault.New(fault.Conflict, "lint", "", "the list breaks its profile")
		}
		return nil
	}
	require.Equal(t, RevokeResult{Lists: 2, Letters: 2}, c.run())
	require.ElementsMatch(t, []string{"a", "b", "a", "a", "a"}, c.published, "the other is published once")
}

func TestWhatIsDoneIsNotDoneAgain(t *testing.T) {
	t.Parallel()
	c := newClock(t, activities.RevocationStanding{Issuers: []string{"a"}, Published: true, Notified: true})
	require.Equal(t, RevokeResult{}, c.run())
	require.Empty(t, c.published)
	require.Zero(t, c.notified)

	c = newClock(t, activities.RevocationStanding{Issuers: []string{"a"}, Published: true})
	require.Equal(t, RevokeResult{Letters: 2}, c.run(), "its workflow was ended between the list and the letters")
	require.Empty(t, c.published)
}

func TestAKeyWithoutCertificatesNeedsNoList(t *testing.T) {
	t.Parallel()
	c := newClock(t, activities.RevocationStanding{})
	c.run()
	require.Empty(t, c.published)
}

func TestCancellingTheWorkflowTakesNothingBack(t *testing.T) {
	t.Parallel()
	c := newClock(t, activities.RevocationStanding{Undecided: true, Issuers: []string{"a"}})
	c.RegisterDelayedCallback(c.CancelWorkflow, time.Hour)
	c.changed(2*time.Hour, func(s *activities.RevocationStanding) { s.Undecided = false })
	require.Equal(t, RevokeResult{Lists: 1, Letters: 2}, c.run())
}

func TestTheSweepCallsItsActivity(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.OnActivity(revoking.TakeUpRevocations, mock.Anything, activities.TakeUpInput{}).Return(activities.TakeUpResult{Requests: 2}, nil).Once()
	env.ExecuteWorkflow(TakeUpRevocations)
	require.NoError(t, env.GetWorkflowError())
	env.AssertExpectations(t)
}
