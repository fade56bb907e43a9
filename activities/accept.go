package activities

import (
	"context"
	"time"

	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// Accepting turns a submission into an order.
type Accepting struct {
	Records   Records
	Policy    policy.Book
	Addresses Addresses
	Clock     func() time.Time
}

// AcceptInput names the submission.
type AcceptInput struct{ Number string }

// Plan is what the workflow must know of an accepted order. It holds no personal data.
type Plan struct {
	Type       order.Type      `json:"type"`
	Method     order.DCVMethod `json:"method"`
	DeadlineAt time.Time       `json:"deadline_at"` // the order expires then
	Reminders  []time.Time     `json:"reminders,omitempty"`
	Reused     *order.Reused   `json:"reused,omitempty"` // with an offer to reuse earlier validations (G16)
}

// AcceptOrder redeems the voucher (G2), records the order and puts the receipt into the outbox (G14), and for a reissue what tells the
// certificate's holder. What cannot be accepted is an error that is not retried, and leaves nothing behind: a voucher that cannot be redeemed,
// a technical contact of too many applications that were withdrawn in a day, a reissue whose original has ended meanwhile or of which another
// is under way (G25).
func (a *Accepting) AcceptOrder(ctx context.Context, in AcceptInput) (Plan, error) {
	sub, err := a.Records.Submission(ctx, in.Number)
	if err != nil {
		return Plan{}, err
	}
	now := a.Clock()
	rules := a.Policy.At(now)
	app := sub.Application
	deadline := deadlineOf(sub, now.Add(rules.OrderLifetime))
	renews, err := a.predecessor(ctx, app, rules, now)
	if err != nil {
		return Plan{}, err
	}
	letters := []order.Letter{a.Addresses.withStatus(receipt(sub, renews, now, deadline), now.Add(rules.StatusLinkLife))}
	if r := sub.Reissue; r != nil {
		certificates, err := a.Records.Candidates(ctx, in.Number)
		if err != nil {
			return Plan{}, err
		}
		letters = append(letters, a.Addresses.reissueNotices(in.Number, certificates, app.TechnicalContact, r.Reason, rules, now)...)
	}
	err = a.Records.Accept(ctx, Acceptance{
		Submission: sub, Domain: domainOf(app.CertificateEmail), At: now, DeadlineAt: deadline, Policy: rules.Version, Renews: renews,
		Letters: letters, AfterCompromise: rules.ReissueAfterCompromise,
		EndedOfContact: rules.EndedOfContact,
	})
	if err != nil {
		return Plan{}, err
	}
	// A retry after the first attempt was recorded must plan by what was recorded.
	st, err := a.Records.Order(ctx, in.Number)
	if err != nil {
		return Plan{}, err
	}
	plan := planOf(st, rules)
	if st.Type != order.Reissue { // which is reviewed first
		plan.Reused, err = offerReuse(ctx, a.Records, a.Addresses, st, rules, now)
	}
	return plan, err
}

// planOf is the plan of an order as it is recorded, but for an offer of reuse, which is made once.
func planOf(st order.Status, rules policy.Rules) Plan {
	plan := Plan{Type: st.Type, Method: st.Application.DCVMethod, DeadlineAt: st.DeadlineAt}
	for _, after := range rules.Reminders {
		if at := st.CreatedAt.Add(after); at.Before(st.DeadlineAt) {
			plan.Reminders = append(plan.Reminders, at)
		}
	}
	return plan
}

// deadlineOf is when the order expires: no reissue can be made once its original has ended (G25).
func deadlineOf(sub order.Submission, at time.Time) time.Time {
	if r := sub.Reissue; r != nil && r.ExpiresAt.Before(at) {
		return r.ExpiresAt
	}
	return at
}

// receipt is the letter of G14, or its like for a reissue.
func receipt(sub order.Submission, renews *order.Renewed, now, deadline time.Time) order.Letter {
	app := sub.Application
	kind, facts := order.LetterReceipt, order.Facts{
		Method: app.DCVMethod, Domain: domainOf(app.CertificateEmail), Deadline: deadline, Renewal: renewalFacts(app, renews),
	}
	if r := sub.Reissue; r != nil {
		kind, facts.ReissueReason, facts.NotAfter = order.LetterReissueReceipt, r.Reason, r.ExpiresAt
	}
	return letter(kind, "", sub.Number, app, now, facts)
}
