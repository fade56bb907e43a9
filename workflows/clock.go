package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// startClock runs one timer at a time for everything that has a date: reminders, then the deadline.
func (o *run) startClock() {
	ctx, cancel := workflow.WithCancel(o.ctx)
	o.stopClock = cancel
	workflow.Go(ctx, func(ctx workflow.Context) {
		for _, at := range o.plan.Reminders[min(o.reminded, len(o.plan.Reminders)):] {
			if !o.sleepUntil(ctx, at, "next reminder") {
				return
			}
			o.remind(ctx)
		}
		if o.sleepUntil(ctx, o.plan.DeadlineAt, "the order expires") {
			o.stop(order.Expired, "system", "the time for validation is over / 認証の期限を過ぎました")
		}
	})
}

// sleepUntil reports whether the time came before the clock was stopped.
func (o *run) sleepUntil(ctx workflow.Context, at time.Time, what string) bool {
	timer := workflow.NewTimerWithOptions(ctx, at.Sub(workflow.Now(ctx)), workflow.TimerOptions{Summary: what})
	return timer.Get(ctx, nil) == nil
}

// remind writes to the technical contact if something waits for them.
func (o *run) remind(ctx workflow.Context) {
	o.reminded++
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
	defer func() { o.blocked = "" }()
	return o.pause(until)
}

// pause waits for the condition, at most for blockedRetry.
func (o *run) pause(condition func() bool) error {
	ctx, cancel := workflow.WithCancel(o.ctx)
	defer cancel()
	timer := workflow.NewTimerWithOptions(ctx, blockedRetry, workflow.TimerOptions{Summary: "look again"})
	return o.await(func() bool { return timer.IsReady() || condition() })
}
