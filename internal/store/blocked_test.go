package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

var forbidden = fault.Text{JA: "CAAレコードが発行を認めていません。", EN: "The CAA records do not permit the issuance."}

func (r *record) status(number string) order.Status {
	r.t.Helper()
	st, err := r.Order(r.ctx(), number)
	require.NoError(r.t, err)
	return st
}

func TestABlockedIssuanceIsInTheRecord(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	for _, state := range order.States {
		number, at := r.inState(state), r.tick()
		err := r.Block(r.ctx(), number, forbidden, at)
		if state.Final() {
			isFault(t, err, fault.Conflict, "order.state")
			r.unchanged(func() { require.NoError(t, r.Unblock(r.ctx(), number), "nothing to lift") })
			continue
		}
		require.NoError(t, err)
		st := r.status(number)
		require.Equal(t, state, st.State, "no change of state")
		require.Equal(t, forbidden, st.Blocked)
		require.Equal(t, at, st.BlockedAt)
		require.Equal(t, "blocked", st.Awaited[0].Code)
		require.Contains(t, st.Timeline[len(st.Timeline)-1].Detail, forbidden.EN)
		list, err := r.Orders(r.ctx(), order.Filter{NeedsStaff: true, State: state})
		require.NoError(t, err)
		require.Len(t, list, 1, "%s", state)
		require.Equal(t, st.Awaited, list[0].Awaited)

		r.unchanged(func() { require.NoError(t, r.Block(r.ctx(), number, forbidden, r.tick())) })
		require.Equal(t, at, r.status(number).BlockedAt, "since the first time")
		other := fault.Text{JA: "別の理由", EN: "Another reason"}
		require.NoError(t, r.Block(r.ctx(), number, other, r.tick()))
		require.Equal(t, other, r.status(number).Blocked)

		require.NoError(t, r.Unblock(r.ctx(), number))
		r.unchanged(func() { require.NoError(t, r.Unblock(r.ctx(), number)) })
		st = r.status(number)
		require.Zero(t, st.Blocked)
		require.Zero(t, st.BlockedAt)
		require.NotEqual(t, "blocked", st.Awaited[0].Code)
	}
	isFault(t, r.Block(r.ctx(), "1000000000", forbidden, r.tick()), fault.NotFound, "order.unknown")
	isFault(t, r.Unblock(r.ctx(), "1000000000"), fault.NotFound, "order.unknown")
}

func TestWhatGoesOnIsNotBlockedAnyMore(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	r.validated(number)
	r.phoned(number)
	block := func() { require.NoError(t, r.Block(r.ctx(), number, forbidden, r.tick())) }

	block()
	_, err := r.Reserve(r.ctx(), toBeSigned(number, 1, r.issuer().ID), permitted, r.tick())
	require.NoError(t, err)
	require.Zero(t, r.status(number).Blocked, "reserved")
	block()
	_, err = r.Issue(r.ctx(), number, 1, r.tick(), sign, notices(noon))
	require.NoError(t, err)
	require.Zero(t, r.status(number).Blocked, "issued")

	number = r.inState(order.Issuing)
	block()
	require.NoError(t, r.Close(r.ctx(), number, order.Rejected, staff, "", r.tick(), nil))
	require.Zero(t, r.status(number).Blocked, "closed")
}

func TestReachedTellsHowFarAnOrderCame(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	for _, state := range order.States {
		number := r.inState(state)
		switch {
		case state == order.Issued:
			require.Equal(t, order.Issuing, r.status(number).Reached)
		case state.Final():
			require.Equal(t, order.Accepted, r.status(number).Reached)
		default:
			require.Equal(t, state, r.status(number).Reached)
			require.NoError(t, r.Close(r.ctx(), number, order.Rejected, staff, "", r.tick(), nil))
			require.Equal(t, state, r.status(number).Reached, "ended in %s", state)
		}
	}
}
