package activities_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

const askedFor = "0198c6f2-0000-7000-8000-00000000000a"

// revoked is a record of one request in memory.
type revoked struct {
	activities.RevocationRecords // what a test does not expect panics
	request                      order.Revocation
	orders                       map[string]order.Status
	letters                      []order.Letter
	asked                        []order.RevocationRequest
	failOnce                     error // returned by the next RevocationNotified, after it was kept
}

func (r *revoked) Revocation(context.Context, string) (order.Revocation, error) {
	return r.request, nil
}
func (r *revoked) Order(_ context.Context, number string) (order.Status, error) {
	return r.orders[number], nil
}

func (r *revoked) PendingLetters(_ context.Context, number string) (out []order.Letter, _ error) {
	for _, l := range r.letters {
		if l.Order == number {
			out = append(out, l)
		}
	}
	return out, nil
}

func (r *revoked) RevocationNotified(_ context.Context, _ string, at time.Time, letters []order.Letter) error {
	if r.request.NotifiedAt.IsZero() {
		r.request.NotifiedAt, r.letters = at, append(r.letters, letters...)
	}
	err := r.failOnce
	r.failOnce = nil
	return err
}

func (r *revoked) EscalateRevocation(_ context.Context, _ string, nth int, _ time.Time, letters []order.Letter) error {
	if nth > r.request.Escalations {
		r.request.Escalations, r.letters = nth, append(r.letters, letters...)
	}
	return nil
}

func (r *revoked) EscalateAnswer(_ context.Context, _ string, _ int, _ time.Time, letters []order.Letter) error {
	r.letters = append(r.letters, letters...)
	return nil
}

func (r *revoked) UnfinishedRevocations(_ context.Context, before time.Time) ([]order.Revocation, error) {
	if r.request.RequestedAt.Before(before) {
		return []order.Revocation{r.request}, nil
	}
	return nil, nil
}

func newRevoking(t *testing.T, now time.Time) (*activities.Revoking, *revoked) {
	t.Helper()
	book, ok := policy.Open(policy.Guide)
	require.True(t, ok)
	app := order.Application{Language: order.English, CertificateEmail: "info@example.co.jp",
		TechnicalContact: order.TechnicalContact{FamilyName: "Gijutsu", GivenName: "Tantou", Email: "tech@example.com"}}
	r := &revoked{
		request: order.Revocation{
			ID: askedFor, Reason: order.ReasonSuperseded, RequestedAt: now, DueAt: now.Add(24 * time.Hour), DecidedAt: now,
			Certificates: []order.RevocationOfOne{{Order: "1000000001", Sequence: 1, Issuer: "a", Serial: "5a", RevokedAt: now, RevokedBy: askedFor, Named: true}},
		},
		orders: map[string]order.Status{"1000000001": {Number: "1000000001", CertificateEmail: app.CertificateEmail, Domain: "example.co.jp", Application: app}},
	}
	return &activities.Revoking{Records: r, Policy: book, Support: "ops@example.com", Clock: func() time.Time { return now }}, r
}

func TestTheStandingSaysWhenToWarn(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	a, r := newRevoking(t, now)
	got, err := a.ReadRevocation(t.Context(), activities.RevocationInput{ID: askedFor})
	require.NoError(t, err)
	due := now.Add(24 * time.Hour)
	require.Equal(t, activities.RevocationStanding{
		Issuers: []string{"a"}, DueAt: due, Warnings: []time.Time{now.Add(12 * time.Hour), now.Add(20 * time.Hour), due},
	}, got)
	r.request.DueAt = now.Add(time.Hour)
	got, err = a.ReadRevocation(t.Context(), activities.RevocationInput{ID: askedFor})
	require.NoError(t, err)
	require.Len(t, got.Warnings, 1, "no warning lies before the request")
}

func TestAReportHasTwoClocks(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	a, r := newRevoking(t, now)
	r.request.DecidedAt, r.request.AnswerDueAt = time.Time{}, now.Add(24*time.Hour)
	got, err := a.ReadRevocation(t.Context(), activities.RevocationInput{ID: askedFor})
	require.NoError(t, err)
	require.Empty(t, got.AnswerWarnings, "both end at the same time: one warning says it")
	r.request.DueAt = now.Add(5 * 24 * time.Hour)
	got, err = a.ReadRevocation(t.Context(), activities.RevocationInput{ID: askedFor})
	require.NoError(t, err)
	require.Equal(t, []time.Time{now.Add(12 * time.Hour), now.Add(20 * time.Hour), now.Add(24 * time.Hour)}, got.AnswerWarnings)
	require.Equal(t, now.Add(108*time.Hour), got.Warnings[0])
	require.False(t, got.Answered)
	r.request.DecidedAt = now
	got, err = a.ReadRevocation(t.Context(), activities.RevocationInput{ID: askedFor})
	require.NoError(t, err)
	require.True(t, got.Answered, "a decision is an answer")
	r.request.DecidedAt = time.Time{}
	_, err = a.EscalateRevocation(t.Context(), activities.EscalateInput{ID: askedFor, Nth: 1, Answer: true})
	require.NoError(t, err)
	require.True(t, r.letters[0].Facts.Preliminary)
	require.Equal(t, r.request.AnswerDueAt, r.letters[0].Facts.Deadline)
}

func TestWhoeverReportedHearsOfItAndNothingElse(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	a, r := newRevoking(t, now)
	r.request.Reporter, r.request.AnswerDueAt = "reporter@example.com", now.Add(24*time.Hour)
	letters := activities.ReportAnswer([]order.Status{r.orders["1000000001"]}, r.request, now, "we are asking", "")
	require.Len(t, letters, 2)
	require.Equal(t, "tech@example.com", letters[0].Recipient)
	require.Equal(t, "reporter@example.com", letters[1].Recipient)
	require.NotEqual(t, letters[0].Key, letters[1].Key)
	require.Equal(t, order.Facts{Number: "1000000001", Serial: "5a", Request: askedFor, Reason: "we are asking"}, letters[1].Facts, "a stranger learns nothing of the order")

	r.request.Certificates[0].RevokedBy = "another request"
	_, err := a.NotifyRevocation(t.Context(), activities.RevocationInput{ID: askedFor})
	require.NoError(t, err)
	require.Len(t, r.letters, 1, "the subscriber has heard from the request that revoked it")
	require.Equal(t, "reporter@example.com", r.letters[0].Recipient)
	require.Equal(t, "revoked", r.letters[0].Facts.Outcome)
}

func TestAReportMayConcernTheCertificatesOfSeveralOrders(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	a, r := newRevoking(t, now)
	first := r.orders["1000000001"]
	second := first
	second.Number, second.Application.TechnicalContact.Email = "1000000002", "tech@example.net"
	r.orders[second.Number] = second
	other := r.request.Certificates[0]
	other.Named = false // it has the key of the reported one
	again := other
	again.Sequence, again.Serial = 2, "5b"
	reported := other
	reported.Order, reported.Serial, reported.Named = second.Number, "6c", true
	r.request.Certificates = []order.RevocationOfOne{other, again, reported}
	r.request.Reporter = "reporter@example.com"

	letters := activities.ReportAnswer([]order.Status{first, second}, r.request, now, "we are asking", "")
	read := map[string]string{}
	for _, l := range letters {
		read[l.Recipient+" "+l.Order] = l.Facts.Serial
	}
	require.Equal(t, map[string]string{
		"tech@example.com 1000000001": "5a, 5b", "tech@example.net 1000000002": "6c", "reporter@example.com 1000000002": "6c",
	}, read)

	_, err := a.EscalateRevocation(t.Context(), activities.EscalateInput{ID: askedFor, Nth: 1})
	require.NoError(t, err)
	require.Equal(t, "6c", r.letters[0].Facts.Serial, "operators read of what was reported")
	_, err = a.NotifyRevocation(t.Context(), activities.RevocationInput{ID: askedFor})
	require.NoError(t, err)
	var toReporter []order.Letter
	for _, l := range r.letters {
		if l.Recipient == r.request.Reporter {
			toReporter = append(toReporter, l)
		}
	}
	require.Len(t, toReporter, 1)
	require.Equal(t, "6c", toReporter[0].Facts.Serial)
}

func TestAWorkflowIsWokenForAWhileAfterADecision(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		shows   string
		decided time.Time
		woken   bool
	}{
		{"undecided: nothing has changed, however often one looks", time.Time{}, false},
		{"decided lately", now.Add(-30 * time.Minute), true},
		{"decided long ago, and not published yet: it knows", now.Add(-2 * time.Hour), false},
		{"decided as it came: its door has started it", now.Add(-time.Hour * 9 / 10), false},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			a, r := newRevoking(t, now)
			r.request.RequestedAt, r.request.DecidedAt = now.Add(-time.Hour*9/10), row.decided
			if row.decided.Before(r.request.RequestedAt) {
				r.request.RequestedAt = now.Add(-9 * time.Hour)
			}
			woken := false
			a.TakeUp = func(context.Context, string) error { return nil }
			a.Wake = func(context.Context, string) error { woken = true; return nil }
			got, err := a.TakeUpRevocations(t.Context(), activities.TakeUpInput{})
			require.NoError(t, err)
			require.Equal(t, 1, got.Requests)
			require.Equal(t, row.woken, woken)
		})
	}
}

func (r *revoked) Original(context.Context, string) (order.Original, order.ReissueFacts, error) {
	return order.Original{Certificate: order.Certificate{Issuer: "a", Serial: "5a"}}, order.ReissueFacts{}, nil
}

func (r *revoked) RequestRevocation(_ context.Context, q order.RevocationRequest) (order.Revocation, error) {
	r.asked = append(r.asked, q)
	return order.Revocation{ID: q.ID}, fault.InvalidFields(q.Check())
}

func TestTheOriginalOfAReissueIsRevokedUnderTheClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	a, r := newRevoking(t, now)
	var taken []string
	a.TakeUp = func(_ context.Context, id string) error { taken = append(taken, id); return nil }
	env := new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	env.RegisterActivity(a.RevokeOriginal)
	in := activities.OriginalInput{Number: "1000000002", Actor: "staff/ops", At: now}
	for range 2 { // a retry is the same request
		_, err := env.ExecuteActivity(a.RevokeOriginal, in)
		require.NoError(t, err)
	}
	require.Equal(t, r.asked[0], r.asked[1])
	require.Equal(t, []string{r.asked[0].ID, r.asked[0].ID}, taken)
	q := r.asked[0]
	require.Equal(t, order.ReasonKeyCompromise, q.Reason)
	require.Equal(t, "5a", q.Serial)
	require.Equal(t, now.Add(24*time.Hour), q.DueAt, "SBR 4.9.1.1")

	a.TakeUp = func(context.Context, string) error { return errors.New("Temporal is away") }
	_, err := env.ExecuteActivity(a.RevokeOriginal, in)
	require.NoError(t, err, "the record counts; a Schedule takes it up")
}

func TestBothAddressesHearOfARevocationOnce(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	a, r := newRevoking(t, now)
	r.failOnce = errors.New("the answer got lost")
	_, err := a.NotifyRevocation(t.Context(), activities.RevocationInput{ID: askedFor})
	require.Error(t, err)
	got, err := a.NotifyRevocation(t.Context(), activities.RevocationInput{ID: askedFor})
	require.NoError(t, err)
	require.Len(t, r.letters, 2)
	to := map[string]order.Letter{}
	for _, l := range r.letters {
		to[l.Recipient] = l
		require.Equal(t, order.LetterRevoked, l.Kind)
		require.Equal(t, "5a", l.Facts.Serial)
		require.Equal(t, "superseded", l.Facts.RevocationReason)
		require.Equal(t, now, l.Facts.RevokedAt)
	}
	require.Equal(t, "Tantou Gijutsu", to["tech@example.com"].Facts.ContactName)
	require.Empty(t, to["info@example.co.jp"].Facts.ContactName)
	require.ElementsMatch(t, []activities.PostInput{
		{Number: "1000000001", Letter: r.letters[0].ID}, {Number: "1000000001", Letter: r.letters[1].ID},
	}, got.Letters, "the letters that are kept, not others")

	a, r = newRevoking(t, now)
	st := r.orders["1000000001"]
	st.CertificateEmail = "tech@example.com"
	r.orders["1000000001"] = st
	_, err = a.NotifyRevocation(t.Context(), activities.RevocationInput{ID: askedFor})
	require.NoError(t, err)
	require.Len(t, r.letters, 1, "one reader is written to once")
}

func TestTheOperatorHearsOfAClock(t *testing.T) {
	t.Parallel()
	a, r := newRevoking(t, time.Now())
	for range 2 {
		got, err := a.EscalateRevocation(t.Context(), activities.EscalateInput{ID: askedFor, Nth: 1})
		require.NoError(t, err)
		require.Len(t, got.Letters, 1)
	}
	require.Len(t, r.letters, 1)
	require.Equal(t, "ops@example.com", r.letters[0].Recipient)
	require.Equal(t, askedFor, r.letters[0].Facts.Request)
	require.Empty(t, r.letters[0].Facts.ContactName, "operators need no names")
	require.Empty(t, r.letters[0].Facts.CertificateEmail)
	a.Support = ""
	got, err := a.EscalateRevocation(t.Context(), activities.EscalateInput{ID: askedFor, Nth: 2})
	require.NoError(t, err)
	require.Len(t, got.Letters, 1, "nothing new")
	require.Equal(t, 2, r.request.Escalations)
}

func TestWhatNobodyLooksAfterIsTakenUp(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a, r := newRevoking(t, now)
	var taken []string
	a.TakeUp = func(_ context.Context, id string) error { taken = append(taken, id); return nil }
	got, err := a.TakeUpRevocations(t.Context(), activities.TakeUpInput{})
	require.NoError(t, err)
	require.Zero(t, got.Requests, "its door is still at it")
	r.request.RequestedAt, r.request.DecidedAt = now.Add(-10*time.Minute), now.Add(-10*time.Minute)
	got, err = a.TakeUpRevocations(t.Context(), activities.TakeUpInput{})
	require.NoError(t, err)
	require.Equal(t, 1, got.Requests)
	require.Equal(t, []string{askedFor}, taken)
}
