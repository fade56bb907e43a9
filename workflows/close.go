package workflows

import (
	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
	"securemailid.example/internal/order"
)

// leaveRefused ends the workflow of a submission that became no order.
func (o *run) leaveRefused() (OrderResult, error) {
	o.show()
	o.drain()
	return OrderResult{Refused: o.refused.Code}, nil
}

// leaveWithout ends the order without a certificate: the voucher goes back, the technical contact learns why. If the record says
// that a certificate is reserved, the wish came too late and the order goes on to it.
func (o *run) leaveWithout() (OrderResult, error) {
	if err := o.lock.Lock(o.ctx); err != nil {
		return OrderResult{}, err
	}
	o.stopClock()
	in := activities.CloseInput{Number: o.number, State: o.end.state, Actor: o.end.actor, Reason: o.end.reason}
	_, err := call(o.ctx, recordOptions("close the order, return the voucher"), closing.CloseOrder, in)
	o.lock.Unlock()
	if err != nil {
		workflow.GetLogger(o.ctx).Warn("The order could not be closed", "error", err)
		o.end = nil
		o.enter(order.Issuing)
		return o.run()
	}
	o.letters = true
	o.enter(o.end.state)
	o.drain()
	return OrderResult{State: o.end.state}, nil
}

// drain waits until every message is answered and the outbox is empty or given up: nothing that was sent may be lost by leaving.
func (o *run) drain() {
	_ = workflow.Await(o.ctx, func() bool {
		return o.quiet() && !o.letters && !o.mailing
	})
}

// quiet reports whether every message has had its answer.
func (o *run) quiet() bool {
	return workflow.AllHandlersFinished(o.ctx) && !o.signals.HasPending() && len(unknownSignals(o.ctx)) == 0 && o.busy == 0
}

// continueAsNew hands the order to a new run with an empty history. Handlers finish first; mail that is still to go is taken
// up by the new run.
func (o *run) continueAsNew() (OrderResult, error) {
	if err := workflow.Await(o.ctx, o.quiet); err != nil {
		return OrderResult{}, err
	}
	if o.end != nil { // by a command that was in hand
		return o.leaveWithout()
	}
	o.stopClock()
	return OrderResult{}, workflow.NewContinueAsNewError(o.ctx, Order, OrderInput{Number: o.number, Carried: o.carried()})
}

// deliverLetters sends what lies in the outbox, beside the main path: mail never holds up or fails an order.
func (o *run) deliverLetters(ctx workflow.Context) {
	for {
		if workflow.Await(ctx, func() bool { return o.letters }) != nil {
			return
		}
		o.letters, o.mailing = false, true
		in := activities.DeliverInput{Number: o.number}
		if _, err := call(ctx, mailOptions("deliver mail"), mailing.DeliverLetters, in); err != nil {
			workflow.GetLogger(ctx).Error("Mail stays undelivered", "error", err)
		}
		o.mailing = false
	}
}

// awaited is what the order waits for, as its status shows it.
func (o *run) awaited() []order.Awaited {
	if !o.accepted {
		return nil
	}
	p := order.Progress{State: o.state, Method: o.challenge.Method, OpenInquiry: o.inquiry, Blocked: o.blocked != "",
		ReuseAsked: o.waitsForRepresentative(), PhoneReused: o.reused.Organization != "", MailsHeld: o.challenge.MailsHeld}
	if p.Method == "" {
		p.Method = o.plan.Method
	}
	now := workflow.Now(o.ctx) // any time will do: only whether a step is done counts here
	if o.phone.Number {
		p.Phone.NumberVerifiedAt = now
	}
	if o.phone.Reached {
		p.Phone.ReachedAt = now
	}
	if o.phone.Confirmed {
		p.Phone.ConfirmedAt = now
	}
	return p.Awaited()
}
