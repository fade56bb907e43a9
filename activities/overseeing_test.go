package activities_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/activities"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

type standings []order.IssuerStanding

func (s standings) IssuerStandings(context.Context) ([]order.IssuerStanding, error) { return s, nil }

func TestWhichListsAreDue(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) order.CRL {
		return order.CRL{Number: 7, ThisUpdate: now.Add(-d), NextUpdate: now.Add(7*24*time.Hour - d)}
	}
	const hour = time.Hour
	newest := order.IssuerStanding{NotBefore: now.AddDate(0, -1, 0), NotAfter: now.AddDate(8, 0, 0)}
	old := order.IssuerStanding{NotBefore: now.AddDate(-3, 0, 0), NotAfter: now.AddDate(5, 0, 0), LastExpiry: now.AddDate(1, 0, 0)}
	for _, row := range []struct {
		shows  string
		of     order.IssuerStanding
		list   order.CRL
		change func(*order.IssuerStanding)
		all    bool
		due    bool
		late   bool
	}{
		{"a fresh list of the newest", newest, ago(22 * hour), nil, false, false, false},
		{"asked for by hand", newest, ago(hour), nil, true, true, false},
		{"older than a day before the next look", newest, ago(23*hour + time.Minute), nil, false, true, false},
		{"of an older one with valid certificates", old, ago(30 * hour), nil, false, true, false},
		{"two days without a successor", old, ago(49 * hour), nil, false, true, true},
		{"past its nextUpdate", old, ago(8 * 24 * hour), nil, false, true, true},
		{"none at all", newest, order.CRL{}, nil, false, true, true},
		{"an older one that has certified nothing", old, order.CRL{}, func(s *order.IssuerStanding) { s.LastExpiry = time.Time{} }, true, false, false},
		{"the one list after the last certificate's end", old, ago(25 * hour), func(s *order.IssuerStanding) { s.LastExpiry = now.Add(-hour) }, false, true, false},
		{"none after that", old, ago(25 * hour), func(s *order.IssuerStanding) { s.LastExpiry = now.Add(-26 * hour) }, true, false, false},
		{"an expired CA", old, ago(25 * hour), func(s *order.IssuerStanding) { s.NotAfter = now.Add(-time.Second) }, true, false, false},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			book, _ := policy.Open(policy.Guide)
			asked := row.of
			asked.CA.ID, asked.List = "asked", row.list
			if row.change != nil {
				row.change(&asked)
			}
			all := standings{asked}
			if row.of.NotBefore.Equal(old.NotBefore) {
				beside := newest
				beside.CA.ID, beside.List = "beside", ago(0)
				all = append(all, beside)
			}
			o := &activities.Overseeing{Records: all, Policy: book, Clock: func() time.Time { return now }}
			got, err := o.FindDueLists(t.Context(), activities.DueInput{All: row.all})
			require.NoError(t, err)
			var found *activities.DueList
			for _, l := range got.Lists {
				if l.Issuer == "asked" {
					found = &l
				}
			}
			require.Equal(t, row.due, found != nil)
			require.Len(t, got.InService, len(order.InService(all, now)), "due or not")
			if found != nil {
				require.Equal(t, row.late, found.Late)
				require.Equal(t, row.list.NextUpdate, found.NextUpdate)
			}
		})
	}
}
