// Package workflows is the life of an order, from the accepted form to the installed certificate, over days or weeks. Order
// reads like the guide's table of contents; what can happen at any time (commands, deadline, mail) runs beside it.
package workflows

import (
	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// Order carries one order (G1, G16–G21). It must be started together with the update "submit", which answers whether the
// submission was accepted.
func Order(ctx workflow.Context, in OrderInput) (OrderResult, error) {
	o, err := setup(ctx, in)
	if err != nil {
		return OrderResult{}, err
	}
	return o.run()
}

// run is the order's main path. What can end it early is looked at after each stage, in one place.
func (o *run) run() (OrderResult, error) {
	stages := []func() error{
		o.accept,               // G2: redeem the voucher, or G24: name the original; G14: receipt
		o.review,               // G26: reissues only
		o.confirmReuse,         // G16: what earlier orders have proved, if the representative says that this one is theirs
		o.validateDomain,       // G15–G19
		o.validateOrganization, // G20
		o.issue,                // G21: sign once, two notices
	}
	for _, stage := range stages {
		if err := stage(); err != nil {
			return OrderResult{}, err
		}
		switch {
		case o.refused != nil:
			return o.leaveRefused()
		case o.end != nil:
			return o.leaveWithout()
		case o.tired():
			return o.continueAsNew()
		}
	}
	return o.leaveIssued()
}

// accept redeems the voucher and records the order; the waiting update "submit" learns the outcome.
func (o *run) accept() error {
	if o.accepted {
		return nil // by the run before this one
	}
	plan, err := call(o.ctx, recordOptions("redeem the voucher, record the order"), accepting.AcceptOrder, activities.AcceptInput{Number: o.number})
	if err != nil {
		o.refused = fault.Public(activities.FromTemporal(err))
		return nil
	}
	o.plan, o.accepted = plan, true
	if plan.Type == order.Reissue { // the record has moved it there at once
		o.enter(order.Review)
	}
	o.follow(plan.Reused)
	o.startClock()
	return nil
}

// leaveIssued ends an order whose certificate is issued, after its mail has gone out.
func (o *run) leaveIssued() (OrderResult, error) {
	o.drain()
	return OrderResult{State: order.Issued, Serial: o.serial}, nil
}
