package dcv_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/dcv"
)

var opened = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func TestDefaultCadenceSlowsDown(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		open, every time.Duration
	}{
		{0, time.Minute},
		{10*time.Minute - 1, time.Minute},
		{10 * time.Minute, 5 * time.Minute},
		{70*time.Minute - 1, 5 * time.Minute},
		{70 * time.Minute, 15 * time.Minute},
		{25 * time.Hour, 15 * time.Minute},
		{26 * time.Hour, time.Hour},
		{29 * 24 * time.Hour, time.Hour},
		{-time.Hour, time.Minute}, // a clock that was set back
	} {
		wait := dcv.DefaultCadence().NextCheck(dcv.Challenge{ID: "c", OpenedAt: opened}, opened.Add(row.open), time.Time{})
		require.InDelta(t, float64(row.every), float64(wait), float64(row.every)/10+1, "open for %s", row.open)
	}
}

func TestASettingLeftEmptyIsNoBusyLoop(t *testing.T) {
	t.Parallel()
	wait := dcv.Cadence{}.NextCheck(dcv.Challenge{OpenedAt: opened}, opened, time.Time{})
	require.Greater(t, wait, 50*time.Minute)
	seconds := dcv.Cadence{Then: 2 * time.Second}.NextCheck(dcv.Challenge{OpenedAt: opened}, opened, time.Time{})
	require.InDelta(t, float64(2*time.Second), float64(seconds), float64(200*time.Millisecond)+1)
}

func TestTheDeadlineCapsTheWait(t *testing.T) {
	t.Parallel()
	c := dcv.Challenge{ID: "c", OpenedAt: opened}
	require.Equal(t, 3*time.Second, dcv.DefaultCadence().NextCheck(c, opened, opened.Add(3*time.Second)))
	require.Zero(t, dcv.DefaultCadence().NextCheck(c, opened, opened))
	require.Zero(t, dcv.DefaultCadence().NextCheck(c, opened, opened.Add(-time.Hour)))
}

// The wait is within a tenth of the base, never beyond the deadline, and depends on nothing but its arguments.
func TestTheWaitIsBoundedAndSteady(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k := dcv.DefaultCadence()
		c := dcv.Challenge{ID: rapid.String().Draw(t, "id"), OpenedAt: opened}
		now := opened.Add(time.Duration(rapid.Int64Range(0, int64(40*24*time.Hour)).Draw(t, "open")))
		deadline := now.Add(time.Duration(rapid.Int64Range(0, int64(2*time.Hour)).Draw(t, "left")))
		wait := k.NextCheck(c, now, deadline)
		require.Equal(t, wait, k.NextCheck(c, now, deadline))
		require.LessOrEqual(t, wait, 66*time.Minute)
		require.False(t, now.Add(wait).After(deadline))
		if deadline.Sub(now) > 66*time.Minute {
			require.GreaterOrEqual(t, wait, 54*time.Second)
		}
	})
}

// The orders of one batch do not look in step.
func TestChallengesSpreadOut(t *testing.T) {
	t.Parallel()
	distinct := map[time.Duration]bool{}
	for i := range 1000 {
		c := dcv.Challenge{ID: fmt.Sprintf("challenge-%d", i), OpenedAt: opened}
		distinct[dcv.DefaultCadence().NextCheck(c, opened, time.Time{}).Truncate(100*time.Millisecond)] = true
	}
	require.Greater(t, len(distinct), 60, "of 120 possible tenths of a second")
}
