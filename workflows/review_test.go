package workflows

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// newReissue is a scene of a reissue; its original was validated by the method.
func newReissue(t *testing.T, method order.DCVMethod) *scene {
	t.Helper()
	s := newScene(t, order.DCVTXT)
	s.accept = func() (activities.Plan, error) {
		return activities.Plan{Type: order.Reissue, Method: order.DCVTXT, DeadlineAt: s.start.Add(90 * day)}, nil
	}
	s.reviewed = &order.Reviewed{Original: order.CertificateRef{Order: "4711000000", Sequence: 1}, Method: method}
	return s
}

const (
	approved = `{"actor":"staff/ops","approved":true,"original":"4711000000"}`
	declined = `{"actor":"staff/ops","approved":false,"reason":"the representative knows nothing of it"}`
)

func TestAReissueIsValidatedAfterItsReview(t *testing.T) {
	t.Parallel()
	s := newReissue(t, order.DCVFile)
	s.found(day)
	s.phone(time.Hour) // counts from the first day here too
	s.at(3*day, order.CmdReviewDecided, approved)
	require.Equal(t, OrderResult{State: order.Issued, Serial: "5a"}, s.play())
	require.GreaterOrEqual(t, s.Now().Sub(s.start), 4*day)
	require.Len(t, s.opened, 1)
	require.Equal(t, order.DCVFile, s.opened[0].Method, "by the method of the certificate that was chosen")
	require.Empty(t, s.refused)
}

func TestAReissueThatStaffRefuseIsRejectedWithTheReason(t *testing.T) {
	t.Parallel()
	s := newReissue(t, order.DCVTXT)
	s.at(day, order.CmdReviewDecided, declined)
	require.Equal(t, order.Rejected, s.play().State)
	require.Equal(t, "the representative knows nothing of it", s.closed[0].Reason)
	require.Equal(t, "staff/ops", s.closed[0].Actor)
	require.Empty(t, s.opened)
}

func TestNothingIsValidatedBeforeTheReview(t *testing.T) {
	t.Parallel()
	s := newReissue(t, order.DCVTXT)
	s.found(time.Minute)
	s.phone(time.Hour)
	for i, c := range []struct {
		name order.CommandName
		body string
	}{
		{order.CmdDomainMethodChanged, `{"actor":"applicant","method":"file"}`},
		{order.CmdChallengeResent, `{"actor":"applicant"}`},
		{order.CmdDomainCheckNow, `{"actor":"applicant"}`},
		{order.CmdDomainApproved, `{"actor":"domain-owner","link":"7f0c2f1e-5d5e-4a43-9d0c-0c6a1f1f2b11","approved":true}`},
	} {
		s.at(2*time.Hour+time.Duration(i)*time.Second, c.name, c.body)
	}
	s.RegisterDelayedCallback(func() { require.Empty(t, s.opened) }, day-time.Minute)
	s.at(day, order.CmdReviewDecided, approved)
	require.Equal(t, order.Issued, s.play().State)
	require.Len(t, s.refused, 4)
	require.Equal(t, activities.OpenFirst, s.opened[0].Why)
}

// revocations notes what was revoked and when.
func (s *scene) revocations(fail error) *[]activities.OriginalInput {
	var got []activities.OriginalInput
	s.OnActivity(revoking.RevokeOriginal, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.OriginalInput) (activities.RevocationInput, error) {
			s.do(func() { got = append(got, in) })
			return activities.RevocationInput{ID: "r"}, activities.ToTemporal(fail)
		}).Maybe()
	return &got
}

func TestTheOriginalOfACompromisedKeyIsRevokedOnApproval(t *testing.T) {
	t.Parallel()
	for why, fail := range map[string]error{
		"at once, once, in the name of who approved": nil,
		"a failure is shown and holds nothing up":    fault.New(fault.Conflict, "certificate.expired", "", "it has expired"),
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			s := newReissue(t, order.DCVTXT)
			s.reviewed.Compromised = true
			got := s.revocations(fail)
			s.found(day)
			s.at(time.Hour, order.CmdReviewDecided, approved)
			s.phone(2 * time.Hour)
			require.Equal(t, order.Issued, s.play().State)
			require.Len(t, *got, 1)
			require.Equal(t, number, (*got)[0].Number)
			require.Equal(t, "staff/ops", (*got)[0].Actor)
			require.WithinDuration(t, s.start.Add(time.Hour), (*got)[0].At, time.Minute)
		})
	}
}

func TestNothingIsRevokedForAnotherReasonOrARefusal(t *testing.T) {
	t.Parallel()
	for _, decision := range []string{approved, declined} {
		s := newReissue(t, order.DCVTXT)
		s.reviewed.Compromised = decision == declined
		got := s.revocations(nil)
		s.found(day)
		s.at(time.Hour, order.CmdReviewDecided, decision)
		s.phone(2 * time.Hour)
		s.play()
		require.Empty(t, *got)
	}
}

func TestAnApprovalInHandAtTheChangeOfRunsRevokesInTheNext(t *testing.T) {
	t.Parallel()
	s := newReissue(t, order.DCVTXT)
	s.reviewed.Compromised = true
	s.recordTakes = time.Hour
	first := s.revocations(nil)
	s.at(day, order.CmdReviewDecided, approved)
	s.RegisterDelayedCallback(func() { s.SetContinueAsNewSuggested(true) }, day+time.Minute)
	s.ExecuteWorkflow(Order, OrderInput{Number: number})
	next := continued(t, s)
	require.Empty(t, *first)

	again := newReissue(t, order.DCVTXT)
	second := again.revocations(nil)
	again.found(time.Minute)
	again.phone(time.Hour)
	again.ExecuteWorkflow(Order, next)
	require.NoError(t, again.GetWorkflowError())
	require.Len(t, *second, 1)
}

func TestAReviewIsDecidedOnce(t *testing.T) {
	t.Parallel()
	s := newReissue(t, order.DCVTXT)
	s.found(day)
	s.at(time.Hour, order.CmdReviewDecided, approved)
	s.at(2*time.Hour, order.CmdReviewDecided, declined)
	s.phone(3 * time.Hour)
	require.Equal(t, order.Issued, s.play().State)
	require.Len(t, s.refused, 1, "it came too late")
}

func TestOnlyAReissueIsReviewed(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT)
	s.found(time.Minute)
	s.at(time.Hour, order.CmdReviewDecided, approved)
	s.phone(2 * time.Hour)
	require.Equal(t, order.Issued, s.play().State)
	require.Len(t, s.refused, 1)
}

func TestAReissueThatNobodyReviewsExpires(t *testing.T) {
	t.Parallel()
	s := newReissue(t, order.DCVTXT)
	require.Equal(t, order.Expired, s.play().State)
	require.Equal(t, 90*day, s.Now().Sub(s.start).Round(time.Hour))
	require.Empty(t, s.opened)
}

func TestAReissueInReviewCanBeAskedAboutAndCancelled(t *testing.T) {
	t.Parallel()
	s := newReissue(t, order.DCVTXT)
	s.at(time.Hour, order.CmdInquiryOpened, `{"actor":"staff/ops","question":"Which of the two certificates?"}`)
	s.at(2*time.Hour, order.CmdInquiryAnswered, `{"actor":"applicant","answer":"The second."}`)
	s.at(day, order.CmdOrderCancelled, `{"actor":"applicant","reason":"found the key again"}`)
	require.Equal(t, order.Cancelled, s.play().State)
	require.Equal(t, []order.CommandName{order.CmdInquiryOpened, order.CmdInquiryAnswered, order.CmdOrderCancelled}, s.recorded)
}

func TestAReviewGoesOnInANewRun(t *testing.T) {
	t.Parallel()
	s := newReissue(t, order.DCVTXT)
	s.RegisterDelayedCallback(func() { s.SetContinueAsNewSuggested(true) }, day)
	s.at(day, order.CmdRepresentativeReached, `{"actor":"staff/ops","how":"transferred"}`)
	s.ExecuteWorkflow(Order, OrderInput{Number: number})
	next := continued(t, s)
	require.Equal(t, order.Review, next.Carried.State)

	again := newReissue(t, order.DCVCNAME)
	again.found(time.Minute)
	again.at(time.Hour, order.CmdReviewDecided, approved)
	again.phone(2 * time.Hour)
	again.ExecuteWorkflow(Order, next)
	require.NoError(t, again.GetWorkflowError())
	require.Equal(t, order.DCVCNAME, again.opened[0].Method)
}

func TestAResumedReissueStillRevokesItsOriginal(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	status := func(change func(*order.Status)) order.Status {
		st := order.Status{Number: number, Type: order.Reissue, State: order.DomainValidation,
			Reissue:  &order.ReissueView{Reason: order.KeyCompromise, Original: &order.OriginalView{Serial: "4a"}},
			Timeline: []order.Event{{At: at, Actor: "staff/ops", Action: "review-decided"}, {At: at.Add(time.Hour), Actor: "system", Action: "challenge-opened"}}}
		change(&st)
		return st
	}
	for why, row := range map[string]struct {
		change func(*order.Status)
		want   *activities.OriginalInput
	}{
		"approved, not revoked": {func(*order.Status) {}, &activities.OriginalInput{Number: number, Actor: "staff/ops", At: at}},
		"revoked already":       {func(st *order.Status) { st.Reissue.Original.RevokedAt = at }, nil},
		"not decided yet":       {func(st *order.Status) { st.State, st.Timeline = order.Review, nil }, nil},
		"for another reason":    {func(st *order.Status) { st.Reissue.Reason = order.KeyLost }, nil},
		"not yet chosen":        {func(st *order.Status) { st.Reissue.Original, st.State = nil, order.Review }, nil},
		"an order that is none": {func(st *order.Status) { st.Reissue, st.Type = nil, order.New }, nil},
	} {
		require.Equal(t, row.want, Resume(status(row.change), activities.Plan{Type: order.Reissue}, at).Carried.Compromised, why)
	}
}
