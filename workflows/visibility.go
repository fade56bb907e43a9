package workflows

import (
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"securemailid.example/internal/order"
)

// Search attributes by which operators find orders. None holds personal data; values stay in clear. SQL visibility has three
// Datetime columns, of which two are used.
var (
	OrderState   = temporal.NewSearchAttributeKeyKeyword("OrderState")
	WaitingOn    = temporal.NewSearchAttributeKeyKeyword("WaitingOn")
	WaitingSince = temporal.NewSearchAttributeKeyTime("WaitingSince")
	DeadlineAt   = temporal.NewSearchAttributeKeyTime("DeadlineAt")
	NeedsStaff   = temporal.NewSearchAttributeKeyBool("NeedsStaff")
)

// searchable is the values of the search attributes.
type searchable struct {
	state     string
	waitingOn string
	since     time.Time
	deadline  time.Time
	staff     bool
}

// show brings the current details up to date, which costs no event, and the search attributes where they changed, which costs
// one.
func (o *run) show() {
	workflow.SetCurrentDetails(o.ctx, o.summaryLines())
	next := o.searchable()
	if o.state == order.OrganizationValidation && next.waitingOn == "issuance" {
		return // for the second before the next state
	}
	if !o.accepted && o.refused == nil || next.state == o.shown.state && next.waitingOn == o.shown.waitingOn && next.staff == o.shown.staff {
		return
	}
	next.since = workflow.Now(o.ctx)
	o.shown = next
	updates := []temporal.SearchAttributeUpdate{
		OrderState.ValueSet(next.state), WaitingOn.ValueSet(next.waitingOn), WaitingSince.ValueSet(next.since), NeedsStaff.ValueSet(next.staff),
	}
	if !next.deadline.IsZero() {
		updates = append(updates, DeadlineAt.ValueSet(next.deadline))
	}
	if err := workflow.UpsertTypedSearchAttributes(o.ctx, updates...); err != nil {
		workflow.GetLogger(o.ctx).Error("Search attributes could not be written", "error", err)
	}
}

// searchable reads the attributes off the state. While something is awaited from the applicant's side, that is what the order
// waits on; staff are needed when nothing else stands before the phone call, or when issuance is blocked.
func (o *run) searchable() searchable {
	s := searchable{state: string(o.state), waitingOn: "nobody", deadline: o.plan.DeadlineAt}
	if o.refused != nil {
		s.state = "refused"
		return s
	}
	if awaited := o.awaited(); len(awaited) > 0 {
		s.waitingOn = awaited[0].Code
		s.staff = awaited[0].Party == order.PartyStaff
	}
	if strings.HasPrefix(s.waitingOn, "phone-") {
		s.waitingOn = "phone-validation" // which of the three steps stands in the current details, at no cost in events
	}
	return s
}
