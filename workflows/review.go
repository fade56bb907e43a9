package workflows

import (
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// review waits for staff to look at a reissue (G26). Every other order passes by.
func (o *run) review() error {
	if o.state != order.Review {
		return nil
	}
	o.letters = true // the receipt; the challenge comes days later
	return o.await(func() bool { return o.state != order.Review })
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
func (o *run) decided(c order.ReviewDecided, approved *order.Reviewed) {
	if approved == nil {
		o.stop(order.Rejected, c.By(), c.Reason)
		return
	}
	o.plan.Method = approved.Method
	o.enter(order.DomainValidation)
}
