package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// review waits for staff to look at a reissue (G26). Every other order passes by.
func (o *run) review() error {
	if o.state == order.Review {
		o.letters = true // the receipt; the challenge comes days later
		if err := o.await(func() bool { return o.state != order.Review }); err != nil {
			return err
		}
	}
	if o.compromised != nil {
		o.revokeOriginal(*o.compromised)
		o.compromised = nil
	}
	return nil
}

// revokeOriginal has the original revoked whose key is compromised, within the 24 hours of SBR 4.9.1.1: recorded, and so known to OCSP, at
// once, published by a workflow of its own. It comes before everything else of the order, even if that has been cancelled meanwhile.
func (o *run) revokeOriginal(in activities.OriginalInput) {
	if _, err := call(o.ctx, recordOptions("revoke the original"), revoking.RevokeOriginal, in); err != nil {
		workflow.GetLogger(o.ctx).Error("The original of a reissue could not be revoked", "error", err)
		o.refusals = append(o.refusals, "revocation of the original: "+fault.Public(activities.FromTemporal(err)).Error())
		o.show()
	}
}

// permitsReview says whether a command fits an order that waits for its review: nothing is validated before it, since the review
// settles which certificate, and so which domain, the order is about.
func (o *run) permitsReview(cmd order.Command) error {
	_, decides := cmd.(order.ReviewDecided)
	switch {
	case decides && o.state != order.Review:
		return fault.New(fault.Conflict, "order.no-review", "このオーダーに審査はありません。", "This order has no review to decide.")
	case !decides && o.state == order.Review:
		return fault.New(fault.Conflict, "order.in-review", "再発行の内容を確認中です。ドメインの認証はその後に始まります。",
			"The reissue is under review; the domain is validated after that.")
	default:
		return nil
	}
}

// decided takes note of the outcome of the review: a refusal ends the order, an approval opens its domain stage.
func (o *run) decided(c order.ReviewDecided, approved *order.Reviewed, at time.Time) {
	if approved == nil {
		o.stop(order.Rejected, c.By(), c.Reason)
		return
	}
	o.plan.Method = approved.Method
	if approved.Compromised {
		o.compromised = &activities.OriginalInput{Number: o.number, Actor: c.By(), At: at}
	}
	if !approved.DeadlineAt.IsZero() {
		o.plan.DeadlineAt = approved.DeadlineAt
	}
	o.enter(order.DomainValidation)
}
