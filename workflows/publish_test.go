package workflows

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
)

// publication is a run of the Schedule in virtual time.
type publication struct {
	*testsuite.TestWorkflowEnvironment
	queues map[string][]string // on which each list was asked for
	gauges measured
}

// measured are the gauges of each issuer's list, by their last values.
type measured struct {
	client.MetricsHandler
	issuer string
	left   map[string]time.Duration
}

func (m measured) WithTags(tags map[string]string) client.MetricsHandler {
	if id, ok := tags["issuer"]; ok {
		m.issuer = id
	}
	return m
}

func (m measured) Gauge(name string) client.MetricsGauge {
	if name != "smid_crl_late_seconds_left" {
		return m.MetricsHandler.Gauge(name)
	}
	return m
}

// Update keeps a value.
func (m measured) Update(left float64) { m.left[m.issuer] = time.Duration(left * float64(time.Second)) }

var (
	morning   = time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)
	successor = morning.AddDate(0, 0, 7)                                                         // ends what is published in a run
	fresh     = activities.DueList{Issuer: "fresh", NextUpdate: morning.Add(6 * 24 * time.Hour)} // in service, and not due
)

func newPublication(all bool, due []activities.DueList, publish func(issuer string, now time.Duration) error) *publication {
	var suite testsuite.WorkflowTestSuite
	gauges := measured{MetricsHandler: client.MetricsNopHandler, left: map[string]time.Duration{}}
	suite.SetMetricsHandler(gauges)
	p := &publication{suite.NewTestWorkflowEnvironment(), map[string][]string{}, gauges}
	start := morning
	p.SetStartTime(start)
	p.OnActivity(overseeing.FindDueLists, mock.Anything, activities.DueInput{All: all}).Return(activities.DueResult{Lists: due, InService: append(due, fresh)}, nil).Once()
	p.OnActivity(publishing.PublishCRL, mock.Anything, mock.Anything).Return(
		func(ctx context.Context, in activities.ListInput) (activities.PublishedList, error) {
			p.queues[in.Issuer] = append(p.queues[in.Issuer], activity.GetInfo(ctx).TaskQueue)
			return activities.PublishedList{Issuer: in.Issuer, Number: 2, NextUpdate: successor}, activities.ToTemporal(publish(in.Issuer, p.Now().Sub(start)))
		}).Maybe()
	return p
}

func TestEachListIsPublishedOnTheQueueOfItsKey(t *testing.T) {
	t.Parallel()
	for _, all := range []bool{false, true} {
		p := newPublication(all, []activities.DueList{{Issuer: "a"}, {Issuer: "b"}}, func(string, time.Duration) error { return nil })
		p.ExecuteWorkflow(PublishCRLs, PublishCRLsInput{All: all})
		require.NoError(t, p.GetWorkflowError())
		var out activities.PublishResult
		require.NoError(t, p.GetWorkflowResult(&out))
		require.Equal(t, []activities.PublishedList{{Issuer: "a", Number: 2, NextUpdate: successor}, {Issuer: "b", Number: 2, NextUpdate: successor}}, out.Lists)
		require.Equal(t, map[string][]string{"a": {"signing-a"}, "b": {"signing-b"}}, p.queues)
	}
}

func TestAListThatFailsHoldsUpNoOtherAndIsNamed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		shows string
		fails error
		tries func(int) bool
	}{
		{"refused for good: once", fault.New(fault.Conflict, "lint", "", "the list breaks its profile"), func(n int) bool { return n == 1 }},
		{"away: again and again", fault.New(fault.Unavailable, "hsm", "", "the HSM does not answer"), func(n int) bool { return n > 5 }},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			p := newPublication(false, []activities.DueList{{Issuer: "a"}, {Issuer: "b"}}, func(issuer string, _ time.Duration) error {
				if issuer == "a" {
					return row.fails
				}
				return nil
			})
			start := p.Now()
			p.ExecuteWorkflow(PublishCRLs, PublishCRLsInput{})
			err := p.GetWorkflowError()
			require.ErrorContains(t, err, "no new revocation list of issuing CA a")
			require.Len(t, p.queues["b"], 1, "the other is published, once")
			require.True(t, row.tries(len(p.queues["a"])), "%d tries", len(p.queues["a"]))
			require.Less(t, p.Now().Sub(start), time.Hour, "the next run is not skipped")
			var app *temporal.ApplicationError
			require.ErrorAs(t, err, &app)
			var done activities.PublishResult
			require.NoError(t, app.Details(&done))
			require.Equal(t, "b", done.Lists[0].Issuer)
		})
	}
}

func TestARunOfTheScheduleEndsBeforeTheNext(t *testing.T) {
	t.Parallel()
	o := scheduledListOptions("a")
	require.Positive(t, o.ScheduleToCloseTimeout, "a key that is away does not keep the run open")
	require.LessOrEqual(t, o.ScheduleToCloseTimeout, time.Hour-5*time.Minute, "the next run would be skipped")
	require.Zero(t, listOptions("a").ScheduleToCloseTimeout, "a revocation waits as long as it takes")
}

func TestTheEndOfEveryListInServiceIsMeasured(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	due := []activities.DueList{{Issuer: "mended", NextUpdate: morning.Add(day), Late: true}, {Issuer: "late", NextUpdate: morning.Add(2 * day), Late: true}, {Issuer: "never", Late: true}}
	p := newPublication(false, due, func(issuer string, _ time.Duration) error {
		if issuer == "mended" {
			return nil
		}
		return fault.New(fault.Conflict, "lint", "", "the list breaks its profile")
	})
	p.ExecuteWorkflow(PublishCRLs, PublishCRLsInput{})
	require.Error(t, p.GetWorkflowError())
	for issuer, left := range p.gauges.left {
		p.gauges.left[issuer] = left.Round(time.Hour)
	}
	require.Equal(t, map[string]time.Duration{"mended": 7 * day, "late": 2 * day, "fresh": 6 * day}, p.gauges.left)
}

func TestAListThatWasNeverPublishedHasNoDeadline(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		shows string
		due   []activities.DueList
		want  time.Time
	}{
		{"alone", []activities.DueList{{Issuer: "never", Late: true}}, time.Time{}},
		{"before one that ends", []activities.DueList{{Issuer: "never", Late: true}, {Issuer: "b", NextUpdate: fresh.NextUpdate, Late: true}}, fresh.NextUpdate},
		{"after one that ends", []activities.DueList{{Issuer: "b", NextUpdate: fresh.NextUpdate, Late: true}, {Issuer: "never", Late: true}}, fresh.NextUpdate},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			p := newPublication(false, row.due, func(string, time.Duration) error { return nil })
			staff, dated, deadline := false, false, time.Time{}
			p.OnUpsertTypedSearchAttributes(mock.Anything).Return(nil).Run(func(args mock.Arguments) {
				attributes, ok := args.Get(0).(temporal.SearchAttributes)
				require.True(t, ok)
				if needed, ok := attributes.GetBool(NeedsStaff); ok {
					staff = needed
					deadline, dated = attributes.GetTime(DeadlineAt)
				}
			})
			p.ExecuteWorkflow(PublishCRLs, PublishCRLsInput{})
			require.NoError(t, p.GetWorkflowError())
			require.True(t, staff)
			require.Equal(t, !row.want.IsZero(), dated)
			require.Equal(t, row.want, deadline)
		})
	}
}

func TestAListThatNearsItsEndCallsForStaff(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC)
	for _, late := range []bool{false, true} {
		p := newPublication(false, []activities.DueList{{Issuer: "a", NextUpdate: end.AddDate(0, 0, 9)}, {Issuer: "b", NextUpdate: end, Late: late}},
			func(string, time.Duration) error { return nil })
		shown := 0
		p.OnUpsertTypedSearchAttributes(mock.MatchedBy(func(a temporal.SearchAttributes) bool { // versions are search attributes, too
			_, ok := a.GetBool(NeedsStaff)
			return ok
		})).Return(nil).Run(func(args mock.Arguments) {
			shown++
			attributes, ok := args.Get(0).(temporal.SearchAttributes)
			require.True(t, ok)
			staff, _ := attributes.GetBool(NeedsStaff)
			require.True(t, staff)
			deadline, _ := attributes.GetTime(DeadlineAt)
			require.Equal(t, end, deadline)
		}).Maybe()
		p.OnUpsertTypedSearchAttributes(mock.Anything).Return(nil).Maybe()
		p.ExecuteWorkflow(PublishCRLs, PublishCRLsInput{})
		require.NoError(t, p.GetWorkflowError())
		require.Equal(t, late, shown == 1)
	}
}
