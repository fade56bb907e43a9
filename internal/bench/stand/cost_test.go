package stand_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/bench/stand"
	"securemailid.example/internal/devstack/need"
	"securemailid.example/internal/devstack/postgres"
	"securemailid.example/internal/order"
)

// shared is the one stand of this test binary.
var shared struct {
	once  sync.Once
	stand *stand.Stand
	err   error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.stand != nil {
		if err := shared.stand.Close(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, "stand:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// open returns the stand. It looks for challenges every few milliseconds, so that a month of hourly looks takes seconds.
func open(t *testing.T) *stand.Stand {
	t.Helper()
	shared.once.Do(func() {
		shared.stand, shared.err = stand.Open(context.Background(), stand.Options{Volatile: true, Poll: 5 * time.Millisecond})
	})
	if errors.Is(shared.err, postgres.ErrNoBinaries) {
		need.Skip(t, shared.err.Error())
	}
	require.NoError(t, shared.err)
	return shared.stand
}

// maxEvents is what an order may cost from the form to the certificate: the server's work per order grows with its events.
const maxEvents = 90

func TestAnOrderCostsAtMostNinetyEvents(t *testing.T) {
	t.Parallel()
	for _, method := range order.DCVMethods {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			s := open(t)
			number, err := s.Carry(t.Context(), method)
			require.NoError(t, err)
			c, err := s.Cost(t.Context(), number)
			require.NoError(t, err)
			t.Logf("%s: %d events, %d state transitions, %d bytes of history", method, c.Events, c.Transitions, c.Bytes)
			require.LessOrEqual(t, c.Events, int64(maxEvents))
		})
	}
}

// The server retries an activity once a second at most, so a month of hourly looks is shared by several orders.
func TestWaitingForAMonthCostsNoEvent(t *testing.T) {
	t.Parallel()
	const orders, looks = 36, 20 // 720 in all, as many as hours in 30 days
	s := open(t)
	numbers := make([]string, orders)
	for i := range numbers {
		st, err := s.Start(t.Context(), order.DCVTXT)
		require.NoError(t, err)
		numbers[i] = st.Number
	}
	var total stand.Cost
	var looked int64
	before, first := make([]stand.Cost, orders), make([]int, orders)
	for i, number := range numbers {
		before[i], first[i] = standing(t, s, number, 1)
	}
	for i, number := range numbers {
		after, last := standing(t, s, number, first[i]+looks)
		cost := after.Sub(before[i])
		require.Zero(t, cost.Events, "order %s", number)
		require.Zero(t, cost.Bytes, "order %s", number)
		total.Transitions += cost.Transitions
		looked += int64(last - first[i])
	}
	perLook := float64(total.Transitions) / float64(looked)
	t.Logf("%d looks: no event, no byte of history, %.2f state transitions per look", looked, perLook)
	require.InDelta(t, 2, perLook, 0.2, "one transition to look, one to wait")
	require.NoError(t, s.Finish(t.Context(), numbers[0]), "an order that has waited goes on")
}

// standing waits for a number of looks and says what the order has cost so far, and how many looks there were.
func standing(t *testing.T, s *stand.Stand, number string, looks int) (stand.Cost, int) {
	t.Helper()
	require.NoError(t, s.AwaitQuiet(t.Context(), number))
	st, err := s.Await(t.Context(), number, "looks", func(st order.Status) bool { return st.Challenge.Checks >= looks })
	require.NoError(t, err)
	c, err := s.Cost(t.Context(), number)
	require.NoError(t, err)
	return c, st.Challenge.Checks
}
