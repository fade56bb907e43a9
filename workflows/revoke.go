package workflows

import (
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
	"securemailid.example/internal/order"
)

// Names by which the engine reaches a revocation. They are an API.
const (
	RevokeType        = "Revoke"
	RevocationChanged = "revocation-changed" // signal: look into the record again; it says nothing itself
)

// RevokeID is the workflow id of a revocation request: the request's id is no secret.
func RevokeID(request string) string { return "revoke-" + request }

// RevokeResult is what a request came to.
type RevokeResult struct {
	Declined bool `json:"declined,omitempty"`
	Lists    int  `json:"lists,omitempty"`   // published for it
	Letters  int  `json:"letters,omitempty"` // on their way
}

// revocation is one run of a revocation request.
type revocation struct {
	ctx       workflow.Context // not cancelled with the workflow: a revocation is not taken back
	id        string
	standing  activities.RevocationStanding
	twoClocks bool // whether this run knows of answerClock
	warned    bool // a clock has
	published bool // the clock has stopped
	result    RevokeResult
	shown     string
}

// Revoke brings a recorded request to its end: a problem report waits for staff; what is revoked is published at once and told. The
// certificate is revoked in the record before this begins, so OCSP says so already. Beside it run the clocks of SBR 4.9.1.1 and 4.9.5.
func Revoke(ctx workflow.Context, in activities.RevocationInput) (RevokeResult, error) {
	detached, _ := workflow.NewDisconnectedContext(ctx)
	r := &revocation{ctx: detached, id: in.ID}
	if err := r.read(r.ctx); err != nil {
		return r.result, err
	}
	r.twoClocks = workflow.GetVersion(r.ctx, answerClock, workflow.DefaultVersion, 1) > workflow.DefaultVersion
	workflow.Go(r.ctx, func(ctx workflow.Context) { r.watch(ctx, &clock{}) })
	if r.twoClocks && len(r.standing.AnswerWarnings) > 0 {
		workflow.Go(r.ctx, func(ctx workflow.Context) { r.watch(ctx, &clock{answer: true}) })
	}
	for _, step := range []func() error{r.awaitDecision, r.publish, r.notify} {
		if err := step(); err != nil || r.standing.Declined {
			return r.result, err
		}
	}
	return r.result, nil
}

// read asks the record how far the request is. An unknown one fails the workflow: nothing can come of it.
func (r *revocation) read(ctx workflow.Context) error {
	return r.look(ctx, recordOptions("read the request"))
}

// look is read within other limits. The wait for a decision and both clocks look by themselves, so what one has seen may come in after
// something later.
func (r *revocation) look(ctx workflow.Context, o workflow.ActivityOptions) error {
	standing, err := call(ctx, o, revoking.ReadRevocation, activities.RevocationInput{ID: r.id})
	if err != nil || r.twoClocks && r.standing.Supersedes(standing) {
		return err
	}
	r.standing = standing
	r.published, r.result.Declined = r.published || r.standing.Published, r.standing.Declined
	return nil
}

// awaitDecision waits while staff have to decide. Whoever changes the record says so by a signal; where that could not be sent, it is
// noticed within a day.
func (r *revocation) awaitDecision() error {
	changed := workflow.GetSignalChannel(r.ctx, RevocationChanged)
	for r.standing.Undecided {
		r.show("decision")
		timerCtx, drop := workflow.WithCancel(r.ctx)
		timer := workflow.NewTimerWithOptions(timerCtx, lookAgain, workflow.TimerOptions{Summary: "look into the record again"})
		err := workflow.Await(r.ctx, func() bool { return changed.Len() > 0 || timer.IsReady() || !r.standing.Undecided })
		drop()
		if err != nil {
			return err
		}
		for changed.ReceiveAsync(nil) { // several are one
		}
		if err := r.read(r.ctx); err != nil {
			return err
		}
	}
	return nil
}

// publish brings what is revoked onto the lists. While the key or the record is away it is tried on; what fails for good, such as a lint
// of the list, is tried again as well, because somebody has to mend it before the clock ends.
func (r *revocation) publish() error {
	if len(r.standing.Issuers) == 0 {
		r.published = true // a key that no certificate holds
		return nil
	}
	if workflow.GetVersion(r.ctx, listByList, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return r.publishTogether()
	}
	for left := r.standing.Issuers; !r.published; {
		r.show("publication")
		var lists []activities.PublishedList
		lists, left = publishEach(r.ctx, left, listOptions)
		r.result.Lists += len(lists)
		if r.published = len(left) == 0; r.published {
			return nil
		}
		if err := workflow.Sleep(r.ctx, publishRetry); err != nil {
			return err
		}
	}
	return nil
}

// publishTogether is publish as it was before each list had an activity of its own.
func (r *revocation) publishTogether() error {
	for !r.published {
		r.show("publication")
		in := activities.PublishInput{Issuers: r.standing.Issuers}
		out, err := call(r.ctx, publishOptions("publish the revocation list"), publishing.PublishCRLs, in)
		if err == nil {
			r.result.Lists, r.published = len(out.Lists), true
			return nil
		}
		workflow.GetLogger(r.ctx).Error("A revocation could not be published", "request", r.id, "error", err)
		if err := workflow.Sleep(r.ctx, publishRetry); err != nil {
			return err
		}
	}
	return nil
}

// notify writes to those whom the certificate concerns.
func (r *revocation) notify() error {
	if r.standing.Notified {
		return nil
	}
	r.show("notice")
	out, err := call(r.ctx, recordOptions("write the notices"), revoking.NotifyRevocation, activities.RevocationInput{ID: r.id})
	if err != nil {
		return err
	}
	r.result.Letters = len(out.Letters)
	r.post(r.ctx, out.Letters)
	return nil
}

// post starts the delivery of letters, which goes on by itself. One that is under way already is left alone.
func (r *revocation) post(ctx workflow.Context, letters []activities.PostInput) {
	for _, l := range letters {
		child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
			WorkflowID: PostID(l.Letter), ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_ABANDON,
		})
		err := workflow.ExecuteChildWorkflow(child, PostType, l).GetChildWorkflowExecution().Get(ctx, nil)
		if err != nil && !temporal.IsWorkflowExecutionAlreadyStartedError(err) {
			workflow.GetLogger(ctx).Error("A letter could not be sent on its way", "letter", l.Letter, "error", err)
		}
	}
}

// clock is what a request has to keep: the list's (SBR 4.9.1.1), or for a problem report that of the preliminary answer (4.9.5).
type clock struct {
	answer bool
	warned int // warnings that are behind us
}

func (c *clock) warnings(s activities.RevocationStanding) ([]time.Time, time.Time) {
	if c.answer {
		return s.AnswerWarnings, s.AnswerDueAt
	}
	return s.Warnings, s.DueAt
}

// skip leaves out the warnings that a later one has overtaken: of several that lie in the past only the last is heard.
func (c *clock) skip(all []time.Time, now time.Time) {
	for c.warned+1 < len(all) && !all[c.warned+1].After(now) {
		c.warned++
	}
}

// watch escalates at every warning that passes before the clock has stopped.
func (r *revocation) watch(ctx workflow.Context, c *clock) {
	for {
		all, _ := c.warnings(r.standing)
		if r.twoClocks {
			c.skip(all, workflow.Now(ctx))
		}
		if c.warned >= len(all) {
			return
		}
		at := all[c.warned]
		timerCtx, drop := workflow.WithCancel(ctx)
		timer := workflow.NewTimerWithOptions(timerCtx, at.Sub(workflow.Now(ctx)), workflow.TimerOptions{Summary: "clock of the revocation"})
		err := workflow.Await(ctx, func() bool { return timer.IsReady() || r.stopped(c) || r.moved(c, at) })
		due := timer.IsReady()
		drop()
		if err != nil || r.stopped(c) {
			return
		}
		if due {
			c.warned++
			r.escalate(ctx, c)
		}
	}
}

// moved reports whether the next warning is no longer at that moment: staff have found a reason that leaves less time.
func (r *revocation) moved(c *clock, at time.Time) bool {
	all, _ := c.warnings(r.standing)
	return r.twoClocks && (c.warned >= len(all) || !all[c.warned].Equal(at))
}

// stopped reports whether nothing is left for the clock to watch.
func (r *revocation) stopped(c *clock) bool {
	return r.published || r.standing.Declined || c.answer && r.standing.Answered
}

// escalate makes a warning heard: metric, log, search attribute, audit trail, and a letter to the operator. What has been decided, answered
// or published without a word to this workflow is no warning.
func (r *revocation) escalate(ctx workflow.Context, c *clock) {
	look := workflow.GetVersion(ctx, lookBeforeWarning, workflow.DefaultVersion, 2)
	if r.settled(ctx, c, look) {
		return
	}
	_, due := c.warnings(r.standing)
	overdue := !workflow.Now(ctx).Before(due)
	workflow.GetMetricsHandler(ctx).WithTags(map[string]string{"overdue": fmt.Sprint(overdue), "answer": fmt.Sprint(c.answer)}).Counter("smid_revocation_warnings").Inc(1)
	workflow.GetLogger(ctx).Warn("The clock of a revocation runs out", "request", r.id, "due", due, "overdue", overdue, "answer", c.answer)
	r.warned = true
	r.show(r.shown)
	in := activities.EscalateInput{ID: r.id, Nth: c.warned, Answer: c.answer}
	if look < 2 {
		r.record(ctx, in)
		return
	}
	workflow.Go(ctx, func(ctx workflow.Context) { r.record(ctx, in) }) // the next warning is heard even if the record is away until then
}

// record puts a warning into the audit trail and has its letter sent.
func (r *revocation) record(ctx workflow.Context, in activities.EscalateInput) {
	out, err := call(ctx, recordOptions("escalate"), revoking.EscalateRevocation, in)
	if err != nil {
		workflow.GetLogger(ctx).Error("A warning could not be recorded", "request", r.id, "error", err)
		return
	}
	r.post(ctx, out.Letters)
}

// settled looks into the record whether there is still something to warn of. Where it cannot be read in time there is: an outage is no
// reason to be silent.
func (r *revocation) settled(ctx workflow.Context, c *clock, look workflow.Version) bool {
	switch look {
	case workflow.DefaultVersion:
		return false
	case 1:
		return r.read(ctx) != nil || r.stopped(c)
	}
	if err := r.look(ctx, glanceOptions("look before the warning")); err != nil {
		workflow.GetLogger(ctx).Error("The record could not be read before a warning", "request", r.id, "error", err)
	}
	return r.stopped(c)
}

// show says to operators what the request waits on. Staff are needed for a decision, and once the clock has warned.
func (r *revocation) show(waitsOn string) {
	staff := r.standing.Undecided || r.warned
	updates := []temporal.SearchAttributeUpdate{NeedsStaff.ValueSet(staff)}
	if waitsOn != r.shown {
		r.shown = waitsOn
		updates = append(updates, OrderState.ValueSet("revocation"), WaitingOn.ValueSet(waitsOn), WaitingSince.ValueSet(workflow.Now(r.ctx)),
			DeadlineAt.ValueSet(r.standing.DueAt))
	}
	if err := workflow.UpsertTypedSearchAttributes(r.ctx, updates...); err != nil {
		workflow.GetLogger(r.ctx).Error("Search attributes could not be written", "error", err)
	}
	details := fmt.Sprintf("**revocation** waits on %s\n\n- due %s\n", waitsOn, r.standing.DueAt.UTC().Format(time.DateTime+" UTC"))
	if staff {
		details += fmt.Sprintf("- from %s\n", order.PartyStaff)
	}
	if !r.standing.Answered && !r.standing.AnswerDueAt.IsZero() {
		details += fmt.Sprintf("- preliminary answer due %s\n", r.standing.AnswerDueAt.UTC().Format(time.DateTime+" UTC"))
	}
	workflow.SetCurrentDetails(r.ctx, details)
}
