package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
)

// TestOpenOrdersAreThoseThatHaveNotEnded holds the record's list of ends to the domain's, in every state.
func TestOpenOrdersAreThoseThatHaveNotEnded(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	want := map[string]order.State{}
	for _, s := range order.States {
		if n := r.inState(s); !s.Final() {
			want[n] = s
		}
	}
	got, after := map[string]order.State{}, ""
	for {
		page, err := r.OpenOrders(r.ctx(), after, 2)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		require.True(t, slices.IsSortedFunc(page, func(a, b order.Standing) int { return map[bool]int{true: -1, false: 1}[a.Number < b.Number] }))
		for _, o := range page {
			got[o.Number] = o.State
			require.WithinRange(t, o.Since, noon, r.clock())
		}
		after = page[len(page)-1].Number
	}
	require.Equal(t, want, got)
}

func TestStandings(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	open, ended := r.inState(order.DomainValidation), r.inState(order.Cancelled)
	waiting, _, err := r.ReserveNumber(r.ctx(), submission(r.vouchers(1)[0]))
	require.NoError(t, err)
	got, err := r.Standings(r.ctx(), []string{open, ended, waiting, "1000000000"})
	require.NoError(t, err)
	states := map[string]order.State{}
	for _, s := range got {
		states[s.Number] = s.State
		require.False(t, s.Since.IsZero())
	}
	require.Equal(t, map[string]order.State{open: order.DomainValidation, ended: order.Cancelled, waiting: ""}, states)
}

func TestADisagreementIsNotedOnce(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	for _, d := range []order.Drift{order.DriftEnded, order.DriftStray} {
		noted, err := r.NoteDrift(r.ctx(), number, d, "ended", r.tick())
		require.NoError(t, err)
		require.True(t, noted)
		r.unchanged(func() {
			noted, err = r.NoteDrift(r.ctx(), number, d, "ended", r.tick())
			require.NoError(t, err)
			require.False(t, noted)
		})
	}
	for range 2 {
		noted, err := r.NoteDrift(r.ctx(), number, order.DriftRestarted, "terminated", r.tick())
		require.NoError(t, err)
		require.True(t, noted, "each restart is one")
	}
	_, err := r.NoteDrift(r.ctx(), "1000000000", order.DriftStray, "open", r.tick())
	require.NoError(t, err, "also of what is not known")
	require.Equal(t, 5, one[int](r, `SELECT count(*) FROM audit WHERE action LIKE 'workflow-%'`))
	_, err = r.VerifyAudit(r.ctx(), nil)
	require.NoError(t, err)
}

func TestWaitingLettersLieBetweenTwoTimes(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	r.exec(`UPDATE letters SET state = 'sent', facts = NULL`)
	write := func(at time.Time) string {
		l := letter(number, order.LetterStatusLink, uuid.NewString(), at)
		id, err := r.PostLetter(r.ctx(), l, applicant, 0)
		require.NoError(t, err)
		return id
	}
	old, from := write(noon.Add(-time.Hour)), noon
	want := []string{write(noon), write(noon.Add(time.Minute)), write(noon.Add(time.Minute)), write(noon.Add(2 * time.Minute))}
	sent, late := write(noon.Add(3*time.Minute)), write(noon.Add(time.Hour))
	require.NoError(t, r.LetterDone(r.ctx(), sent, order.LetterSent, "250", r.tick()))
	var got []string
	q := order.PendingQuery{From: from, To: noon.Add(time.Hour), Limit: 2}
	for {
		page, err := r.WaitingLetters(r.ctx(), q)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		for _, l := range page {
			require.Equal(t, number, l.Order)
			got = append(got, l.ID)
		}
		q.From, q.AfterID = page[len(page)-1].CreatedAt, page[len(page)-1].ID
	}
	require.ElementsMatch(t, want, got)
	require.NotContains(t, got, old)
	require.NotContains(t, got, late)
}
