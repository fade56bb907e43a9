package policy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/order"
)

func TestRenewalEnd(t *testing.T) {
	t.Parallel()
	at := on(2026, 11, 22)
	oneYear := at.AddDate(1, 0, 0).Add(-time.Second)
	for what, row := range map[string]struct {
		years  int
		before time.Time
		want   time.Time
	}{
		"what is left is added": {1, at.Add(10 * day), oneYear.Add(10 * day)},
		"to the second":         {1, at.Add(time.Hour + 999*time.Millisecond), oneYear.Add(time.Hour)},
		"at most 30 days":       {1, at.Add(80 * day), oneYear.Add(30 * day)},
		"to two years as well":  {2, at.Add(5 * day), at.AddDate(2, 0, 0).Add(5*day - time.Second)},
		"of a certificate that has ended nothing is left": {1, at.Add(-time.Hour), time.Time{}},
		"nor of one that ends now":                        {1, at, time.Time{}},
	} {
		require.Equal(t, row.want, open(t, Guide).At(at).RenewalEnd(at, row.years, row.before), what)
	}
}

// A renewal never ends before the years are over, nor later than any certificate may (E: 825 days, both ends counted).
func TestARenewalEndsWithinTheLimits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(1.6e9, 4e9).Draw(t, "at"), rapid.Int64Range(0, 1e9-1).Draw(t, "ns")).UTC()
		years := rapid.IntRange(1, 2).Draw(t, "years")
		p := rapid.SampledFrom(profiles).Draw(t, "profile")
		b, _ := Open(p)
		r := b.At(at)
		r.RenewalCarryOver = time.Duration(rapid.Int64Range(0, int64(200*day)).Draw(t, "carry over"))
		left := time.Duration(rapid.Int64Range(int64(-100*day), int64(300*day)).Draw(t, "left"))
		end := r.RenewalEnd(at, years, at.Add(left))
		if end.IsZero() {
			require.Less(t, min(left, r.RenewalCarryOver), time.Second)
			return
		}
		start := at.Truncate(time.Second)
		plain := start.AddDate(years, 0, 0).Add(-time.Second)
		require.True(t, end.After(plain))
		require.LessOrEqual(t, end.Sub(plain), min(left+time.Second, r.RenewalCarryOver))
		require.LessOrEqual(t, end.Sub(start)+time.Second, time.Duration(r.MaxValidityDays)*day)
		require.Zero(t, end.Nanosecond())
	})
}

// What the rules forbid by now is not reused either.
func TestReuseFollowsTheRulesInForce(t *testing.T) {
	t.Parallel()
	b := open(t, PublicTrust)
	before, after := b.At(on(2028, 3, 14)).Reuse(), b.At(on(2028, 3, 15)).Reuse()
	require.Contains(t, before.Methods, order.DCVEmail, "A8")
	require.NotContains(t, after.Methods, order.DCVEmail, "A8: nor reuse")
	require.NotContains(t, after.PhoneSources, order.SourceDatabase, "D2")
	require.Equal(t, "public-trust", after.Profile)
	require.Equal(t, "public-trust/2028-03-15", after.Version)
	require.Equal(t, 398*day, after.Domain)
	require.Equal(t, 825*day, after.Organization)
}
