package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// due is something that has a date.
type due struct {
	at   time.Time
	what string
	do   func(workflow.Context)
}

// nextDue is what comes first: the age limit of the random value, a reminder, or the deadline.
func (o *run) nextDue() due {
	next := due{o.plan.DeadlineAt, "the order expires", func(workflow.Context) {
		o.stop(order.Expired, "system", activities.ReasonDeadline)
	}}
	if o.reminded < len(o.plan.Reminders) && o.plan.Reminders[o.reminded].Before(next.at) {
		next = due{o.plan.Reminders[o.reminded], "next reminder", o.remind}
	}
	if until := o.reused.AskedUntil; o.waitsForRepresentative() && until.Before(next.at) {
		next = due{until, "time for the representative to answer", func(workflow.Context) { o.waited = true }}
	}
	c := o.challenge
	if c.Challenge != "" && c.Challenge != o.aged && !o.domainProved() && c.ExpiresAt.Before(next.at) {
		next = due{c.ExpiresAt, "age limit of the random value", func(workflow.Context) { o.aged = c.Challenge }}
	}
	return next
}

// startClock runs one timer at a time for everything that has a date: a timer for each would cost two events more for each.
func (o *run) startClock() {
	ctx, cancel := workflow.WithCancel(o.ctx)
	o.stopClock = cancel
	workflow.Go(ctx, func(ctx workflow.Context) {
		for !o.over() && o.validating() {
			next := o.nextDue()
			timerCtx, drop := workflow.WithCancel(ctx)
			timer := workflow.NewTimerWithOptions(timerCtx, next.at.Sub(workflow.Now(ctx)), workflow.TimerOptions{Summary: next.what})
			err := workflow.Await(ctx, func() bool { return timer.IsReady() || o.nextDue().at.Before(next.at) })
			drop()
			if err != nil || ctx.Err() != nil { // a cancelled timer is ready, too
				return // the order has ended, or a new run keeps the clock
			}
			if timer.IsReady() {
				next.do(ctx)
			}
		}
	})
}

// validating reports whether the order is still open: neither being issued nor ended.
func (o *run) validating() bool { return o.state != order.Issuing && !o.state.Final() }

// remind writes to the technical contact if something waits for them.
func (o *run) remind(ctx workflow.Context) {
	o.reminded++
	o.busy++
	defer func() { o.busy-- }()
	in := activities.RemindInput{Number: o.number, Nth: o.reminded}
	if _, err := call(ctx, recordOptions("reminder"), mailing.RemindContact, in); err != nil {
		workflow.GetLogger(ctx).Error("A reminder could not be written", "error", err)
		return
	}
	o.letters = true
}

// blockedBy shows staff why the order cannot go on (CAA, lint, policy) and waits for the condition, a while, or the order's end.
func (o *run) blockedBy(err error, until func() bool) error {
	o.blocked = fault.Public(activities.FromTemporal(err)).Error()
	o.show()
	defer func() {
		o.blocked = ""
		o.show()
	}()
	wait := blockedRetry
	if !fault.Permanent(activities.FromTemporal(err)) {
		wait = awayRetry
	}
	return o.pause(wait, until)
}

// pause waits for the condition, at most for the given time.
func (o *run) pause(wait time.Duration, condition func() bool) error {
	ctx, cancel := workflow.WithCancel(o.ctx)
	defer cancel()
	timer := workflow.NewTimerWithOptions(ctx, wait, workflow.TimerOptions{Summary: "look again"})
	return o.await(func() bool { return timer.IsReady() || condition() })
}
