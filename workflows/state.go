package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// run is one run of an order. Handlers write its fields under lock; the main path waits for them.
type run struct {
	ctx    workflow.Context // not cancelled with the workflow: an order ends by its own rules
	number string

	accepted bool         // the submission has become an order
	refused  *fault.Error // or why it has not
	plan     activities.Plan

	state     order.State
	since     time.Time // of state
	challenge activities.OpenResult
	aged      string // the challenge whose random value has reached its age limit
	phone     PhoneDone
	reused    order.Reused // what the order stands on that others have proved
	answered  bool         // the representative has said whether the application is theirs
	waited    bool         // for them, long enough
	inquiry   bool         // an inquiry waits for its answer
	blocked   string       // why issuance was not possible, for staff
	corrected int          // corrections applied; wakes a blocked issuance
	reminded  int
	checkedAt time.Time // last check by hand
	serial    string
	end       *end

	compromised *activities.OriginalInput // reissue: the original is to be revoked

	lock     workflow.Mutex // one command or stage step at a time
	signals  workflow.Selector
	busy     int  // signals being applied
	letters  bool // the outbox has something new
	mailing  bool // a delivery is under way
	refusals []string

	stopClock workflow.CancelFunc
	shown     searchable // search attributes as last written
}

// end is how an order ends without a certificate.
type end struct {
	state  order.State
	actor  string
	reason string
}

// setup registers every handler before the first block and starts what runs beside the main path.
func setup(ctx workflow.Context, in OrderInput) (*run, error) {
	detached, _ := workflow.NewDisconnectedContext(ctx)
	o := &run{ctx: detached, number: in.Number, state: order.Accepted, since: workflow.Now(ctx), lock: workflow.NewMutex(ctx)}
	if c := in.Carried; c != nil {
		o.restore(*c)
	}
	if err := o.registerHandlers(); err != nil {
		return nil, err
	}
	workflow.Go(o.ctx, o.receiveSignals)
	workflow.Go(o.ctx, o.refuseUnknown)
	workflow.Go(o.ctx, o.deliverLetters)
	workflow.Go(ctx, o.watchCancellation)
	if o.accepted {
		o.startClock()
	}
	o.show()
	return o, nil
}

func (o *run) restore(c Carried) {
	o.accepted, o.plan, o.state, o.challenge = true, c.Plan, c.State, c.Challenge
	o.phone, o.inquiry, o.reminded, o.refusals = c.Phone, c.OpenInquiry, c.Reminded, c.Refusals
	o.since, o.corrected, o.compromised = c.Since, c.Corrected, c.Compromised
	o.reused, o.answered = c.Reused, c.Answered
	if !c.Restarted { // else no run before this one has left its search attributes
		o.shown = o.searchable()
		o.shown.since = c.WaitingSince
	}
	if e := c.End; e != nil {
		o.end = &end{state: e.State, actor: e.Actor, reason: e.Reason}
	}
	o.letters = true // what the last run may not have delivered
}

func (o *run) carried() *Carried {
	return &Carried{
		Plan: o.plan, State: o.state, Challenge: o.challenge, Phone: o.phone, OpenInquiry: o.inquiry,
		Reminded: o.reminded, Refusals: o.refusals[max(0, len(o.refusals)-shownRefusals):],
		Since: o.since, WaitingSince: o.shown.since, Corrected: o.corrected, Compromised: o.compromised, Reused: o.reused, Answered: o.answered,
	}
}

// over reports whether the order ends without a certificate.
func (o *run) over() bool { return o.end != nil || o.refused != nil }

// tired reports whether the history has grown so long that a new run should take over.
func (o *run) tired() bool {
	return o.state != order.Issued && workflow.GetInfo(o.ctx).GetContinueAsNewSuggested()
}

// await blocks until the condition holds, the order ends early, or a new run should take over.
func (o *run) await(condition func() bool) error {
	return workflow.Await(o.ctx, func() bool { return condition() || o.over() || o.tired() })
}

// stop asks for an end without a certificate; the first wish counts. An order that is being issued goes on, unless staff reject
// it because the CA cannot sign; permits sees to that.
func (o *run) stop(state order.State, actor, reason string) {
	if o.end == nil && (o.validating() || o.state == order.Issuing && state == order.Rejected) {
		o.end = &end{state: state, actor: actor, reason: reason}
	}
}

// enter notes a new state for operators; the record has changed already, in the activity that caused it.
func (o *run) enter(s order.State) {
	if o.state != s {
		o.state, o.since = s, workflow.Now(o.ctx)
	}
	o.show()
}

// watchCancellation turns a cancellation from the Temporal UI into the end of the order by its own rules.
func (o *run) watchCancellation(ctx workflow.Context) {
	ctx.Done().Receive(ctx, nil)
	o.stop(order.Cancelled, "staff/operator", activities.ReasonOperator)
}

// summaryLines is what the Temporal UI shows as the order's current details, in Markdown.
func (o *run) summaryLines() string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** since %s\n\n", o.state, o.since.UTC().Format(time.DateTime+" UTC"))
	for _, a := range o.awaited() {
		fmt.Fprintf(&b, "- waits for %s, from %s\n", a.Text.EN, a.Party)
	}
	if o.challenge.Challenge != "" && o.state == order.DomainValidation {
		fmt.Fprintf(&b, "- challenge %d by %s, random value good until %s\n", o.challenge.Sequence, o.challenge.Method, o.challenge.ExpiresAt.UTC().Format(time.DateTime+" UTC"))
	}
	b.WriteString(o.reuseLines())
	if o.accepted && !o.state.Final() {
		fmt.Fprintf(&b, "- deadline %s\n", o.plan.DeadlineAt.UTC().Format(time.DateTime+" UTC"))
	}
	if o.blocked != "" {
		fmt.Fprintf(&b, "- **issuance is blocked**: %s\n", o.blocked)
	}
	for _, r := range o.refusals[max(0, len(o.refusals)-shownRefusals):] {
		fmt.Fprintf(&b, "- refused: %s\n", r)
	}
	return b.String()
}
