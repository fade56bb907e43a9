package store_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

func (r *record) reported(c order.Certificate) order.Revocation {
	r.t.Helper()
	req := r.revocationOf(c, order.ReasonPrivilegeWithdrawn)
	req.Undecided = true
	out, err := r.RequestRevocation(r.ctx(), req)
	require.NoError(r.t, err)
	require.True(r.t, out.Undecided())
	require.Zero(r.t, r.certificate(c).RevokedAt)
	return out
}

func TestARequestKeepsWhichCertificateItNames(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	issuer, seed := r.issuer().ID, sha256.Sum256([]byte("shared"))
	named, other := r.issuedBy(issuer, seed), r.issuedBy(issuer, seed)
	if named.Order < other.Order { // the one that comes second in every list
		named, other = other, named
	}
	ask := r.revocationOf(named, order.ReasonKeyCompromise)
	ask.Undecided = true
	report, err := r.RequestRevocation(r.ctx(), ask)
	require.NoError(t, err)
	require.Equal(t, []string{other.Order, named.Order}, report.Orders())
	require.Equal(t, named.Serial, report.Reported().Serial)

	slow := r.revocationOf(named, order.ReasonSuperseded)
	slow.Undecided = true
	later, err := r.RequestRevocation(r.ctx(), slow)
	require.NoError(t, err)
	later, err = r.DecideRevocation(r.ctx(), later.ID, order.RevocationDecision{Actor: staff, Revoke: true, Reason: order.ReasonKeyCompromise, At: r.tick()}, nil)
	require.NoError(t, err)
	require.Len(t, later.Certificates, 2)
	require.Equal(t, named.Serial, later.Reported().Serial, "what a decision adds was not reported")

	key := random(32)
	byKey, err := r.RequestRevocation(r.ctx(), order.RevocationRequest{ID: uuid.NewString(), Origin: order.RevocationByKey, Actor: staff,
		Reason: order.ReasonKeyCompromise, Key: key, At: r.tick()})
	require.NoError(t, err)
	require.Zero(t, byKey.Reported())
}

func TestStaffDecideAProblemReport(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	report := r.reported(c)
	yes := order.RevocationDecision{Actor: staff, Revoke: true, Reason: order.ReasonKeyCompromise, At: r.tick()}
	got, err := r.DecideRevocation(r.ctx(), report.ID, yes, nil)
	require.NoError(t, err)
	require.Equal(t, order.ReasonKeyCompromise, got.Reason)
	require.Equal(t, yes.At, r.certificate(c).RevokedAt)
	no := order.RevocationDecision{Actor: staff, Answer: "not ours", At: r.tick()}
	r.unchanged(func() {
		again, err := r.DecideRevocation(r.ctx(), report.ID, yes, nil)
		require.NoError(t, err)
		require.Equal(t, got, again)
		_, err = r.DecideRevocation(r.ctx(), report.ID, no, nil)
		isFault(t, err, fault.Conflict, "revocation.decided")
		_, err = r.DecideRevocation(r.ctx(), uuid.NewString(), no, nil)
		isFault(t, err, fault.NotFound, "revocation.unknown")
	})

	c = r.issued()
	report = r.reported(c)
	got, err = r.DecideRevocation(r.ctx(), report.ID, no, nil)
	require.NoError(t, err)
	require.True(t, got.Declined)
	require.Equal(t, "not ours", got.Answer)
	require.True(t, got.Done())
	require.Zero(t, r.certificate(c).RevokedAt)
}

func TestARevocationSettlesTheReportsAboutIt(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	report := r.reported(c)
	rev := r.revoked(c, order.ReasonSuperseded)
	got, err := r.Revocation(r.ctx(), report.ID)
	require.NoError(t, err)
	require.Equal(t, rev.DecidedAt, got.DecidedAt)
	r.publish(c.Issuer, r.tick())
	got, err = r.Revocation(r.ctx(), report.ID)
	require.NoError(t, err)
	require.NotZero(t, got.PublishedAt)
}

func TestWhoeverReportsWhatIsRevokedAlreadyIsTold(t *testing.T) {
	t.Parallel()
	for _, listed := range []bool{false, true} {
		r := newRecord(t)
		c := r.issued()
		rev := r.revoked(c, order.ReasonCessationOfOperation)
		if listed {
			r.publish(c.Issuer, r.tick())
		}
		ask := r.revocationOf(c, order.ReasonSuperseded)
		ask.Undecided, ask.Reporter, ask.AnswerDueAt = true, "reporter@example.com", ask.At.AddDate(0, 0, 1)
		got, err := r.RequestRevocation(r.ctx(), ask)
		require.NoError(t, err)
		require.Equal(t, ask.ID, got.ID)
		require.Equal(t, ask.Reporter, got.Reporter)
		require.Equal(t, ask.At, got.DecidedAt, "nothing is left to decide")
		require.Equal(t, rev.Reason, got.Reason, "for which it is revoked")
		require.Equal(t, rev.ID, got.Reported().RevokedBy)
		require.Equal(t, listed, !got.PublishedAt.IsZero())
		require.False(t, got.Done(), "the reporter has to be told")
		r.unchanged(func() {
			again, err := r.RequestRevocation(r.ctx(), ask)
			require.NoError(t, err)
			require.Equal(t, got, again)
			ask.ID, ask.Reporter = uuid.NewString(), ""
			other, err := r.RequestRevocation(r.ctx(), ask)
			require.NoError(t, err)
			require.Equal(t, rev.ID, other.ID, "nobody to be told by mail")
		})
		_, err = r.VerifyAudit(r.ctx(), nil)
		require.NoError(t, err)
	}
}

func TestUnfinishedRevocationsComeByTheirClock(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	ids := func() (out []string) {
		all, err := r.UnfinishedRevocations(r.ctx(), r.tick())
		require.NoError(t, err)
		for _, each := range all {
			out = append(out, each.ID)
		}
		return out
	}
	c, slow := r.issued(), r.issued()
	rev := r.revoked(c, order.ReasonSuperseded)
	report := r.revocationOf(slow, order.ReasonSuperseded)
	report.Undecided, report.DueAt = true, noon
	_, err := r.RequestRevocation(r.ctx(), report)
	require.NoError(t, err)
	require.Equal(t, []string{report.ID, rev.ID}, ids(), "the most pressing first")
	r.publish(c.Issuer, r.tick())
	require.Equal(t, []string{report.ID, rev.ID}, ids(), "its letters are still to be written")

	at := r.tick()
	letters := []order.Letter{letter(c.Order, order.LetterRevoked, "1/contact", at)}
	require.NoError(t, r.RevocationNotified(r.ctx(), rev.ID, at, letters))
	r.unchanged(func() { require.NoError(t, r.RevocationNotified(r.ctx(), rev.ID, at, letters)) })
	require.Equal(t, []string{report.ID}, ids())

	for nth := 1; nth <= 2; nth++ {
		warning := []order.Letter{letter(slow.Order, order.LetterRevocationClock, string(rune('0'+nth)), at)}
		require.NoError(t, r.EscalateRevocation(r.ctx(), report.ID, nth, at, warning))
		r.unchanged(func() { require.NoError(t, r.EscalateRevocation(r.ctx(), report.ID, nth, at, warning)) })
	}
	got, err := r.Revocation(r.ctx(), report.ID)
	require.NoError(t, err)
	require.Equal(t, 2, got.Escalations)
	require.Equal(t, 2, one[int](r, `SELECT count(*) FROM letters WHERE kind = 'revocation-clock'`))
	r.unchanged(func() { require.NoError(t, r.EscalateRevocation(r.ctx(), rev.ID, 1, at, nil), "its clock has stopped") })
}

func TestAReportIsAnsweredOnceAndItsClockFollowsTheReasonFound(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	ask := r.revocationOf(c, order.ReasonSuperseded)
	ask.Undecided, ask.Reporter, ask.DueAt, ask.AnswerDueAt = true, "reporter@example.com", ask.At.AddDate(0, 0, 5), ask.At.AddDate(0, 0, 1)
	report, err := r.RequestRevocation(r.ctx(), ask)
	require.NoError(t, err)
	require.True(t, report.Unanswered())
	require.Equal(t, ask.Reporter, report.Reporter)
	letters := func() int {
		return one[int](r, `SELECT count(*) FROM letters WHERE kind IN ('revocation-clock', 'report-answer')`)
	}
	for range 2 {
		require.NoError(t, r.EscalateAnswer(r.ctx(), report.ID, 1, r.tick(), []order.Letter{letter(c.Order, order.LetterRevocationClock, "1", noon)}))
	}
	require.Equal(t, 1, letters())
	answer := order.ReportAnswer{Actor: staff, Findings: "we are asking", At: r.tick()}
	got, err := r.AnswerReport(r.ctx(), report.ID, answer, []order.Letter{letter(c.Order, order.LetterReportAnswer, "a", noon)})
	require.NoError(t, err)
	require.Equal(t, answer.At, got.AnsweredAt)
	require.False(t, got.Unanswered())
	require.Equal(t, 2, letters())
	r.unchanged(func() {
		again, err := r.AnswerReport(r.ctx(), report.ID, answer, []order.Letter{letter(c.Order, order.LetterReportAnswer, "b", noon)})
		require.NoError(t, err)
		require.Equal(t, got, again)
		other := answer
		other.Findings = "something else"
		_, err = r.AnswerReport(r.ctx(), report.ID, other, nil)
		isFault(t, err, fault.Conflict, "revocation.answered")
		require.NoError(t, r.EscalateAnswer(r.ctx(), report.ID, 2, noon, []order.Letter{letter(c.Order, order.LetterRevocationClock, "2", noon)}))
	})
	yes := order.RevocationDecision{Actor: staff, Revoke: true, Reason: order.ReasonKeyCompromise, Within: 24 * time.Hour, At: r.tick()}
	got, err = r.DecideRevocation(r.ctx(), report.ID, yes, nil)
	require.NoError(t, err)
	require.Equal(t, report.RequestedAt.Add(24*time.Hour), got.DueAt, "what was reported as less had five days")

	c = r.issued()
	ask = r.revocationOf(c, order.ReasonSuperseded)
	ask.Undecided, ask.AnswerDueAt = true, ask.At.AddDate(0, 0, 1)
	report, err = r.RequestRevocation(r.ctx(), ask)
	require.NoError(t, err)
	yes.At = r.tick()
	got, err = r.DecideRevocation(r.ctx(), report.ID, yes, nil)
	require.NoError(t, err)
	require.False(t, got.Unanswered(), "a decision to revoke is an answer, before its list is out")
	r.unchanged(func() {
		require.NoError(t, r.EscalateAnswer(r.ctx(), report.ID, 1, noon, []order.Letter{letter(c.Order, order.LetterRevocationClock, "3", noon)}))
		_, err = r.AnswerReport(r.ctx(), report.ID, answer, nil)
		isFault(t, err, fault.Conflict, "revocation.answered")
	})

	urgent := r.reported(r.issued())
	yes.Reason, yes.Within = order.ReasonSuperseded, 5*24*time.Hour
	got, err = r.DecideRevocation(r.ctx(), urgent.ID, yes, nil)
	require.NoError(t, err)
	require.Equal(t, urgent.DueAt, got.DueAt, "a decision never gives more time")

	declined := r.revocationOf(r.issued(), order.ReasonSuperseded)
	declined.Undecided, declined.AnswerDueAt = true, declined.At.AddDate(0, 0, 1)
	report, err = r.RequestRevocation(r.ctx(), declined)
	require.NoError(t, err)
	no := order.RevocationDecision{Actor: staff, Answer: "all is well", At: r.tick()}
	got, err = r.DecideRevocation(r.ctx(), report.ID, no, nil)
	require.NoError(t, err)
	require.Equal(t, no.At, got.AnsweredAt, "a decision is an answer")
	_, err = r.VerifyAudit(r.ctx(), nil)
	require.NoError(t, err)
}
