package activities

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// both is a record and an engine that a test brings apart.
type both struct {
	orders  map[string]order.Standing // what the record knows
	runs    map[string]Run            // what the engine knows
	listed  []string                  // what visibility says, where it lags behind; nil: it is up to date
	letters []order.PendingLetter

	noted     map[string]order.Drift
	restarted []string
	posted    []string
	forgotten time.Time // before
	inBetween func()    // happens after the lists have been read
	away      error
}

func (b *both) Order(_ context.Context, number string) (order.Status, error) {
	o := b.orders[number]
	return order.Status{Number: number, State: o.State, StateSince: o.Since, CreatedAt: now, DeadlineAt: now.AddDate(0, 0, 90)}, b.away
}

func (b *both) OpenOrders(_ context.Context, after string, limit int) ([]order.Standing, error) {
	var out []order.Standing
	for _, n := range slices.Sorted(maps.Keys(b.orders)) {
		if o := b.orders[n]; n > after && o.State != "" && !o.State.Final() && len(out) < limit {
			out = append(out, o)
		}
	}
	return out, b.away
}

func (b *both) Standings(_ context.Context, numbers []string) ([]order.Standing, error) {
	var out []order.Standing
	for _, n := range numbers {
		if o, ok := b.orders[n]; ok {
			out = append(out, o)
		}
	}
	return out, nil
}

func (b *both) NoteDrift(_ context.Context, number string, d order.Drift, _ string, _ time.Time) (bool, error) {
	_, known := b.noted[number]
	b.noted[number] = d
	return !known, nil
}

func (b *both) WaitingLetters(_ context.Context, q order.PendingQuery) ([]order.PendingLetter, error) {
	var out []order.PendingLetter
	for _, l := range b.letters {
		after := l.CreatedAt.After(q.From) || l.CreatedAt.Equal(q.From) && l.ID > q.AfterID
		if after && l.CreatedAt.Before(q.To) && len(out) < q.Limit {
			out = append(out, l)
		}
	}
	return out, nil
}

func (b *both) ForgetSubmissions(_ context.Context, before time.Time) (int, error) {
	b.forgotten = before
	return 3, nil
}

func (b *both) RunningOrders(_ context.Context, after, to string) ([]string, error) {
	defer func() {
		if b.inBetween != nil {
			b.inBetween()
		}
	}()
	listed := b.listed
	if listed == nil {
		for n, run := range b.runs {
			if run == RunOpen {
				listed = append(listed, n)
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(listed), func(n string) bool { return n <= after || n > to }), nil
}

func (b *both) OrderRun(_ context.Context, number string) (Run, error) {
	if run, ok := b.runs[number]; ok {
		return run, nil
	}
	return RunNone, nil
}

func (b *both) RestartOrder(_ context.Context, st order.Status, plan Plan, _ time.Time) (bool, error) {
	if b.runs[st.Number] == RunOpen || plan.DeadlineAt.IsZero() {
		return false, nil
	}
	b.runs[st.Number] = RunOpen
	b.restarted = append(b.restarted, st.Number)
	return true, nil
}

func (b *both) Post(_ context.Context, _, letter string) error {
	if letter == "unlucky" {
		return fault.New(fault.Unavailable, "engine.unavailable", "", "away")
	}
	b.posted = append(b.posted, letter)
	return nil
}

// reconciling is the activities over both, in an environment of their own.
func reconciling(b *both) (*Reconciling, *testsuite.TestActivityEnvironment) {
	if b.runs == nil {
		b.runs = map[string]Run{}
	}
	b.noted = map[string]order.Drift{}
	book, _ := policy.Open(policy.Guide)
	r := &Reconciling{Records: b, Engine: b, Policy: book, Clock: func() time.Time { return now }}
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(r)
	return r, env
}

func compare(t *testing.T, b *both, in CompareInput) CompareResult {
	t.Helper()
	r, env := reconciling(b)
	value, err := env.ExecuteActivity(r.CompareOrders, in)
	require.NoError(t, err)
	var out CompareResult
	require.NoError(t, value.Get(&out))
	return out
}

const some = "4711000001"

func standing(s order.State, age time.Duration) map[string]order.Standing {
	return map[string]order.Standing{some: {Number: some, State: s, Since: now.Add(-age)}}
}

func TestWhereRecordAndEngineDisagree(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	for _, row := range []struct {
		why  string
		both both
		want CompareResult
		note order.Drift
	}{
		{"an open order with its workflow", both{orders: standing(order.DomainValidation, day), runs: map[string]Run{some: RunOpen}}, CompareResult{Open: 1}, ""},
		{"the list lags behind", both{orders: standing(order.DomainValidation, 0), runs: map[string]Run{some: RunOpen}, listed: []string{}}, CompareResult{Open: 1}, ""},
		{"a workflow that was terminated", both{orders: standing(order.DomainValidation, day), runs: map[string]Run{some: RunTerminated}},
			CompareResult{Open: 1, Restarted: 1}, order.DriftRestarted},
		{"one that was timed out", both{orders: standing(order.Issuing, day), runs: map[string]Run{some: RunTimedOut}},
			CompareResult{Open: 1, Restarted: 1}, order.DriftRestarted},
		{"one that is lost, as after a restore of the engine's store", both{orders: standing(order.OrganizationValidation, day)},
			CompareResult{Open: 1, Restarted: 1}, order.DriftRestarted},
		{"one that has completed is never run again: the record has lost something", both{orders: standing(order.OrganizationValidation, day), runs: map[string]Run{some: RunEnded}},
			CompareResult{Open: 1, Ended: 1}, order.DriftEnded},
		{"a workflow that still delivers its last mail", both{orders: standing(order.Issued, 5*day), runs: map[string]Run{some: RunOpen}}, CompareResult{}, ""},
		{"a workflow that outlives its order", both{orders: standing(order.Rejected, 7*day), runs: map[string]Run{some: RunOpen}},
			CompareResult{Stray: 1}, order.DriftStray},
		{"a form that is being accepted", both{orders: standing("", time.Hour), runs: map[string]Run{some: RunOpen}}, CompareResult{}, ""},
		{"a form that is never accepted", both{orders: standing("", 7*day), runs: map[string]Run{some: RunOpen}}, CompareResult{Stray: 1}, order.DriftStray},
		{"a workflow that the record has never heard of", both{runs: map[string]Run{some: RunOpen}}, CompareResult{Stray: 1}, order.DriftStray},
		{"one that has ended since it was listed", both{runs: map[string]Run{some: RunEnded}, listed: []string{some}}, CompareResult{}, ""},
	} {
		require.Equal(t, row.want, compare(t, &row.both, CompareInput{}), row.why)
		require.Equal(t, row.note, row.both.noted[some], row.why)
		require.Len(t, row.both.restarted, row.want.Restarted, row.why)
	}
}

func TestAnOrderThatEndsMeanwhileIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := &both{orders: standing(order.Issuing, time.Hour), runs: map[string]Run{some: RunEnded}}
	b.inBetween = func() { b.orders = standing(order.Issued, 0) }
	require.Equal(t, CompareResult{Open: 1}, compare(t, b, CompareInput{}))
	require.Empty(t, b.noted)
}

// TestEveryRangeIsComparedOnce walks over more open orders than one page takes, with strays in between and behind.
func TestEveryRangeIsComparedOnce(t *testing.T) {
	t.Parallel()
	b := &both{orders: map[string]order.Standing{}, runs: map[string]Run{"1000000000": RunOpen, "1000000401": RunOpen, lastNumber: RunOpen}}
	for i := range 2*comparePage + 7 {
		n := "10000" + string(rune('0'+i/1000%10)) + string(rune('0'+i/100%10)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10)) + "5"
		b.orders[n] = order.Standing{Number: n, State: order.DomainValidation, Since: now}
		if i%100 != 0 {
			b.runs[n] = RunOpen
		}
	}
	sum, pages := CompareResult{}, 0
	for in := (CompareInput{}); ; {
		page := compare(t, b, in)
		pages++
		sum.Open, sum.Restarted, sum.Stray = sum.Open+page.Open, sum.Restarted+page.Restarted, sum.Stray+page.Stray
		if page.Next == "" {
			break
		}
		in.After = page.Next
	}
	require.Equal(t, CompareResult{Open: 407, Restarted: 5, Stray: 3}, sum)
	require.Equal(t, 3, pages)
}

func TestARecordThatIsAwayIsNoDisagreement(t *testing.T) {
	t.Parallel()
	b := &both{runs: map[string]Run{some: RunOpen}, away: fault.New(fault.Unavailable, "store.unavailable", "", "away")}
	r, env := reconciling(b)
	_, err := env.ExecuteActivity(r.CompareOrders, CompareInput{})
	require.Error(t, err)
	require.Empty(t, b.noted)
}

func TestLettersThatNobodyDelivers(t *testing.T) {
	t.Parallel()
	at := func(age time.Duration, id, number string) order.PendingLetter {
		return order.PendingLetter{ID: id, Order: number, CreatedAt: now.Add(-age)}
	}
	b := &both{runs: map[string]Run{"4711000002": RunOpen, "4711000003": RunEnded}, letters: []order.PendingLetter{
		at(7*24*time.Hour, "given-up", some), at(3*time.Hour, "a", some), at(2*time.Hour, "with-its-order", "4711000002"), at(2*time.Hour, "b", "4711000003"),
		at(2*time.Hour, "unlucky", some), at(time.Minute, "fresh", some),
	}}
	r, env := reconciling(b)
	value, err := env.ExecuteActivity(r.PostWaiting, WaitingInput{})
	require.NoError(t, err)
	var out WaitingResult
	require.NoError(t, value.Get(&out))
	require.Equal(t, WaitingResult{Waiting: 3, Unposted: 1}, out)
	require.Equal(t, []string{"a", "b"}, b.posted)
}

func TestWaitingLettersGoOutInPages(t *testing.T) {
	t.Parallel()
	b := &both{}
	for i := range postPage + 5 { // all of one moment
		b.letters = append(b.letters, order.PendingLetter{ID: string(rune('a' + i)), Order: some, CreatedAt: now.Add(-2 * time.Hour)})
	}
	r, env := reconciling(b)
	in, sent := WaitingInput{}, 0
	for {
		value, err := env.ExecuteActivity(r.PostWaiting, in)
		require.NoError(t, err)
		var out WaitingResult
		require.NoError(t, value.Get(&out))
		sent += out.Waiting
		if in.After = out.Next; in.After == nil {
			break
		}
	}
	require.Equal(t, postPage+5, sent)
	slices.Sort(b.posted)
	require.Len(t, slices.Compact(b.posted), postPage+5, "each once")
}

func TestOldSubmissionsAreForgottenAsThePolicySays(t *testing.T) {
	t.Parallel()
	b := &both{}
	r, env := reconciling(b)
	value, err := env.ExecuteActivity(r.ForgetSubmissions, ForgetInput{})
	require.NoError(t, err)
	var out ForgetResult
	require.NoError(t, value.Get(&out))
	require.Equal(t, 3, out.Forgotten)
	require.Equal(t, now.Add(-r.Policy.At(now).SubmissionRetention), b.forgotten)
}
