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

const (
	earlier   = "4711000000" // the order whose validations are reused
	reuseWait = 3 * day

	yes = `{"actor":"representative","link":"7f0c2f1e-5d5e-4a43-9d0c-0c6a1f1f2b11","approved":true}`
	no  = `{"actor":"representative","link":"7f0c2f1e-5d5e-4a43-9d0c-0c6a1f1f2b11","approved":false}`
)

// offered is an order whose representative is asked; reused is what a confirmation brings.
func offered(t *testing.T, reused order.Reused) *scene {
	t.Helper()
	s := newScene(t, order.DCVTXT)
	plain := s.accept
	s.accept = func() (activities.Plan, error) {
		p, err := plain()
		p.Reused = &order.Reused{State: order.Accepted, AskedUntil: s.start.Add(reuseWait)}
		return p, err
	}
	reused.AskedUntil = s.start.Add(reuseWait)
	s.OnActivity(commands.DecideReuse, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.ReuseInput) (activities.ReuseResult, error) {
			require.Equal(t, "representative", in.Actor)
			if !in.Confirmed {
				return activities.ReuseResult{}, nil
			}
			return activities.ReuseResult{Reused: reused}, nil
		}).Maybe()
	return s
}

var everything = order.Reused{State: order.OrganizationValidation, Organization: earlier, Domain: earlier}

func TestAConfirmedOrderIsIssuedWithoutProofOrPhone(t *testing.T) {
	t.Parallel()
	s := offered(t, everything)
	s.at(2*day, order.CmdReuseConfirmed, yes)
	require.Equal(t, OrderResult{State: order.Issued, Serial: "5a"}, s.play())
	require.Empty(t, s.opened, "no challenge is given out")
	require.Less(t, s.Now().Sub(s.start), 2*day+time.Hour)
	require.Empty(t, s.refused)
}

func TestADenialEndsTheOrder(t *testing.T) {
	t.Parallel()
	s := offered(t, everything)
	s.at(time.Hour, order.CmdReuseConfirmed, no)
	require.Equal(t, order.Rejected, s.play().State)
	require.Len(t, s.closed, 1)
	require.Equal(t, "representative", s.closed[0].Actor)
	require.Contains(t, s.closed[0].Reason, "not theirs")
	require.Empty(t, s.opened)
}

func TestWithoutAnAnswerEverythingIsValidatedAnew(t *testing.T) {
	t.Parallel()
	s := offered(t, everything)
	s.found(time.Hour)
	s.phone(4 * day)
	require.Equal(t, order.Issued, s.play().State)
	require.Len(t, s.opened, 1)
	require.GreaterOrEqual(t, s.Now().Sub(s.start), 4*day)
}

func TestNothingIsAskedOfOthersWhileTheRepresentativeIsAsked(t *testing.T) {
	t.Parallel()
	s := offered(t, everything)
	s.found(never)
	before, after := 0, 0
	s.RegisterDelayedCallback(func() { before = len(s.opened) }, reuseWait-time.Minute)
	s.RegisterDelayedCallback(func() { after = len(s.opened) }, reuseWait+time.Minute)
	s.at(reuseWait+day, order.CmdOrderCancelled, `{"actor":"applicant","reason":"no"}`)
	require.Equal(t, order.Cancelled, s.play().State)
	require.Zero(t, before)
	require.Equal(t, 1, after)
}

func TestALateConfirmationEndsTheChallenge(t *testing.T) {
	t.Parallel()
	s := offered(t, everything)
	s.found(never)
	s.at(10*day, order.CmdReuseConfirmed, yes)
	require.Equal(t, order.Issued, s.play().State)
	require.Len(t, s.opened, 1)
	require.Less(t, s.Now().Sub(s.start), 10*day+time.Hour)
}

func TestALateDenialEndsTheOrderToo(t *testing.T) {
	t.Parallel()
	s := offered(t, everything)
	s.found(time.Minute)
	s.at(10*day, order.CmdReuseConfirmed, no)
	require.Equal(t, order.Rejected, s.play().State)
}

func TestWhatCannotBeReusedIsValidated(t *testing.T) {
	t.Parallel()
	s := offered(t, order.Reused{State: order.Accepted, Organization: earlier}) // the proof of the domain is too old
	s.found(time.Hour)
	s.at(time.Hour, order.CmdReuseConfirmed, yes)
	require.Equal(t, order.Issued, s.play().State)
	require.Len(t, s.opened, 1)
	require.Less(t, s.Now().Sub(s.start), 3*time.Hour, "no call is waited for")
}

func TestThePhoneAnswersForTheRepresentative(t *testing.T) {
	t.Parallel()
	for what, domain := range map[string]string{"what is known of the domain is reused": earlier, "what is not is proved": ""} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := offered(t, everything)
			s.found(time.Hour)
			s.reused = func(in activities.CommandInput) *order.Reused {
				if in.Name != order.CmdRepresentativeConfirmed {
					return nil
				}
				return &order.Reused{State: order.OrganizationValidation, AskedUntil: s.start.Add(reuseWait), Domain: domain}
			}
			s.phone(2 * time.Hour)
			require.Equal(t, order.Issued, s.play().State)
			require.Equal(t, domain == "", len(s.opened) == 1)
			require.Less(t, s.Now().Sub(s.start), 4*time.Hour)
		})
	}
}

func TestThePhoneConfirmsADomainThatIsBeingProved(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT) // nobody was asked: there is no address that was verified
	s.found(never)
	s.reused = func(in activities.CommandInput) *order.Reused {
		if in.Name != order.CmdRepresentativeConfirmed {
			return nil
		}
		return &order.Reused{State: order.OrganizationValidation, Domain: earlier}
	}
	s.phone(day)
	require.Equal(t, order.Issued, s.play().State)
	require.Len(t, s.opened, 1)
}

func TestALimitPassedBetweenConfirmationAndIssuanceAsksForProof(t *testing.T) {
	t.Parallel()
	s := offered(t, order.Reused{State: order.OrganizationValidation, Domain: earlier})
	s.found(time.Hour)
	s.lapsed = func(nth int) *order.Reused {
		if nth == 1 {
			return &order.Reused{State: order.DomainValidation, AskedUntil: s.start.Add(reuseWait)}
		}
		return nil
	}
	s.at(time.Hour, order.CmdReuseConfirmed, yes)
	s.phone(5 * day)
	require.Equal(t, order.Issued, s.play().State)
	require.Len(t, s.opened, 1, "the domain is proved anew")
	require.Equal(t, 2, s.prepared)
}

func TestAnOrganisationThatLapsesIsPhoned(t *testing.T) {
	t.Parallel()
	s := offered(t, everything)
	s.lapsed = func(nth int) *order.Reused {
		if nth == 1 {
			return &order.Reused{State: order.OrganizationValidation, Domain: earlier}
		}
		return nil
	}
	s.at(time.Hour, order.CmdReuseConfirmed, yes)
	s.phone(2 * day)
	require.Equal(t, order.Issued, s.play().State)
	require.Empty(t, s.opened)
	require.GreaterOrEqual(t, s.Now().Sub(s.start), 2*day)
}

func TestACorrectionThatEndsReuseAsksForProofAtOnce(t *testing.T) {
	t.Parallel()
	s := offered(t, order.Reused{State: order.OrganizationValidation, Domain: earlier})
	s.found(never)
	s.reused = func(in activities.CommandInput) *order.Reused {
		if in.Name != order.CmdSubjectCorrected {
			return nil
		}
		return &order.Reused{State: order.DomainValidation}
	}
	s.at(time.Hour, order.CmdReuseConfirmed, yes)
	s.at(2*time.Hour, order.CmdSubjectCorrected, `{"actor":"staff/ops","organization":"Sample Inc.","reason":"register"}`)
	after := 0
	s.RegisterDelayedCallback(func() { after = len(s.opened) }, 3*time.Hour)
	s.at(day, order.CmdOrderCancelled, `{"actor":"applicant","reason":"no"}`)
	require.Equal(t, order.Cancelled, s.play().State)
	require.Equal(t, 1, after)
}

// A workflow that was reset to before the answer learns from the record what was reused, when it asks for a challenge.
func TestWhatWasReusedIsKnownAfterAReset(t *testing.T) {
	t.Parallel()
	s := offered(t, everything)
	s.known = &everything
	require.Equal(t, order.Issued, s.play().State)
	require.Len(t, s.opened, 1)
	require.Less(t, s.Now().Sub(s.start), reuseWait+time.Hour)
}

func TestNobodyConfirmsWhoWasNotAsked(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT)
	s.found(time.Minute)
	s.at(time.Hour, order.CmdReuseConfirmed, yes)
	s.phone(2 * time.Hour)
	require.Equal(t, order.Issued, s.play().State)
	require.Len(t, s.refused, 1)
	require.Contains(t, s.refused[0].Reason, "reuse.none")
}

func TestAReissueIsOfferedAfterItsReview(t *testing.T) {
	t.Parallel()
	s := offered(t, everything)
	s.accept = func() (activities.Plan, error) {
		return activities.Plan{Type: order.Reissue, Method: order.DCVTXT, DeadlineAt: s.start.Add(90 * day)}, nil
	}
	s.reviewed = &order.Reviewed{Method: order.DCVTXT}
	s.reused = func(in activities.CommandInput) *order.Reused {
		if in.Name != order.CmdReviewDecided {
			return nil
		}
		return &order.Reused{State: order.DomainValidation, AskedUntil: s.start.Add(day + reuseWait)}
	}
	s.at(day, order.CmdReviewDecided, `{"actor":"staff/ops","approved":true}`)
	s.at(2*day, order.CmdReuseConfirmed, yes)
	require.Equal(t, order.Issued, s.play().State)
	require.Empty(t, s.opened)
}

func TestAnAnswerOutlivesItsRun(t *testing.T) {
	t.Parallel()
	s := offered(t, order.Reused{State: order.Accepted, Organization: earlier})
	s.found(never)
	s.at(time.Hour, order.CmdReuseConfirmed, yes)
	s.RegisterDelayedCallback(func() { s.SetContinueAsNewSuggested(true) }, day)
	s.at(day+time.Minute, order.CmdDomainCheckNow, `{"actor":"applicant"}`)
	s.OnActivity(domain.CheckDomain, mock.Anything, mock.Anything).Return(activities.CheckResult{}, nil).Maybe()
	s.ExecuteWorkflow(Order, OrderInput{Number: number})
	next := continued(t, s)
	require.Equal(t, earlier, next.Carried.Reused.Organization)
	require.True(t, next.Carried.Answered)

	again := newScene(t, order.DCVTXT)
	again.found(time.Minute)
	again.ExecuteWorkflow(Order, next)
	var out OrderResult
	require.NoError(t, again.GetWorkflowResult(&out))
	require.Equal(t, order.Issued, out.State)
	require.Empty(t, again.opened, "the challenge goes on")
}

func TestADecisionThatTheRecordRefusesLeavesTheOrderWaiting(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT)
	plain := s.accept
	s.accept = func() (activities.Plan, error) {
		p, err := plain()
		p.Reused = &order.Reused{State: order.Accepted, AskedUntil: s.start.Add(reuseWait)}
		return p, err
	}
	s.found(time.Hour)
	s.OnActivity(commands.DecideReuse, mock.Anything, mock.Anything).Return(activities.ReuseResult{},
		activities.ToTemporal(fault.New(fault.NotFound, "link.unknown", "", "no such link")))
	s.at(time.Hour, order.CmdReuseConfirmed, no)
	s.phone(4 * day)
	require.Equal(t, order.Issued, s.play().State)
	require.Len(t, s.refused, 1, "the link of another order says nothing of this one")
}
