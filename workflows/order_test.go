package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// The tests here run the workflow in virtual time against activities whose outcome each test chooses: what no real server can
// show in seconds (90 days, aged random values, a blocked issuance). Everything else is shown on real parts in internal/e2e.

const day = 24 * time.Hour

var number = "4711000001"

// scene is a workflow environment whose activities succeed unless the test says otherwise.
type scene struct {
	*testsuite.TestWorkflowEnvironment
	t     *testing.T
	start time.Time

	mu       sync.Mutex
	opened   []activities.OpenInput
	recorded []order.CommandName
	refused  []activities.RefusalInput
	closed   []activities.CloseInput
	reminded int
	prepared int
	signed   int

	accept  func() (activities.Plan, error)
	prepare func(nth int) error
	sign    func(nth int) error
	close   func() error

	reviewed *order.Reviewed                                // what the record answers to an approval
	known    *order.Reused                                  // what the record answers to who asks for a challenge that is not needed
	lapsed   func(nth int) *order.Reused                    // what preparing finds not to hold any more
	reused   func(in activities.CommandInput) *order.Reused // what a command does to what is reused

	recordTakes time.Duration
	before      []order.CommandName // recorded in a run before this one
}

func newScene(t *testing.T, method order.DCVMethod) *scene {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	s := &scene{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t, start: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	s.SetStartTime(s.start)
	s.SetTestTimeout(time.Minute)
	s.RegisterWorkflow(Order)
	s.accept = func() (activities.Plan, error) {
		return activities.Plan{
			Type: order.New, Method: method, DeadlineAt: s.start.Add(90 * day),
			Reminders: []time.Time{s.start.Add(3 * day), s.start.Add(7 * day)},
		}, nil
	}
	s.prepare = func(int) error { return nil }
	s.lapsed = func(int) *order.Reused { return nil }
	s.reused = func(activities.CommandInput) *order.Reused { return nil }
	s.sign = func(int) error { return nil }
	s.close = func() error { return nil }
	s.OnActivity(accepting.AcceptOrder, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.AcceptInput) (activities.Plan, error) {
			p, err := s.accept()
			return p, activities.ToTemporal(err)
		}).Maybe()
	s.OnActivity(domain.OpenChallenge, mock.Anything, mock.Anything).Return(s.open).Maybe()
	s.OnActivity(commands.RecordCommand, mock.Anything, mock.Anything).AfterFn(func() time.Duration { return s.recordTakes }).
		Return(s.record).Maybe()
	s.OnActivity(commands.RecordRefusal, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.RefusalInput) (activities.RefusalResult, error) {
			s.do(func() { s.refused = append(s.refused, in) })
			return activities.RefusalResult{}, nil
		}).Maybe()
	s.OnActivity(domain.DecideApproval, mock.Anything, mock.Anything).Return(activities.ApprovalResult{}, nil).Maybe()
	s.OnActivity(mailing.DeliverLetters, mock.Anything, mock.Anything).Return(activities.DeliverResult{}, nil).Maybe()
	s.OnActivity(mailing.RemindContact, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.RemindInput) (activities.RemindResult, error) {
			s.do(func() { s.reminded++ })
			return activities.RemindResult{}, nil
		}).Maybe()
	s.OnActivity(issuing.PrepareCertificate, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.IssueInput) (activities.PrepareResult, error) {
			s.do(func() { s.prepared++ })
			if r := s.lapsed(s.prepared); r != nil {
				return activities.PrepareResult{Reused: r}, nil
			}
			return activities.PrepareResult{Serial: "5a"}, activities.ToTemporal(s.prepare(s.prepared))
		}).Maybe()
	s.OnActivity(issuing.SignCertificate, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.IssueInput) (activities.SignResult, error) {
			s.do(func() { s.signed++ })
			return activities.SignResult{Serial: "5a"}, activities.ToTemporal(s.sign(s.signed))
		}).Maybe()
	s.OnActivity(closing.CloseOrder, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.CloseInput) (activities.CloseResult, error) {
			s.do(func() { s.closed = append(s.closed, in) })
			return activities.CloseResult{}, activities.ToTemporal(s.close())
		}).Maybe()
	return s
}

func (s *scene) do(f func()) { s.mu.Lock(); defer s.mu.Unlock(); f() }

func (s *scene) open(_ context.Context, in activities.OpenInput) (activities.OpenResult, error) {
	s.do(func() { s.opened = append(s.opened, in) })
	if s.known != nil {
		return activities.OpenResult{Method: in.Method, Satisfied: true, Reused: s.known}, nil
	}
	return activities.OpenResult{
		Challenge: in.Why + "-" + string(rune('0'+in.Sequence)), Sequence: in.Sequence, Method: in.Method,
		ExpiresAt: s.Now().Add(30 * day),
	}, nil
}

func (s *scene) record(_ context.Context, in activities.CommandInput) (activities.CommandResult, error) {
	s.do(func() { s.recorded = append(s.recorded, in.Name) })
	res := activities.CommandResult{Applied: true, Reused: s.reused(in)}
	for step, at := range map[order.CommandName]*time.Time{
		order.CmdPhoneNumberVerified: &res.Phone.NumberVerifiedAt, order.CmdRepresentativeReached: &res.Phone.ReachedAt,
		order.CmdRepresentativeConfirmed: &res.Phone.ConfirmedAt,
	} {
		if slices.Contains(s.recorded, step) || slices.Contains(s.before, step) {
			*at = s.start
		}
	}
	var review order.ReviewDecided
	if in.Name == order.CmdReviewDecided && json.Unmarshal(in.Command, &review) == nil && *review.Approved {
		res.Reissue = s.reviewed
	}
	return res, nil
}

// found makes polling succeed after the given time; a never means longer than any order lives.
func (s *scene) found(after time.Duration) {
	s.OnActivity(domain.PollDomain, mock.Anything, mock.Anything).After(after).Return(activities.CheckResult{Found: true}, nil).Maybe()
}

const never = 1000 * day

// at sends a signal at a time after the start; body is JSON.
func (s *scene) at(after time.Duration, name order.CommandName, body string) {
	s.RegisterDelayedCallback(func() { s.SignalWorkflow(string(name), json.RawMessage(body)) }, after)
}

// phone sends the three phone steps.
func (s *scene) phone(after time.Duration) {
	s.at(after, order.CmdPhoneNumberVerified, `{"actor":"staff/ops","number":"+81312345678","source":"government","reference":"register"}`)
	s.at(after, order.CmdRepresentativeReached, `{"actor":"staff/ops","how":"transferred"}`)
	s.at(after, order.CmdRepresentativeConfirmed, `{"actor":"staff/ops"}`)
}

// play runs the order to its end.
func (s *scene) play() OrderResult {
	s.t.Helper()
	s.ExecuteWorkflow(Order, OrderInput{Number: number})
	require.True(s.t, s.IsWorkflowCompleted())
	require.NoError(s.t, s.GetWorkflowError())
	var out OrderResult
	require.NoError(s.t, s.GetWorkflowResult(&out))
	return out
}

func TestAnOrderIsIssuedOnceItsDomainAndOrganisationAreValidated(t *testing.T) {
	t.Parallel()
	for what, phoneAfter := range map[string]time.Duration{
		"phone steps after the domain":            5 * day,
		"phone steps before the domain count too": time.Hour,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, order.DCVTXT)
			s.found(2 * day)
			s.phone(phoneAfter)
			require.Equal(t, OrderResult{State: order.Issued, Serial: "5a"}, s.play())
			require.Equal(t, 1, s.signed)
			require.Empty(t, s.refused)
		})
	}
}

func TestAnOrderWithoutProofExpiresAtItsDeadline(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT)
	s.found(never)
	s.phone(time.Hour)
	require.Equal(t, order.Expired, s.play().State)
	require.Equal(t, 90*day, s.Now().Sub(s.start).Round(time.Hour))
	require.Len(t, s.closed, 1, "the voucher is given back once")
	require.Equal(t, 2, s.reminded, "each reminder once")
	require.Zero(t, s.signed)
}

func TestARandomValueIsReplacedAtItsAgeLimit(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT)
	s.found(never)
	s.play()
	var whys []string
	for _, o := range s.opened {
		whys = append(whys, o.Why)
	}
	// The third value ages on the day on which the order expires; either may come first.
	require.Equal(t, []string{activities.OpenFirst, activities.OpenAged, activities.OpenAged}, whys[:3])
}

func TestARefusedVoucherLeavesNoOrder(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT)
	s.accept = func() (activities.Plan, error) {
		return activities.Plan{}, fault.New(fault.Conflict, "voucher.used", "", "used")
	}
	s.at(time.Second, order.CmdOrderCancelled, `{"actor":"applicant","reason":"no"}`)
	require.Equal(t, OrderResult{Refused: "voucher.used"}, s.play())
	require.Empty(t, s.opened)
	require.Empty(t, s.closed)
}

func TestABlockedIssuanceWaitsAndGoesOnAfterACorrection(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT)
	s.found(time.Minute)
	s.phone(time.Hour)
	s.prepare = func(nth int) error {
		if nth == 1 {
			return fault.New(fault.Conflict, "lint", "", "a lint finding")
		}
		return nil
	}
	s.at(80*time.Minute, order.CmdSubjectCorrected, `{"actor":"staff/ops","organization":"Sample Trading K.K.","reason":"register"}`)
	require.Equal(t, order.Issued, s.play().State)
	require.Equal(t, 2, s.prepared)
	require.Less(t, s.Now().Sub(s.start), 90*time.Minute, "the correction is taken up at once")
}

func TestABlockedIssuanceLooksAgainByItselfAndKeepsTheDeadline(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT)
	s.found(time.Minute)
	s.phone(time.Hour)
	s.prepare = func(int) error { return fault.New(fault.Conflict, "caa.not-named", "", "CAA forbids it") }
	s.at(5*day, order.CmdOrderRejected, `{"actor":"staff/ops","reason":"CAA"}`)
	require.Equal(t, order.Rejected, s.play().State)
	require.InDelta(t, 5*24, s.prepared, 3, "about once an hour")
}

func TestAnOpenInquiryHoldsIssuanceBack(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT)
	s.found(time.Minute)
	s.at(time.Hour, order.CmdInquiryOpened, `{"actor":"staff/ops","question":"Which department?"}`)
	s.phone(2 * time.Hour)
	s.at(4*day, order.CmdInquiryAnswered, `{"actor":"applicant","answer":"The first one."}`)
	require.Equal(t, order.Issued, s.play().State)
	require.GreaterOrEqual(t, s.Now().Sub(s.start), 4*day)
}

func TestTheDomainOwnersRefusalEndsTheOrder(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVEmail)
	s.at(time.Hour, order.CmdDomainApproved, `{"actor":"domain-owner","link":"7f0c2f1e-5d5e-4a43-9d0c-0c6a1f1f2b11","approved":false}`)
	require.Equal(t, order.Rejected, s.play().State)
}

func TestAMethodChangeReplacesTheChallenge(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVEmail)
	s.found(time.Hour)
	s.at(day, order.CmdDomainMethodChanged, `{"actor":"applicant","method":"dns-txt"}`)
	s.phone(time.Hour)
	require.Equal(t, order.Issued, s.play().State)
	require.Len(t, s.opened, 2)
	require.Equal(t, order.DCVTXT, s.opened[1].Method)
	require.Equal(t, activities.OpenMethodChanged, s.opened[1].Why)
}

func TestMalformedSignalsAreRefusedVisiblyAndTheOrderGoesOn(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT)
	s.found(time.Minute)
	bodies := []string{`null`, `{}`, `"yes"`, `7`, `[]`, `{"stepp":"typo"}`, `{"actor":7}`, `{"actor":"staff/ops","how":"shouted"}`}
	for i, body := range bodies {
		s.at(time.Hour+time.Duration(i)*time.Second, order.CmdRepresentativeReached, body)
	}
	s.phone(2 * time.Hour)
	require.Equal(t, order.Issued, s.play().State)
	require.Len(t, s.refused, len(bodies))
	require.Len(t, s.recorded, 3)
}

func TestASignalWithoutACommandsNameIsRefusedVisiblyAndTheOrderGoesOn(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT)
	s.found(time.Minute)
	names := []string{"phone-number", "", "Order-Cancelled"}
	for _, name := range names {
		s.at(time.Hour, order.CommandName(name), `{"actor":"staff/ops"}`)
	}
	s.phone(2 * time.Hour)
	require.Equal(t, order.Issued, s.play().State)
	require.Len(t, s.refused, len(names))
}

func TestACancelledWorkflowEndsByItsOwnRules(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT)
	s.found(never)
	s.RegisterDelayedCallback(s.CancelWorkflow, day)
	require.Equal(t, order.Cancelled, s.play().State)
	require.Len(t, s.closed, 1)
}

func TestAnOrderThatIsBeingSignedOutlivesItsDeadline(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT)
	s.found(time.Minute)
	s.phone(89*day + 20*time.Hour)
	s.sign = func(int) error {
		if s.Now().Sub(s.start) < 90*day+4*time.Hour {
			return fault.New(fault.Unavailable, "hsm", "", "the key does not answer")
		}
		return nil
	}
	require.Equal(t, order.Issued, s.play().State)
	require.Empty(t, s.closed)
}

func TestAnOrderThatCannotBeSignedMayBeRejected(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT)
	s.found(time.Minute)
	s.phone(time.Hour)
	s.sign = func(int) error { return fault.New(fault.Conflict, "tbs.issuer", "", "another CA reserved it") }
	s.at(5*day+time.Minute, order.CmdOrderCancelled, `{"actor":"applicant","reason":"too slow"}`)
	s.at(6*day+time.Minute, order.CmdOrderRejected, `{"actor":"staff/ops","reason":"the CA was replaced"}`)
	require.Equal(t, order.Rejected, s.play().State)
	require.Len(t, s.refused, 1, "the applicant is told that it came too late")
}

func TestStaffAreHeardWhilePreparingFails(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT)
	s.found(time.Minute)
	s.phone(time.Hour)
	s.prepare = func(int) error { return fault.New(fault.Unavailable, "resolver", "", "the resolver does not answer") }
	s.at(2*day, order.CmdOrderRejected, `{"actor":"staff/ops","reason":"no answer"}`)
	require.Equal(t, order.Rejected, s.play().State)
	require.Less(t, s.Now().Sub(s.start), 2*day+time.Hour)
}

func TestACancellationThatComesAfterTheReservationGivesWayToTheCertificate(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT)
	s.found(time.Minute)
	s.phone(time.Hour)
	s.prepare = func(nth int) error { // the record has it, the answer is lost for a while
		if nth < 5 {
			return fault.New(fault.Unavailable, "record.unavailable", "", "lost")
		}
		return nil
	}
	s.close = func() error { return fault.New(fault.Conflict, "order.state", "", "the order is being issued") }
	s.at(time.Hour+2*time.Minute, order.CmdOrderCancelled, `{"actor":"applicant","reason":"no"}`)
	require.Equal(t, order.Issued, s.play().State)
	require.Len(t, s.closed, 1)
}

func TestALongOrderGoesOnInANewRun(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT)
	s.found(never)
	s.at(time.Hour, order.CmdPhoneNumberVerified, `{"actor":"staff/ops","number":"+81312345678","source":"government","reference":"register"}`)
	s.recordTakes = time.Hour
	s.at(4*day, order.CmdInquiryOpened, `{"actor":"staff/ops","question":"Which department?"}`)
	s.RegisterDelayedCallback(func() { s.SetContinueAsNewSuggested(true) }, 4*day+time.Minute)
	s.ExecuteWorkflow(Order, OrderInput{Number: number})
	next := continued(t, s)
	require.Equal(t, order.DomainValidation, next.Carried.State)
	require.True(t, next.Carried.Phone.Number)
	require.True(t, next.Carried.OpenInquiry)
	require.Equal(t, 1, next.Carried.Reminded)

	again := newScene(t, order.DCVTXT)
	again.found(time.Minute)
	again.before = []order.CommandName{order.CmdPhoneNumberVerified}
	again.at(time.Hour, order.CmdInquiryAnswered, `{"actor":"applicant","answer":"The first."}`)
	again.at(2*time.Hour, order.CmdRepresentativeReached, `{"actor":"staff/ops","how":"transferred"}`)
	again.at(2*time.Hour, order.CmdRepresentativeConfirmed, `{"actor":"staff/ops"}`)
	again.ExecuteWorkflow(Order, next)
	require.NoError(t, again.GetWorkflowError())
	var out OrderResult
	require.NoError(t, again.GetWorkflowResult(&out))
	require.Equal(t, order.Issued, out.State)
	require.Empty(t, again.opened, "the challenge goes on; no new value is given out")
}

func TestARejectionInHandAtTheChangeOfRunsCounts(t *testing.T) {
	t.Parallel()
	s := newScene(t, order.DCVTXT)
	s.found(never)
	s.recordTakes = time.Hour
	s.at(day, order.CmdOrderRejected, `{"actor":"staff/ops","reason":"unknown organisation"}`)
	s.RegisterDelayedCallback(func() { s.SetContinueAsNewSuggested(true) }, day+time.Minute)
	require.Equal(t, order.Rejected, s.play().State)
	require.Len(t, s.closed, 1)
}

// continued returns the input of the run that takes over.
func continued(t *testing.T, s *scene) OrderInput {
	t.Helper()
	can, ok := errors.AsType[*workflow.ContinueAsNewError](s.GetWorkflowError())
	require.Truef(t, ok, "the order goes on in a new run, not %v", s.GetWorkflowError())
	var in OrderInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(can.Input, &in))
	require.NotNil(t, in.Carried)
	return in
}
