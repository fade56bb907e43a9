package calendar_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/calendar"
	"securemailid.example/internal/fault"
)

func jst(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", s, calendar.JST())
	require.NoError(t, err)
	return at
}

func TestNextBusinessDay(t *testing.T) {
	t.Parallel()
	c, err := calendar.New("2026-12-28", "08-13")
	require.NoError(t, err)
	for _, row := range []struct{ why, at, want string }{
		{"an ordinary day leads to the next", "2026-11-24 10:00", "2026-11-25"},
		{"a Friday leads over the weekend", "2026-11-27 23:59", "2026-11-30"},
		{"Labour Thanksgiving Day 2026 is the Monday after a weekend", "2026-11-20 10:00", "2026-11-24"},
		{"a day off counts from itself", "2026-11-22 03:00", "2026-11-24"},
		{"Silver Week 2026: two holidays with a citizens' holiday between them", "2026-09-18 12:00", "2026-09-24"},
		{"Golden Week 2026: Constitution Day falls on a Sunday, so 6 May is the substitute", "2026-05-01 09:00", "2026-05-07"},
		{"the vernal equinox of 2027 is a Sunday, Monday is the substitute", "2027-03-19 09:00", "2027-03-23"},
		{"the vernal equinox of 2026 is a Friday", "2026-03-19 09:00", "2026-03-23"},
		{"the Emperor's Birthday 2027 is a Tuesday", "2027-02-22 09:00", "2027-02-24"},
		{"Coming of Age Day 2027 is the second Monday of January", "2027-01-08 09:00", "2027-01-12"},
		{"the turn of the year is closed, and 28 December 2026 is the company's own", "2026-12-25 18:00", "2027-01-04"},
		{"the company's summer day holds every year", "2027-08-12 18:00", "2027-08-16"},
		{"Mountain Day 2026 is a Tuesday", "2026-08-10 08:00", "2026-08-12"},
	} {
		require.Equal(t, row.want+" 00:00", c.NextBusinessDay(jst(t, row.at)).Format("2006-01-02 15:04"), row.why)
	}
}

func TestTheDayIsTheDayInJapan(t *testing.T) {
	t.Parallel()
	c, err := calendar.New()
	require.NoError(t, err)
	friday := time.Date(2026, 11, 26, 15, 30, 0, 0, time.UTC) // Thursday in London, Friday 00:30 in Tokyo
	require.Equal(t, jst(t, "2026-11-30 00:00").UTC(), c.NextBusinessDay(friday).UTC())
	require.True(t, c.IsBusinessDay(friday))
	require.False(t, c.IsBusinessDay(friday.AddDate(0, 0, 1)), "Friday 15:30 UTC is Saturday in Tokyo")
}

func TestCompanyDaysMustBeDates(t *testing.T) {
	t.Parallel()
	for _, day := range []string{"", "13-08", "2027/08/13", "2027-02-29", "summer"} {
		_, err := calendar.New(day)
		require.Equal(t, fault.Invalid, fault.KindOf(err), day)
	}
	_, err := calendar.New("02-29")
	require.NoError(t, err, "29 February is a day of some years")
}

func TestNextBusinessDayIsTheFirstOne(t *testing.T) {
	t.Parallel()
	c, err := calendar.New()
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(1767225600, 2082758400).Draw(t, "at"), 0) // 2026 to 2035
		next := c.NextBusinessDay(at)
		if !next.After(at) || !c.IsBusinessDay(next) || next.Sub(at) > 11*24*time.Hour {
			t.Fatalf("%s leads to %s", at, next)
		}
		for d := next.AddDate(0, 0, -1); d.After(at); d = d.AddDate(0, 0, -1) {
			if c.IsBusinessDay(d) {
				t.Fatalf("%s lies between %s and %s", d, at, next)
			}
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	one, err := calendar.New()
	require.NoError(t, err)
	two, err := calendar.New()
	require.NoError(t, err)
	var wg sync.WaitGroup
	for year := 2026; year < 2036; year++ {
		for _, c := range []*calendar.Calendar{one, two} {
			wg.Go(func() {
				c.NextBusinessDay(time.Date(year, 3, 18, 0, 0, 0, 0, calendar.JST()))
			})
		}
	}
	wg.Wait()
}
